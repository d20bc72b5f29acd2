import { Button, Menu, TextInput } from '@mantine/core';
import { useLocalStorage } from '@mantine/hooks';
import { IconBookmark, IconTrash } from '@tabler/icons-react';
import { useLocation, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';

interface Kept {
  name: string;
  /** The address's words, such as `status=new&owner_id=usr_…`. */
  words: string;
}

/** Views of a list by name. A view is its address, so that a link to it can be sent; the names are kept in this browser. */
export function Views({ name }: { name: string }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const location = useLocation();
  const [kept, setKept] = useLocalStorage<Kept[]>({ key: `rapport.views.${name}`, defaultValue: [], getInitialValueInEffect: false });
  const [draft, setDraft] = useState('');
  const words = new URLSearchParams(location.searchStr);
  for (const passing of ['open', 'create', 'tab']) words.delete(passing);
  const here = words.toString();
  const now = kept.find((view) => view.words === here);
  const go = (to: string) =>
    void navigate({ to: '.', search: Object.fromEntries(new URLSearchParams(to)) as never });
  const keep = () => {
    const title = draft.trim().slice(0, 60);
    if (!title) return;
    setKept([...kept.filter((view) => view.name !== title), { name: title, words: here }]);
    setDraft('');
  };
  return (
    <Menu position="bottom-start" shadow="md" width={260} closeOnItemClick={false}>
      <Menu.Target>
        <Button variant="subtle" color="gray" size="xs" leftSection={<IconBookmark size={14} />}>
          {now?.name ?? (here ? t('common.views.unnamed') : t('common.views.all'))}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => go('')}>{t('common.views.all')}</Menu.Item>
        {kept.map((view) => (
          <Menu.Item key={view.name} onClick={() => go(view.words)}>{view.name}</Menu.Item>
        ))}
        {now && (
          <>
            <Menu.Divider />
            <Menu.Item leftSection={<IconTrash size={14} />} onClick={() => setKept(kept.filter((view) => view !== now))}>
              {t('common.views.forget', { name: now.name })}
            </Menu.Item>
          </>
        )}
        {here && !now && (
          <>
            <Menu.Divider />
            <TextInput
              m={6}
              size="xs"
              label={t('common.views.name')}
              value={draft}
              onChange={(event) => setDraft(event.currentTarget.value)}
              onKeyDown={(event) => {
                event.stopPropagation();
                if (event.key === 'Enter') keep();
              }}
              rightSectionWidth={64}
              rightSection={<Button size="compact-xs" variant="subtle" onClick={keep}>{t('common.save')}</Button>}
            />
          </>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}
