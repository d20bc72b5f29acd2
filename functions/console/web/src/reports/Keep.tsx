import { Button, Menu } from '@mantine/core';
import { IconChevronDown, IconClock, IconDownload, IconFileSpreadsheet, IconFileTypeCsv } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { attempt } from '../api/client';
import { call, type Query, withQuery } from '../api/records';
import { tell, tellError } from '../ui/edit';
import { useFormats } from '../ui/format';
import { download, type Entry, type Export, type Format, type Report } from './api';
import { ScheduleForm } from './ScheduleForm';
import { spanName } from './spans';
import { useWords } from './words';

const FORMATS: Format[] = ['csv', 'xlsx'];

/** A report as a file, now or in the background, or by e-mail time and again. */
export function Keep({ entry, query, span }: { entry: Entry; query: Query; span: Report | undefined }) {
  const { t } = useTranslation();
  const words = useWords();
  const { today } = useFormats();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [busy, setBusy] = useState(false);
  const [form, setForm] = useState(false);
  const now = async (format: Format) => {
    setBusy(true);
    try {
      const days = span && entry.dated ? `-${span.from}-${span.to}` : '';
      await download(withQuery(`/v1/reports/${entry.name}`, { ...query, format }), `${entry.name}${days}.${format}`);
    } catch (error) {
      tellError(error);
    }
    setBusy(false);
  };
  const later = async (format: Format) => {
    setBusy(true);
    try {
      const { convert, limit, ...rest } = query;
      const body = { ...rest, format, ...(convert === 'true' && { convert: true }), ...(limit && { limit: Number(limit) }) };
      await call<Export>('POST', `/v1/reports/${entry.name}/exports`, { body, attempt: attempt() });
      await client.invalidateQueries({ queryKey: ['report-exports'] });
      tell(t('reports.keep.queued'));
      void navigate({ to: '/reports', search: { tab: 'files' } as never });
    } catch (error) {
      tellError(error);
    }
    setBusy(false);
  };
  const named = span && spanName(span, today());
  const icon = (format: Format) => (format === 'csv' ? <IconFileTypeCsv size={15} /> : <IconFileSpreadsheet size={15} />);
  return (
    <>
      <Menu position="bottom-end" shadow="md" width={240}>
        <Menu.Target>
          <Button variant="default" loading={busy} leftSection={<IconDownload size={15} />} rightSection={<IconChevronDown size={14} />}>
            {t('reports.keep.label')}
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>{t('reports.keep.now')}</Menu.Label>
          {FORMATS.map((format) => (
            <Menu.Item key={format} leftSection={icon(format)} onClick={() => void now(format)}>{t(`reports.format.${format}`)}</Menu.Item>
          ))}
          <Menu.Divider />
          <Menu.Label>{t('reports.keep.later')}</Menu.Label>
          {FORMATS.map((format) => (
            <Menu.Item key={format} leftSection={icon(format)} onClick={() => void later(format)}>{t(`reports.format.${format}`)}</Menu.Item>
          ))}
          <Menu.Divider />
          <Menu.Item leftSection={<IconClock size={15} />} onClick={() => setForm(true)}>{t('reports.keep.mail')}</Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <ScheduleForm
        opened={form}
        onClose={() => setForm(false)}
        title={t('reports.schedule.title', { report: words.report(entry.name, entry.title) })}
        entry={entry}
        start={{ by: String(query.by ?? entry.by[0]), convert: query.convert === 'true', span: named }}
      />
    </>
  );
}
