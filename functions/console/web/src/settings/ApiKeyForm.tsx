import { Button, SegmentedControl, Select, SimpleGrid, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { answer, api } from '../api/client';
import { FormModal } from '../ui/FormModal';
import { useMe } from '../ui/me';
import classes from './ApiKeyForm.module.css';
import { showOnce } from './dialogs';
import { AREAS, everywhere, most, type Right, type Rights, scopesOf } from './scopes';

const DAY = 86_400_000;

/** A new key: its name, what it permits and for how long; then the key itself, once. */
export default function ApiKeyForm({ opened, onClose }: { opened: boolean; onClose(): void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const own = useMe().data?.scopes ?? [];
  return (
    <FormModal
      title={t('settings.apiKeys.new')}
      opened={opened}
      onClose={onClose}
      initial={{ name: '', days: '365', scopes: {} as Rights }}
      validate={{
        name: (name: string) => (name.trim() ? null : t('settings.apiKeys.needed')),
        scopes: (rights: Rights) => (scopesOf(rights).length ? null : t('settings.apiKeys.permitNothing')),
      }}
      submit={t('settings.apiKeys.make')}
      fieldOf={(path) => path.split('.')[0]!}
      onSubmit={async ({ name, days, scopes }) => {
        const key = await answer(
          api.POST('/v1/api-keys', {
            body: { name: name.trim(), scopes: scopesOf(scopes), ...(days && { expires_at: new Date(Date.now() + Number(days) * DAY).toISOString() }) },
          }),
        );
        await client.invalidateQueries({ queryKey: ['api-keys'] });
        showOnce({ title: t('settings.apiKeys.key', { name: key.name }), text: t('settings.apiKeys.once'), value: key.secret ?? '' });
      }}
    >
      {(form) => {
        const set = (rights: Rights) => form.setFieldValue('scopes', rights);
        return (
          <>
            <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
              <TextInput label={t('settings.apiKeys.name')} placeholder={t('settings.apiKeys.example')} maxLength={100} data-autofocus {...form.getInputProps('name')} />
              <Select
                label={t('settings.apiKeys.lasts')}
                allowDeselect={false}
                data={[
                  ...['30', '90', '365'].map((value) => ({ value, label: t('settings.days', { count: Number(value) }) })),
                  { value: '', label: t('settings.apiKeys.forever') },
                ]}
                {...form.getInputProps('days')}
              />
            </SimpleGrid>
            <div className={classes.presets}>
              <span className="label">{t('settings.apiKeys.permits')}</span>
              <Button size="compact-xs" variant="default" onClick={() => set(everywhere('read', own))}>{t('settings.apiKeys.readAll')}</Button>
              <Button size="compact-xs" variant="default" onClick={() => set(everywhere('write', own))}>{t('settings.apiKeys.writeAll')}</Button>
              <Button size="compact-xs" variant="subtle" color="gray" onClick={() => set({})}>{t('settings.apiKeys.nothing')}</Button>
            </div>
            <div className={classes.areas}>
              {AREAS.filter((area) => most(own, area)).map((area) => (
                <div key={area} className={classes.area}>
                  <span>{t(`settings.areas.${area}`)}</span>
                  <SegmentedControl
                    size="xs"
                    aria-label={t(`settings.areas.${area}`)}
                    value={form.values.scopes[area] ?? ''}
                    onChange={(right) => set({ ...form.values.scopes, [area]: right as Right })}
                    data={[
                      { value: '', label: t('settings.rights.none') },
                      { value: 'read', label: t('settings.rights.read') },
                      ...(most(own, area) === 'write' ? [{ value: 'write', label: t('settings.rights.write') }] : []),
                    ]}
                  />
                </div>
              ))}
            </div>
            {form.errors.scopes && <div role="alert" className="fault">{form.errors.scopes}</div>}
          </>
        );
      }}
    </FormModal>
  );
}
