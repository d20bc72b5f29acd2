import { Button, PasswordInput } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { faultWords } from '../auth/faults';
import { Section } from '../settings/Section';
import { tell } from '../ui/edit';
import { FormModal } from '../ui/FormModal';
import { useFormats } from '../ui/format';
import { useAccount, useMe } from '../ui/me';
import { useClosing } from './api';
import classes from './account.module.css';
import Reopen from './Reopen';

/** A closed account is erased after so many days. */
const KEPT_DAYS = 30;

/** Ending the firm's account, which owners do. */
export function Close() {
  const { t } = useTranslation();
  const format = useFormats();
  const me = useMe().data;
  const { data: account } = useAccount();
  const [asking, ask] = useState(false);
  if (!me || !account) return null;
  const owner = me.role === 'owner';
  if (account.status === 'closed') {
    return (
      <Section title={t('data.close.closed')} text={t('data.standing.until', { erased: format.dayOf(account.erased_at) })}>
        {owner ? <div><Reopen /></div> : <p className={classes.note}>{t('data.close.ownersReopen')}</p>}
      </Section>
    );
  }
  const open = account.status === 'open';
  return (
    <Section title={t('data.close.title')} text={t('data.close.text', { days: KEPT_DAYS })}>
      {!owner ? <p className={classes.note}>{t('data.close.ownersClose')}</p> : open ? (
        <div><Button variant="outline" color="red" onClick={() => ask(true)}>{t('data.close.open')}</Button></div>
      ) : <p className={classes.note}>{t('data.close.notNow')}</p>}
      <Ask company={me.tenant.company} opened={asking} onClose={() => ask(false)} />
    </Section>
  );
}

function Ask({ company, opened, onClose }: { company: string; opened: boolean; onClose(): void }) {
  const { t } = useTranslation();
  const format = useFormats();
  const { close } = useClosing();
  const erased = format.dayOf(new Date(Date.now() + KEPT_DAYS * 86_400_000).toISOString());
  return (
    <FormModal
      danger
      title={t('data.close.ask', { company })}
      opened={opened}
      onClose={onClose}
      initial={{ password: '' }}
      validate={{ password: (password: string) => (password ? null : t('auth.needed.password')) }}
      submit={t('data.close.submit')}
      onSubmit={async ({ password }) => {
        await close(password);
        tell(t('data.close.done'));
      }}
      onError={(error) => (error.status === 429 ? t('auth.tooMany') : undefined)}
      faultOf={faultWords(t)}
    >
      {(form) => (
        <>
          <ul className={classes.follows}>
            <li>{t('data.close.follows.read')}</li>
            <li>{t('data.close.follows.work')}</li>
            <li>{t('data.close.follows.erased', { day: erased })}</li>
            <li>{t('data.close.follows.back')}</li>
          </ul>
          <PasswordInput
            data-autofocus
            label={t('data.close.password')}
            autoComplete="current-password"
            visibilityToggleButtonProps={{ 'aria-label': t('auth.show') }}
            {...form.getInputProps('password')}
          />
        </>
      )}
    </FormModal>
  );
}
