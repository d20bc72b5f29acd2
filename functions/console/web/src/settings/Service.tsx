import { NumberInput, Select, Switch, TextInput } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { Settings } from './api';
import { parseClock } from './clock';
import { Duration, Percent } from './inputs';
import { Policies } from './Policies';
import { inOrder, isPolicy, type Policy } from './policies';
import { SettingsSection, Two } from './Section';
import classes from './Service.module.css';
import { SettingsPage } from './SettingsPage';

const TEMPLATES = ['csat', 'nps', 'ces', 'servqual', 'servqual_short', 'fault_tolerance'];

const policiesOf = ({ sla }: Settings) => ({ policies: inOrder(sla.policies) });
const surveyOf = ({ survey }: Settings) => ({
  ...survey,
  quiet: Boolean(survey.quiet_hours),
  from: survey.quiet_hours?.from ?? '20:00',
  to: survey.quiet_hours?.to ?? '09:00',
});

/** What customers may expect of the firm's service, and when they are asked about it. */
export default function Service() {
  const { t } = useTranslation();
  const isTime = (time: string) => (parseClock(time) && parseClock(time) !== '24:00' ? null : t('settings.service.time'));
  return (
    <SettingsPage title={t('settings.nav.service')}>
      <SettingsSection
        title={t('settings.service.sla')}
        text={<>{t('settings.service.slaText')} <Link to="/settings">{t('settings.firm.hours.title')}</Link></>}
        read={policiesOf}
        write={({ policies }) => ({ sla: { policies: inOrder(policies) } })}
        validate={{ policies: (policies: Policy[]) => (policies.every(isPolicy) ? null : t('settings.service.fault')) }}
        fieldOf={() => 'policies'}
      >
        {(form) => <Policies policies={form.values.policies} onChange={(policies) => form.setFieldValue('policies', policies)} />}
      </SettingsSection>
      <SettingsSection
        title={t('settings.service.survey')}
        text={<>{t('settings.service.surveyText')} <Link to="/surveys">{t('common.nav.surveys')}</Link></>}
        read={surveyOf}
        write={({ quiet, from, to, ...survey }) => ({
          survey: { ...survey, quiet_hours: quiet ? { from: parseClock(from) ?? from, to: parseClock(to) ?? to } : null },
        })}
        validate={{ from: isTime, to: isTime }}
      >
        {(form) => (
          <>
            <Switch label={t('settings.service.enabled')} {...form.getInputProps('enabled', { type: 'checkbox' })} />
            <Two>
              <Select
                label={t('settings.service.template')}
                allowDeselect={false}
                data={TEMPLATES.map((value) => ({ value, label: t(`settings.service.templates.${value}`) }))}
                {...form.getInputProps('template')}
              />
              <Duration label={t('settings.service.delay')} labelled units={['minutes', 'hours', 'days']} value={form.values.delay_minutes}
                onChange={(minutes) => form.setFieldValue('delay_minutes', minutes)} error={form.errors.delay_minutes} />
              <NumberInput label={t('settings.service.pause')} min={0} max={3650} allowDecimal={false} hideControls
                rightSection={<span className="label">{t('settings.units.days')}</span>} rightSectionWidth={52} {...form.getInputProps('min_days_between')} />
              <Percent label={t('settings.service.sample')} value={form.values.sample_rate} onChange={(share) => form.setFieldValue('sample_rate', share)} error={form.errors.sample_rate} />
            </Two>
            <Switch label={t('settings.service.quiet')} {...form.getInputProps('quiet', { type: 'checkbox' })} />
            {form.values.quiet && (
              <div className={classes.pair}>
                <TextInput label={t('settings.service.from')} maxLength={5} {...form.getInputProps('from')} />
                <TextInput label={t('settings.service.to')} maxLength={5} {...form.getInputProps('to')} />
              </div>
            )}
          </>
        )}
      </SettingsSection>
    </SettingsPage>
  );
}
