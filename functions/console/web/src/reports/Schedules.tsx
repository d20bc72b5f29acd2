import { ActionIcon, Button, Menu, Switch } from '@mantine/core';
import { IconClock, IconDots, IconPencil, IconTrash } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { call } from '../api/records';
import { tell, tellError } from '../ui/edit';
import { useFormats } from '../ui/format';
import { EmptyState, ErrorState, Loading } from '../ui/states';
import { Tag } from '../ui/Tag';
import { type Schedule, useCatalogue, useSchedules } from './api';
import classes from './Kept.module.css';
import { ScheduleForm } from './ScheduleForm';
import { useWords } from './words';

/** The reports that are mailed to the reader: when next, and how the last one went. */
export default function Schedules() {
  const { t } = useTranslation();
  const list = useSchedules();
  if (list.error) return <ErrorState error={list.error} retry={list.retry} />;
  if (list.loading) return <Loading lines={4} />;
  if (!list.rows.length) return <EmptyState icon={<IconClock />} title={t('reports.schedules.empty.title')}>{t('reports.schedules.empty.text')}</EmptyState>;
  return (
    <>
      <ul className={classes.list}>{list.rows.map((schedule) => <One key={schedule.id} schedule={schedule} />)}</ul>
      {list.hasMore && <Button mt="sm" variant="default" loading={list.growing} onClick={list.grow}>{t('reports.behind.more')}</Button>}
    </>
  );
}

function One({ schedule }: { schedule: Schedule }) {
  const { t } = useTranslation();
  const format = useFormats();
  const words = useWords();
  const client = useQueryClient();
  const [editing, edit] = useState(false);
  const entry = useCatalogue().data?.data.find((entry) => entry.name === schedule.report);
  const refresh = () => client.invalidateQueries({ queryKey: ['report-schedules'] });
  const change = useMutation({
    mutationFn: (body: object) => call('PATCH', `/v1/report-schedules/${schedule.id}`, { body, version: schedule.version }),
    onError: tellError,
    onSettled: refresh,
  });
  const remove = useMutation({
    mutationFn: () => call('DELETE', `/v1/report-schedules/${schedule.id}`),
    onSuccess: () => tell(t('reports.schedule.removed')),
    onError: tellError,
    onSettled: refresh,
  });
  const name = words.report(schedule.report, entry?.title ?? schedule.report);
  const hour = `${String(schedule.hour).padStart(2, '0')}:00`;
  const rhythm =
    schedule.every === 'week'
      ? t('reports.schedules.week', { day: t(`reports.weekday.${schedule.weekday ?? 'monday'}`), hour })
      : schedule.every === 'month'
        ? t('reports.schedules.month', { day: schedule.day_of_month ?? 1, hour })
        : t('reports.schedules.day', { hour });
  const span = entry?.dated && schedule.query.span ? t(`reports.span.${schedule.query.span}`) : null;
  return (
    <li className={classes.one}>
      <div className={classes.what}>
        <Link to={`/reports/${schedule.report}` as string} search={(schedule.query.by ? { by: schedule.query.by } : {}) as never}>{name}</Link>
        <div className="soft">{[rhythm, span, t(`reports.format.${schedule.format}`)].filter(Boolean).join(' · ')}</div>
        {schedule.last_error && <div className={classes.failed}>{schedule.last_error}</div>}
      </div>
      <div className={classes.when}>
        {schedule.enabled ? schedule.next_at && t('reports.schedules.next', { time: format.moment(schedule.next_at) }) : <Tag>{t('reports.schedules.paused')}</Tag>}
        {schedule.last_sent_at && <div className="soft">{t('reports.schedules.last', { time: format.ago(schedule.last_sent_at) })}</div>}
      </div>
      <Switch
        size="sm"
        aria-label={t('reports.schedules.enabled', { name })}
        checked={schedule.enabled}
        disabled={change.isPending}
        onChange={(event) => change.mutate({ enabled: event.currentTarget.checked })}
      />
      <Menu position="bottom-end" shadow="md">
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" aria-label={t('reports.schedules.more', { name })}><IconDots size={16} /></ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<IconPencil size={15} />} disabled={!entry} onClick={() => edit(true)}>{t('reports.schedules.change')}</Menu.Item>
          <Menu.Item leftSection={<IconTrash size={15} />} onClick={() => remove.mutate()}>{t('common.remove')}</Menu.Item>
        </Menu.Dropdown>
      </Menu>
      {entry && <ScheduleForm opened={editing} onClose={() => edit(false)} title={t('reports.schedule.title', { report: name })} entry={entry} schedule={schedule} />}
    </li>
  );
}
