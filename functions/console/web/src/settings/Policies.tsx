import { ActionIcon, Button, Group } from '@mantine/core';
import { IconX } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { Duration } from './inputs';
import { inOrder, isPolicy, type Policy, unnamed } from './policies';
import classes from './Service.module.css';

interface Props {
  policies: Policy[];
  onChange(policies: Policy[]): void;
}

/** How soon tickets of each priority are to be answered and solved. */
export function Policies({ policies, onChange }: Props) {
  const { t } = useTranslation();
  const name = (priority: string) => t(`settings.service.priority.${priority || 'others'}`);
  const set = (at: number, change: Partial<Policy>) => onChange(policies.map((policy, n) => (n === at ? { ...policy, ...change } : policy)));
  const free = unnamed(policies);
  return (
    <div className={classes.table}>
      <div className={classes.policy} data-head aria-hidden>
        <span>{t('settings.service.tickets')}</span>
        <span>{t('settings.service.first')}</span>
        <span>{t('settings.service.whole')}</span>
      </div>
      {policies.map((policy, at) => {
        const priority = name(policy.priority ?? '');
        const fields = [
          ['first_response_minutes', t('settings.service.first')],
          ['resolution_minutes', t('settings.service.whole')],
        ] as const;
        return (
          <div role="group" aria-label={priority} key={policy.priority ?? ''} className={classes.policy}>
            <b>{priority}</b>
            {fields.map(([field, label]) => (
              <div key={field} className={classes.wide}>
                <span className={`label ${classes.caption}`} aria-hidden>{label}</span>
                <Duration label={`${priority}: ${label}`} units={['minutes', 'hours']} value={policy[field]} onChange={(minutes) => set(at, { [field]: minutes })}
                  error={field === 'resolution_minutes' && !isPolicy(policy) ? t('settings.service.fault') : undefined} />
              </div>
            ))}
            <ActionIcon variant="subtle" color="gray" disabled={policies.length < 2} aria-label={t('settings.service.drop', { name: priority })} onClick={() => onChange(policies.filter((_, n) => n !== at))}>
              <IconX size={14} />
            </ActionIcon>
          </div>
        );
      })}
      {free.length > 0 && (
        <Group gap={6} mt={8}>
          {free.map((priority) => (
            <Button key={priority} size="compact-xs" variant="subtle" color="gray"
              onClick={() => onChange(inOrder([...policies, { ...(priority && { priority }), first_response_minutes: 240, resolution_minutes: 1440 }]))}>
              {t('settings.service.add', { name: name(priority) })}
            </Button>
          ))}
        </Group>
      )}
    </div>
  );
}
