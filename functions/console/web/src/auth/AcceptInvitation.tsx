import { Button, Checkbox, PasswordInput, Stack, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { Link, useRouter, useSearch } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { answer, api } from '../api/client';
import { begin } from '../api/session';
import { useSending } from '../ui/sending';
import { faultWords } from './faults';
import { NewPassword } from './NewPassword';
import { Outside } from './Outside';
import { broken } from './password';

export default function AcceptInvitation() {
  const { t } = useTranslation();
  const router = useRouter();
  const { token } = useSearch({ strict: false }) as { token?: string };
  const form = useForm({
    initialValues: { name: '', password: '', member: false },
    validate: {
      password: (password, { member, name }) =>
        member ? (password ? null : t('auth.needed.password')) : broken(password, [name]).length ? t('auth.faults.password_weak') : null,
    },
  });
  const { send, busy, failure } = useSending(form, {
    onSubmit: async ({ name, password }) => {
      begin(await answer(api.POST('/v1/invitations/accept', { body: { token: token ?? '', name: name.trim() || undefined, password } })));
      router.history.push('/');
    },
    onError: (error) => {
      if (error.faults.some(({ code }) => code === 'token_invalid')) return t('auth.accept.over');
      if (error.status === 429) return t('auth.tooMany');
      if (error.code !== 'login_exists') return undefined;
      form.setFieldValue('member', true);
      return t('auth.accept.known');
    },
    faultOf: faultWords(t),
  });
  return (
    <Outside title={t('auth.accept.title')} text={t('auth.accept.text')} foot={<Link to="/sign-in">{t('auth.backToSignIn')}</Link>}>
      {token ? (
        <form onSubmit={send} noValidate>
          <Stack gap="sm">
            <TextInput label={t('auth.name')} autoComplete="name" maxLength={200} autoFocus {...form.getInputProps('name')} />
            <Checkbox label={t('auth.accept.member')} {...form.getInputProps('member', { type: 'checkbox' })} />
            {form.values.member ? (
              <PasswordInput label={t('auth.password')} autoComplete="current-password" visibilityToggleButtonProps={{ 'aria-label': t('auth.show') }} {...form.getInputProps('password')} />
            ) : (
              <NewPassword label={t('auth.newPassword')} own={[form.values.name]} {...form.getInputProps('password')} />
            )}
            {failure}
            <Button type="submit" size="sm" loading={busy} fullWidth>{t('auth.accept.submit')}</Button>
          </Stack>
        </form>
      ) : (
        <p role="alert">{t('auth.accept.over')}</p>
      )}
    </Outside>
  );
}
