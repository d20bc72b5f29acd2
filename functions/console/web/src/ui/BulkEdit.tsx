import { Button, Menu, Popover, TextInput } from '@mantine/core';
import { IconTag, IconTrash, IconUserCircle } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { keys, type Meta, type Noun, records } from '../api/records';
import { tell, tellError, useRemove } from './edit';
import { usePeople } from './me';

interface Props {
  noun: Noun;
  /** The chosen rows. */
  rows: Meta[];
  done(): void;
}

/** Changes many records at once and says how many it was. */
export function useBulkEdit(noun: Noun) {
  const { t } = useTranslation();
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (changes: Array<{ id: string; patch: object }>) => {
      const failed = await records.batch(noun, 'update', changes);
      return { changed: changes.length - failed.size, failed };
    },
    onSuccess: ({ changed, failed }) => {
      if (changed > 0) tell(t('common.bulk.changed', { count: changed }));
      const [first] = failed.values();
      if (first) tellError(first);
    },
    onError: tellError,
    onSettled: () => client.invalidateQueries({ queryKey: keys.noun(noun) }),
  });
}

/** What can be done with many records of any kind: a tag, an owner, deletion. */
export function BulkEdit({ noun, rows, done }: Props) {
  const { t } = useTranslation();
  const { people } = usePeople();
  const edit = useBulkEdit(noun);
  const remove = useRemove(noun);
  const [tag, setTag] = useState('');
  const [tagging, setTagging] = useState(false);
  const addTag = (event: FormEvent) => {
    event.preventDefault();
    const word = tag.trim();
    if (!word) return;
    const without = rows.filter((row) => !row.tags?.includes(word));
    setTagging(false);
    setTag('');
    if (without.length === 0) return done();
    edit.mutate(without.map((row) => ({ id: row.id, patch: { tags: [...(row.tags ?? []), word] } })), { onSuccess: done });
  };
  return (
    <>
      <Popover opened={tagging} onChange={setTagging} position="top" shadow="md" trapFocus>
        <Popover.Target>
          <Button variant="default" leftSection={<IconTag size={14} />} loading={edit.isPending} onClick={() => setTagging(!tagging)}>{t('common.bulk.tag')}</Button>
        </Popover.Target>
        <Popover.Dropdown>
          <form onSubmit={addTag} style={{ display: 'flex', gap: 8, alignItems: 'end' }}>
            <TextInput size="xs" label={t('common.bulk.tagName')} value={tag} maxLength={50} data-autofocus onChange={(event) => setTag(event.currentTarget.value)} />
            <Button type="submit">{t('common.save')}</Button>
          </form>
        </Popover.Dropdown>
      </Popover>
      {people.length > 0 && (
        <Menu position="top" shadow="md">
          <Menu.Target>
            <Button variant="default" leftSection={<IconUserCircle size={14} />} loading={edit.isPending}>{t('common.bulk.owner')}</Button>
          </Menu.Target>
          <Menu.Dropdown>
            {people.map((user) => (
              <Menu.Item key={user.id} onClick={() => edit.mutate(rows.map(({ id }) => ({ id, patch: { owner_id: user.id } })), { onSuccess: done })}>
                {user.name}
              </Menu.Item>
            ))}
            <Menu.Item onClick={() => edit.mutate(rows.map(({ id }) => ({ id, patch: { owner_id: null } })), { onSuccess: done })}>{t('common.bulk.nobody')}</Menu.Item>
          </Menu.Dropdown>
        </Menu>
      )}
      <Button variant="default" leftSection={<IconTrash size={14} />} loading={remove.isPending} onClick={() => remove.mutate(rows.map(({ id }) => id), { onSuccess: done })}>
        {t('common.remove')}
      </Button>
    </>
  );
}
