import { Button, PasswordInput, Select, Stack, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { faultWords } from '../auth/faults';
import { NewPassword } from '../auth/NewPassword';
import { broken } from '../auth/password';
import { answer, api } from '../api/client';
import type { User } from '../api/records';
import { begin, forget } from '../api/session';
import { LANGUAGES } from '../i18n';
import { tell, tellError } from '../ui/edit';
import { useMe } from '../ui/me';
import { useSending } from '../ui/sending';
import { ErrorState, Loading } from '../ui/states';
import { ask } from './dialogs';
import { Section, Two } from './Section';
import { SettingsPage } from './SettingsPage';

/** What concerns only the one who is signed in. */
export default function Account() {
  const { t } = useTranslation();
  const { data: me, error, refetch } = useMe();
  const user = me?.user as User | undefined;
  const signOut = () =>
    user &&
    ask({
      title: t('settings.account.out.title'),
      text: t('settings.account.out.sure'),
      confirm: t('settings.account.out.submit'),
      onConfirm: () =>
        void api
          .POST('/v1/users/{id}/sign-out', { params: { path: { id: user.id } } })
          .then(forget)
          .catch(tellError),
    });
  return (
    <SettingsPage title={t('settings.nav.account')}>
      {error ? <ErrorState error={error} retry={() => void refetch()} /> : !user ? <Loading /> : (
        <>
          <Profile user={user} role={t(`settings.roles.${user.role}.name`)} />
          <Password own={[user.email, user.name]} />
          <Section title={t('settings.account.out.title')} text={t('settings.account.out.text')}>
            <div><Button variant="default" onClick={signOut}>{t('settings.account.out.submit')}</Button></div>
          </Section>
        </>
      )}
    </SettingsPage>
  );
}

function Profile({ user, role }: { user: User; role: string }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const form = useForm({
    initialValues: { name: user.name, locale: user.locale ?? '' },
    validate: { name: (name) => (name.trim() ? null : t('auth.needed.name')) },
  });
  const { send, busy, failure } = useSending(form, {
    onSubmit: async (values) => {
      const { name, locale } = values;
      client.setQueryData(['me'], await answer(api.PATCH('/v1/me', { body: { name: name.trim(), ...(locale && { locale }) } })));
      void client.invalidateQueries({ queryKey: ['users'] });
      form.resetDirty(values);
      tell(t('settings.saved'));
    },
  });
  return (
    <Section title={t('settings.account.profile')} text={t('settings.account.as', { email: user.email, role })}>
      <form onSubmit={send} noValidate>
        <Stack gap="sm">
          <Two>
            <TextInput label={t('settings.account.name')} autoComplete="name" maxLength={200} {...form.getInputProps('name')} />
            <Select
              label={t('settings.account.locale')}
              placeholder={t('settings.account.asFirm')}
              allowDeselect={false}
              data={Object.entries(LANGUAGES).map(([value, label]) => ({ value, label }))}
              {...form.getInputProps('locale')}
              value={form.values.locale || null}
            />
          </Two>
          {failure}
          <div><Button type="submit" disabled={!form.isDirty()} loading={busy}>{t('common.save')}</Button></div>
        </Stack>
      </form>
    </Section>
  );
}

function Password({ own }: { own: string[] }) {
  const { t } = useTranslation();
  const form = useForm({
    initialValues: { current_password: '', password: '' },
    validate: {
      current_password: (password) => (password ? null : t('auth.needed.password')),
      password: (password) => (broken(password, own).length ? t('auth.faults.password_weak') : null),
    },
  });
  const { send, busy, failure } = useSending(form, {
    onSubmit: async (body) => {
      begin(await answer(api.POST('/v1/auth/password/change', { body })));
      form.reset();
      tell(t('settings.account.password.done'));
    },
    onError: (error) => (error.status === 429 ? t('auth.tooMany') : undefined),
    faultOf: faultWords(t),
  });
  return (
    <Section title={t('settings.account.password.title')} text={t('settings.account.password.text')}>
      <form onSubmit={send} noValidate>
        <Stack gap="sm">
          <Two>
            <PasswordInput label={t('settings.account.password.current')} autoComplete="current-password" visibilityToggleButtonProps={{ 'aria-label': t('auth.show') }} {...form.getInputProps('current_password')} />
            <NewPassword label={t('auth.newPassword')} own={own} {...form.getInputProps('password')} />
          </Two>
          {failure}
          <div><Button type="submit" disabled={!form.isDirty()} loading={busy}>{t('settings.account.password.submit')}</Button></div>
        </Stack>
      </form>
    </Section>
  );
}
