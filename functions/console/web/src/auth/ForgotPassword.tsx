import { Button, Stack, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { Link, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client';
import { useSending } from '../ui/sending';
import { Outside } from './Outside';
import classes from './Outside.module.css';

export default function ForgotPassword() {
  const { t } = useTranslation();
  const search = useSearch({ strict: false }) as { email?: string };
  const [asked, setAsked] = useState('');
  const form = useForm({
    initialValues: { email: search.email ?? '' },
    validate: { email: (email) => (email.trim() ? null : t('auth.needed.email')) },
  });
  const { send, busy, failure } = useSending(form, {
    onSubmit: async ({ email }) => {
      await api.POST('/v1/auth/password/forgot', { body: { email: email.trim() } });
      setAsked(email.trim());
    },
    onError: (error) => (error.status === 429 ? t('auth.tooMany') : undefined),
  });
  return (
    <Outside title={t('auth.forgot.title')} text={t('auth.forgot.text')} foot={<Link to="/sign-in">{t('auth.backToSignIn')}</Link>}>
      {asked ? (
        <div role="status" className={classes.done}>{t('auth.forgot.done', { email: asked })}</div>
      ) : (
        <form onSubmit={send} noValidate>
          <Stack gap="sm">
            <TextInput label={t('auth.email')} type="email" autoComplete="username" autoFocus {...form.getInputProps('email')} />
            {failure}
            <Button type="submit" size="sm" loading={busy} fullWidth>{t('auth.forgot.submit')}</Button>
          </Stack>
        </form>
      )}
    </Outside>
  );
}
