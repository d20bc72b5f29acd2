import { Select, SimpleGrid, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client';
import { LANGUAGES } from '../i18n';
import { tell } from '../ui/edit';
import { FormModal } from '../ui/FormModal';
import { useMe } from '../ui/me';
import { ROLES, type Role } from './roles';

/** Asks a colleague by mail to join. */
export default function Invite({ opened, onClose }: { opened: boolean; onClose(): void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const me = useMe().data;
  return (
    <FormModal
      title={t('settings.people.invite')}
      opened={opened}
      onClose={onClose}
      initial={{ email: '', name: '', role: 'representative' as Role, locale: me?.tenant.locale ?? 'en' }}
      validate={{ email: (email: string) => (/^\S+@\S+$/.test(email.trim()) ? null : t('auth.needed.email')) }}
      submit={t('settings.people.send')}
      onSubmit={async ({ email, name, role, locale }, attempt) => {
        await api.POST('/v1/invitations', {
          body: { email: email.trim(), role, locale, ...(name.trim() && { name: name.trim() }) },
          headers: { 'idempotency-key': attempt },
        });
        await client.invalidateQueries({ queryKey: ['invitations'] });
        tell(t('settings.people.sent', { email: email.trim() }));
      }}
    >
      {(form) => (
        <>
          <TextInput label={t('settings.people.email')} type="email" data-autofocus {...form.getInputProps('email')} />
          <Select
            label={t('settings.people.role')}
            description={t(`settings.roles.${form.values.role}.text`)}
            inputWrapperOrder={['label', 'input', 'description', 'error']}
            allowDeselect={false}
            data={ROLES.filter((role) => role !== 'owner' || me?.role === 'owner').map((value) => ({ value, label: t(`settings.roles.${value}.name`) }))}
            {...form.getInputProps('role')}
          />
          <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
            <TextInput label={t('settings.people.name')} maxLength={200} {...form.getInputProps('name')} />
            <Select label={t('settings.people.locale')} allowDeselect={false} data={Object.entries(LANGUAGES).map(([value, label]) => ({ value, label }))} {...form.getInputProps('locale')} />
          </SimpleGrid>
        </>
      )}
    </FormModal>
  );
}
