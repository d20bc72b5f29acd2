import { Checkbox, Select, SimpleGrid } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { call } from '../api/records';
import { tell } from '../ui/edit';
import { FormModal } from '../ui/FormModal';
import type { Entry, Schedule } from './api';
import { useWords } from './words';

export const SCHEDULE_SPANS = ['last_month', 'this_month', 'last_quarter', 'this_year', 'last_12_months'] as const;
export const WEEKDAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const;
const EVERY = ['day', 'week', 'month'] as const;

interface Props {
  opened: boolean;
  onClose(): void;
  title: string;
  entry: Entry;
  /** The schedule to change; without, one is made. */
  schedule?: Schedule;
  start?: { by?: string; convert?: boolean; span?: string };
}

/** When a report is mailed, and what it holds then. */
export function ScheduleForm({ opened, onClose, title, entry, schedule, start }: Props) {
  const { t } = useTranslation();
  const words = useWords();
  const client = useQueryClient();
  const query = schedule?.query ?? start;
  const span = SCHEDULE_SPANS.find((name) => name === query?.span) ?? 'last_month';
  return (
    <FormModal
      title={title}
      opened={opened}
      onClose={onClose}
      submit={schedule ? t('common.save') : t('reports.schedule.submit')}
      initial={{
        every: schedule?.every ?? ('month' as string),
        weekday: schedule?.weekday ?? ('monday' as string),
        day_of_month: String(schedule?.day_of_month ?? 1),
        hour: String(schedule?.hour ?? 7),
        span: span as string,
        by: query?.by ?? entry.by[0]!,
        format: schedule?.format ?? ('xlsx' as string),
        convert: query?.convert ?? false,
      }}
      fieldOf={(path) => path.split('.').at(-1)!}
      onSubmit={async (values, attempt) => {
        const body = {
          ...(schedule ? {} : { report: entry.name }),
          every: values.every,
          hour: Number(values.hour),
          // What does not belong to the rhythm is cleared, so that a change leaves nothing behind.
          weekday: values.every === 'week' ? values.weekday : null,
          day_of_month: values.every === 'month' ? Number(values.day_of_month) : null,
          format: values.format,
          query: { by: values.by, convert: values.convert, ...(entry.dated && { span: values.span }) },
        };
        if (schedule) await call('PATCH', `/v1/report-schedules/${schedule.id}`, { body, version: schedule.version });
        else await call('POST', '/v1/report-schedules', { body, attempt });
        await client.invalidateQueries({ queryKey: ['report-schedules'] });
        tell(schedule ? t('reports.schedule.changed') : t('reports.schedule.done'));
      }}
    >
      {(form) => (
        <>
          <p className="soft" style={{ margin: 0 }}>{t('reports.schedule.text')}</p>
          <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
            <Select label={t('reports.schedule.every')} allowDeselect={false} data-autofocus data={EVERY.map((value) => ({ value, label: t(`reports.schedule.each.${value}`) }))} {...form.getInputProps('every')} />
            {form.values.every === 'week' && (
              <Select label={t('reports.schedule.weekday')} allowDeselect={false} data={WEEKDAYS.map((value) => ({ value, label: t(`reports.weekday.${value}`) }))} {...form.getInputProps('weekday')} />
            )}
            {form.values.every === 'month' && (
              <Select label={t('reports.schedule.date')} allowDeselect={false} data={Array.from({ length: 28 }, (_, day) => String(day + 1))} {...form.getInputProps('day_of_month')} />
            )}
            <Select label={t('reports.schedule.hour')} allowDeselect={false} data={Array.from({ length: 24 }, (_, hour) => ({ value: String(hour), label: `${String(hour).padStart(2, '0')}:00` }))} {...form.getInputProps('hour')} />
            {entry.dated && (
              <Select label={t('reports.schedule.span')} allowDeselect={false} data={SCHEDULE_SPANS.map((value) => ({ value, label: t(`reports.span.${value}`) }))} {...form.getInputProps('span')} />
            )}
            {entry.by.length > 1 && (
              <Select label={t('reports.grouping')} allowDeselect={false} data={entry.by.map((value) => ({ value, label: words.by(value) }))} {...form.getInputProps('by')} />
            )}
            <Select label={t('reports.schedule.format')} allowDeselect={false} data={(['xlsx', 'csv'] as const).map((value) => ({ value, label: t(`reports.format.${value}`) }))} {...form.getInputProps('format')} />
          </SimpleGrid>
          <Checkbox label={t('reports.schedule.convert')} {...form.getInputProps('convert', { type: 'checkbox' })} />
        </>
      )}
    </FormModal>
  );
}
