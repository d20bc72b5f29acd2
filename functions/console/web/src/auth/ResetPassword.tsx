import { Button, Stack } from '@mantine/core';
import { useForm } from '@mantine/form';
import { Link, useSearch } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client';
import { useSending } from '../ui/sending';
import { faultWords } from './faults';
import { NewPassword } from './NewPassword';
import { Outside } from './Outside';
import classes from './Outside.module.css';
import { broken } from './password';

export default function ResetPassword() {
  const { t } = useTranslation();
  const { token } = useSearch({ strict: false }) as { token?: string };
  const [done, setDone] = useState(false);
  const form = useForm({
    initialValues: { password: '' },
    validate: { password: (password) => (broken(password, []).length ? t('auth.faults.password_weak') : null) },
  });
  const { send, busy, failure } = useSending(form, {
    onSubmit: async ({ password }) => {
      await api.POST('/v1/auth/password/reset', { body: { token: token ?? '', password } });
      setDone(true);
    },
    onError: (error) => (error.faults.some(({ code }) => code === 'token_invalid') ? t('auth.reset.over') : undefined),
    faultOf: faultWords(t),
  });
  return (
    <Outside
      title={t('auth.reset.title')}
      text={t('auth.reset.text')}
      foot={<Link to={token ? '/sign-in' : '/forgot-password'}>{token ? t('auth.backToSignIn') : t('auth.reset.again')}</Link>}
    >
      {done ? (
        <div role="status" className={classes.done}>{t('auth.reset.done')} <Link to="/sign-in">{t('auth.signIn.submit')}</Link></div>
      ) : !token ? (
        <p role="alert">{t('auth.reset.over')}</p>
      ) : (
        <form onSubmit={send} noValidate>
          <Stack gap="sm">
            <NewPassword label={t('auth.newPassword')} own={[]} autoFocus {...form.getInputProps('password')} />
            {failure}
            <Button type="submit" size="sm" loading={busy} fullWidth>{t('auth.reset.submit')}</Button>
          </Stack>
        </form>
      )}
    </Outside>
  );
}
