import { PasswordInput, type PasswordInputProps } from '@mantine/core';
import { IconCheck, IconPointFilled } from '@tabler/icons-react';
import { useId } from 'react';
import { useTranslation } from 'react-i18next';
import { broken, LEAST, RULES } from './password';
import classes from './Outside.module.css';

interface Props extends PasswordInputProps {
  /** What it must not be: the person's own address, name and firm. */
  own: string[];
}

/** A new password, with its rules in sight while it is typed. */
export function NewPassword({ own, value, ...input }: Props) {
  const { t } = useTranslation();
  const rules = useId();
  const faults = broken(String(value ?? ''), own);
  return (
    <div>
      <PasswordInput {...input} value={value} autoComplete="new-password" aria-describedby={rules} visibilityToggleButtonProps={{ 'aria-label': t('auth.show') }} />
      <ul className={classes.rules} id={rules}>
        {RULES.map((rule) => {
          const kept = Boolean(value) && !faults.includes(rule);
          return (
            <li key={rule} data-kept={kept || undefined}>
              {kept ? <IconCheck size={12} aria-hidden /> : <IconPointFilled size={12} aria-hidden />}
              {t(`auth.rules.${rule}`, { count: LEAST })}
            </li>
          );
        })}
      </ul>
    </div>
  );
}
