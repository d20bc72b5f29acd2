import { Select, Switch, TagsInput, TextInput } from '@mantine/core';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { LANGUAGES } from '../i18n';
import { countryOptions, currencyOptions, zoneOptions } from '../ui/places';
import type { Settings } from './api';
import { type Interval, isDay, parseClock } from './clock';
import { Holidays } from './Holidays';
import { DAYS, Hours, type Week } from './Hours';
import { SettingsSection, Two } from './Section';
import { SettingsPage } from './SettingsPage';

const firm = ({ company, country, currency, time_zone, locale }: Settings) => ({ company, country, currency, time_zone, locale });
const hours = (settings: Settings) => ({ week: settings.working_hours as Week });
const holidays = (settings: Settings) => ({ holidays: settings.holidays });
const access = ({ allowed_origins, unique_email }: Settings) => ({ allowed_origins, unique_email });

/** A week as the settings keep it: free days are named, so that the patch clears them. */
const kept = (week: Week) =>
  Object.fromEntries(
    DAYS.map((day) => [day, week[day]?.length ? week[day].map((span) => [parseClock(span[0]) ?? span[0], parseClock(span[1]) ?? span[1]] as Interval) : null]),
  );

/** What the firm is called, where it is and when it works. */
export default function Firm() {
  const { t, i18n } = useTranslation();
  const countries = useMemo(() => countryOptions(i18n.language), [i18n.language]);
  const currencies = useMemo(() => currencyOptions(i18n.language), [i18n.language]);
  const zones = useMemo(() => zoneOptions(''), []);
  const chosen = { searchable: true, allowDeselect: false, limit: 600 };
  const among = (options: Array<{ value: string; label: string }>, value: string) =>
    options.some((option) => option.value === value) ? options : [{ value, label: value }, ...options];
  return (
    <SettingsPage title={t('settings.nav.firm')}>
      <SettingsSection
        title={t('settings.firm.title')}
        read={firm}
        write={(values) => values}
        validate={{ company: (company: string) => (company.trim() ? null : t('settings.firm.needed')) }}
      >
        {(form) => (
          <>
            <TextInput label={t('settings.firm.company')} description={t('settings.firm.companyText')} maxLength={200} {...form.getInputProps('company')} />
            <Two>
              <Select label={t('settings.firm.country')} data={among(countries, form.values.country)} {...chosen} {...form.getInputProps('country')} />
              <Select label={t('settings.firm.currency')} data={among(currencies, form.values.currency)} {...chosen} {...form.getInputProps('currency')} />
              <Select label={t('settings.firm.zone')} data={among(zones, form.values.time_zone)} {...chosen} {...form.getInputProps('time_zone')} />
              <Select label={t('settings.firm.locale')} data={Object.entries(LANGUAGES).map(([value, label]) => ({ value, label }))} allowDeselect={false} {...form.getInputProps('locale')} />
            </Two>
          </>
        )}
      </SettingsSection>
      <SettingsSection
        title={t('settings.firm.hours.title')}
        text={t('settings.firm.hours.text')}
        read={hours}
        write={({ week }) => ({ working_hours: kept(week) })}
        validate={{ week: (week: Week) => (DAYS.every((day) => isDay(week[day] ?? [])) ? null : t('settings.firm.hours.fault')) }}
        fieldOf={(path) => (path.startsWith('working_hours') ? 'week' : path)}
      >
        {(form) => <Hours week={form.values.week} onChange={(week) => form.setFieldValue('week', week)} />}
      </SettingsSection>
      <SettingsSection
        title={t('settings.firm.holidays.title')}
        text={t('settings.firm.holidays.text')}
        read={holidays}
        write={(values) => values}
      >
        {(form) => <Holidays days={form.values.holidays} onChange={(days) => form.setFieldValue('holidays', days)} />}
      </SettingsSection>
      <SettingsSection title={t('settings.firm.access.title')} read={access} write={(values) => values}>
        {(form) => (
          <>
            <Switch label={t('settings.firm.access.unique')} description={t('settings.firm.access.uniqueText')} {...form.getInputProps('unique_email', { type: 'checkbox' })} />
            <TagsInput label={t('settings.firm.access.origins')} description={t('settings.firm.access.originsText')} placeholder="https://shop.example" {...form.getInputProps('allowed_origins')} />
          </>
        )}
      </SettingsSection>
    </SettingsPage>
  );
}
