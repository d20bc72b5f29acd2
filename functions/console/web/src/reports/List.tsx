import { Tabs } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { Page } from '../ui/Page';
import { ErrorState, Loading } from '../ui/states';
import { useView } from '../ui/view';
import { type Entry, useCatalogue } from './api';
import Files from './Files';
import classes from './List.module.css';
import Schedules from './Schedules';
import { useWords } from './words';

/** What a reader looks for, rather than how it is reckoned; reports that are not named here come last. */
const PARTS: Array<[string, string[]]> = [
  ['sales', ['sales', 'forecast', 'receivables']],
  ['customers', ['trading', 'profitability', 'pareto', 'loyalty', 'started-stopped', 'composition', 'screening']],
  ['products', ['product-sales', 'product-margin', 'product-turnover']],
];

export default function ReportList() {
  const { t } = useTranslation();
  const [view, change] = useView();
  const tab = view.tab === 'schedules' || view.tab === 'files' ? view.tab : 'reports';
  return (
    <Page title={t('common.nav.reports')}>
      <Tabs value={tab} onChange={(next) => change({ tab: next === 'reports' ? undefined : (next ?? undefined) })} keepMounted={false}>
        <Tabs.List>
          <Tabs.Tab value="reports">{t('reports.tabs.reports')}</Tabs.Tab>
          <Tabs.Tab value="schedules">{t('reports.tabs.schedules')}</Tabs.Tab>
          <Tabs.Tab value="files">{t('reports.tabs.files')}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="reports"><Catalogue /></Tabs.Panel>
        <Tabs.Panel value="schedules" pt="md"><Schedules /></Tabs.Panel>
        <Tabs.Panel value="files" pt="md"><Files /></Tabs.Panel>
      </Tabs>
    </Page>
  );
}

function Catalogue() {
  const { t } = useTranslation();
  const catalogue = useCatalogue();
  if (catalogue.error) return <ErrorState error={catalogue.error} retry={() => void catalogue.refetch()} />;
  if (!catalogue.data) return <Loading lines={10} />;
  const all = catalogue.data.data;
  const named = new Set(PARTS.flatMap(([, names]) => names));
  const parts: Array<[string, Entry[]]> = [
    ...PARTS.map(([part, names]): [string, Entry[]] => [part, names.flatMap((name) => all.find((entry) => entry.name === name) ?? [])]),
    ['others', all.filter((entry) => !named.has(entry.name))],
  ];
  return parts
    .filter(([, entries]) => entries.length)
    .map(([part, entries]) => (
      <section key={part} className={classes.part}>
        <h2 className={classes.heading}>{t(`reports.part.${part}`)}</h2>
        <ul className={classes.list}>
          {entries.map((entry) => <One key={entry.name} entry={entry} />)}
        </ul>
      </section>
    ));
}

function One({ entry }: { entry: Entry }) {
  const words = useWords();
  return (
    <li className={classes.report}>
      <Link to={`/reports/${entry.name}` as string} className={classes.link}>
        <span className={classes.name}>{words.report(entry.name, entry.title)}</span>
        <span className={classes.about}>{words.about(entry.name, entry.detail)}</span>
      </Link>
    </li>
  );
}

