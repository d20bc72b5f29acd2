import { IconChevronLeft } from '@tabler/icons-react';
import { Link, useParams } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { useFormats } from '../ui/format';
import { Page } from '../ui/Page';
import back from '../ui/RecordPage.module.css';
import { EmptyState, ErrorState, Loading, NotFound } from '../ui/states';
import { Tag } from '../ui/Tag';
import { useView } from '../ui/view';
import { type Report, useCatalogue, useReport } from './api';
import { Behind } from './Behind';
import { Controls } from './Controls';
import { Keep } from './Keep';
import { find } from './number';
import { PartView } from './Part';
import classes from './Report.module.css';
import { useWords } from './words';

/** Any report of the catalogue: its span and grouping in the address, a picture, the table, and what is behind each number. */
export default function ReportPage() {
  const { t } = useTranslation();
  const { name } = useParams({ strict: false }) as { name: string };
  const words = useWords();
  const [view, change] = useView();
  const catalogue = useCatalogue();
  const entry = catalogue.data?.data.find((entry) => entry.name === name);
  const query = { from: view.from, to: view.to, by: view.by, convert: view.convert, limit: view.limit };
  const report = useReport(name, query, Boolean(entry));
  if (catalogue.error) return <ErrorState error={catalogue.error} retry={() => void catalogue.refetch()} />;
  if (!catalogue.data) return <Loading />;
  if (!entry) return <NotFound />;
  const title = words.report(name, entry.title);
  const found = report.data && find(report.data.parts, view.number);
  return (
    <Page
      title={title}
      above={
        <Link to="/reports" className={back.back} aria-label={t('common.nav.reports')} title={t('common.nav.reports')}>
          <IconChevronLeft size={16} />
        </Link>
      }
      beside={report.data?.settling && <Tag tone="yellow" title={t('reports.settling.text')}>{t('reports.settling.tag')}</Tag>}
      actions={<Keep entry={entry} query={query} span={report.data} />}
      below={<Controls entry={entry} report={report.data} />}
    >
      <p className={classes.about}>{words.about(name, entry.detail)}</p>
      {report.error ? (
        <ErrorState error={report.error} retry={() => void report.refetch()} />
      ) : report.data ? (
        <div className={classes.parts} aria-busy={report.isPlaceholderData} data-old={report.isPlaceholderData || undefined}>
          <Content report={report.data} />
        </div>
      ) : (
        <Loading lines={8} />
      )}
      <Behind report={report.data} found={found ?? null} address={view.number} onMove={(number) => change({ number })} />
    </Page>
  );
}

/** The service's notes by how they begin: each has words in every language, and a place where something can be done about it. */
const NOTES: Array<[string, string, string?]> = [
  ['currencies are not added', 'currencies'],
  ['amounts in currencies without a rate', 'apart', '/settings/scoring'],
  ['a forecast takes', 'forecast'],
  ['give products', 'stock', '/products'],
  ['activity_costs', 'costs', '/settings/scoring'],
];

function Note({ note }: { note: string }) {
  const { t } = useTranslation();
  const [, key, place] = NOTES.find(([begin]) => note.startsWith(begin)) ?? [];
  return (
    <p role="note" className={classes.note} lang={key ? undefined : 'en'}>
      {key ? t(`reports.note.${key}`) : note}
      {place && <> <Link to={place as string}>{t('reports.note.there')}</Link></>}
    </p>
  );
}

function Content({ report }: { report: Report }) {
  const { t } = useTranslation();
  const format = useFormats();
  const short = report.insufficient_data;
  if (!report.parts.length || (short && report.parts.every((part) => !part.groups.length && !Object.keys(part.totals).length))) {
    return (
      <EmptyState title={t('reports.empty.title')}>
        {short ? t(`reports.insufficient.${short}`, { defaultValue: t('reports.empty.text') }) : t('reports.empty.text')}
      </EmptyState>
    );
  }
  return (
    <>
      {short && !report.notes?.length && <p role="note" className={classes.note}>{t(`reports.insufficient.${short}`, { defaultValue: t('reports.empty.text') })}</p>}
      {report.notes?.map((note) => <Note key={note} note={note} />)}
      {report.parts.map((part, index) => (
        <PartView key={part.currency ?? index} report={report} part={part} index={index} />
      ))}
      <p className={classes.asOf}>{t('reports.asOf', { time: format.moment(report.as_of) })}</p>
    </>
  );
}
