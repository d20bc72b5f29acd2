import { Progress } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client';
import { useFormats } from '../ui/format';
import { ErrorState, Loading } from '../ui/states';
import { Row, Rows } from './Rows';
import { Section } from './Section';
import { SettingsPage } from './SettingsPage';

/** From which share on a limit is near. */
const NEAR = 0.9;

/** What the firm's plan allows, and how much of it is used. */
export default function Plan() {
  const { t } = useTranslation();
  const format = useFormats();
  const { data, error, refetch } = useQuery({
    queryKey: ['usage'],
    queryFn: async () => {
      const [usage, account] = await Promise.all([api.GET('/v1/usage'), api.GET('/v1/account')]);
      return { usage: usage.data, account: account.data };
    },
  });
  const amount = (name: string, number: number) =>
    name === 'storage_bytes'
      ? t('settings.plan.megabytes', { number: format.number(number / 1_000_000, { maximumFractionDigits: 1 }) })
      : format.number(number);
  return (
    <SettingsPage title={t('settings.nav.plan')} intro={t('settings.plan.intro')}>
      {error ? <ErrorState error={error} retry={() => void refetch()} /> : !data?.usage || !data.account ? <Loading lines={6} /> : (
        <Section
          title={t('settings.plan.current', { plan: t(`settings.plan.names.${data.usage.plan}`) })}
          text={t('settings.plan.since', { day: format.dayOf(data.account.plan_since) })}
        >
          <Rows label={t('settings.nav.plan')} none="">
            {data.usage.limits.map(({ name, used, allowed, again_at }) => (
              <Row
                key={name}
                title={t(`settings.plan.limits.${name}`)}
                beside={<span>{t('settings.plan.of', { used: amount(name, used), allowed: amount(name, allowed) })}</span>}
                sub={
                  <>
                    <Progress
                      aria-label={t(`settings.plan.limits.${name}`)}
                      value={Math.min(100, (100 * used) / allowed)}
                      color={used >= allowed ? 'red' : used >= NEAR * allowed ? 'yellow' : undefined}
                    />
                    {again_at && t('settings.plan.again', { day: format.dayOf(again_at) })}
                  </>
                }
              />
            ))}
          </Rows>
        </Section>
      )}
    </SettingsPage>
  );
}
