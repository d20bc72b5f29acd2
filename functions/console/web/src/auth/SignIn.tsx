import { Button, PasswordInput, Stack, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { Link, useRouter, useSearch } from '@tanstack/react-router';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { answer, api } from '../api/client';
import { begin, current } from '../api/session';
import { useSending } from '../ui/sending';
import { Outside } from './Outside';
import { pathAfter } from './paths';

export default function SignIn() {
  const { t } = useTranslation();
  const router = useRouter();
  const search = useSearch({ strict: false }) as { to?: string; email?: string };
  const after = pathAfter(search.to, location.origin);
  const form = useForm({
    initialValues: { email: search.email ?? '', password: '' },
    validate: {
      email: (email) => (email.trim() ? null : t('auth.needed.email')),
      password: (password) => (password ? null : t('auth.needed.password')),
    },
  });
  const { send, busy, failure } = useSending(form, {
    onSubmit: async ({ email, password }) => {
      begin(await answer(api.POST('/v1/auth/token', { body: { grant_type: 'password', username: email.trim(), password } })));
      router.history.push(after);
    },
    onError: (error) =>
      error.code === 'no_active_user' ? t('auth.signIn.noUser') : error.status === 401 ? t('auth.signIn.wrong') : error.status === 429 ? t('auth.tooMany') : undefined,
  });
  useEffect(() => {
    if (current()) router.history.replace(after);
  }, [router, after]);
  return (
    <Outside
      title={t('auth.signIn.title')}
      text={search.to ? t('auth.signIn.back') : t('auth.signIn.text')}
      foot={
        <>
          <span>{t('auth.signIn.newHere')} <Link to="/sign-up">{t('auth.signUp.title')}</Link></span>
          <span><Link to="/forgot-password" search={{ email: form.values.email || undefined } as never}>{t('auth.signIn.forgot')}</Link></span>
        </>
      }
    >
      <form onSubmit={send} noValidate>
        <Stack gap="sm">
          <TextInput label={t('auth.email')} type="email" autoComplete="username" required withAsterisk={false} autoFocus={!search.email} {...form.getInputProps('email')} />
          <PasswordInput label={t('auth.password')} autoComplete="current-password" required withAsterisk={false} autoFocus={Boolean(search.email)}
            visibilityToggleButtonProps={{ 'aria-label': t('auth.show') }} {...form.getInputProps('password')} />
          {failure}
          <Button type="submit" size="sm" loading={busy} fullWidth>{t('auth.signIn.submit')}</Button>
        </Stack>
      </form>
    </Outside>
  );
}
