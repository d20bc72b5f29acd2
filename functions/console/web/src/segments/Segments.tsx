import { Tabs } from '@mantine/core';
import { lazy, Suspense } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormats } from '../ui/format';
import { useMay } from '../ui/me';
import { Page } from '../ui/Page';
import { EmptyState, ErrorState, Loading } from '../ui/states';
import { useView } from '../ui/view';
import { useSegments } from './api';
import { Overview } from './Overview';
import { Recomputing } from './Recomputing';

const Grid = lazy(() => import('./Grid'));
const Value = lazy(() => import('./Value'));
const Alerts = lazy(() => import('./Alerts'));
const WinBacks = lazy(() => import('./WinBacks'));
const Model = lazy(() => import('./Model'));

const TABS = ['segments', 'grid', 'value', 'alerts', 'win-backs', 'model'] as const;

/** Customers as groups: who they are, what they are worth, who is about to go, and whether winning back works. */
export default function SegmentsPage() {
  const { t } = useTranslation();
  const format = useFormats();
  const may = useMay();
  const [view, change] = useView();
  const segments = useSegments();
  const tabs = TABS.filter((tab) => tab !== 'win-backs' || may('win_backs', 'read'));
  const tab = tabs.find((tab) => tab === view.tab) ?? 'segments';
  const { data } = segments;
  const unscored = data && !data.scored_at;
  return (
    <Page
      title={t('common.nav.segments')}
      beside={data?.scored_at && <span>{t('segments.scored', { ago: format.ago(data.scored_at) })}</span>}
      actions={may('segments', 'write') && <Recomputing />}
    >
      {segments.error ? (
        <ErrorState error={segments.error} retry={() => void segments.refetch()} />
      ) : !data ? (
        <Loading lines={10} />
      ) : unscored ? (
        <EmptyState title={t('segments.empty.title')}>{t('segments.empty.text')}</EmptyState>
      ) : (
        <Tabs value={tab} onChange={(next) => change({ tab: next === 'segments' ? undefined : (next ?? undefined), open: undefined, segment: undefined, cell: undefined, grade: undefined })} keepMounted={false}>
          <Tabs.List style={{ flexWrap: 'nowrap', overflowX: 'auto' }}>
            {tabs.map((tab) => <Tabs.Tab key={tab} value={tab}>{t(`segments.tab.${tab}`)}</Tabs.Tab>)}
          </Tabs.List>
          <Suspense fallback={<Loading />}>
            <Tabs.Panel value={tab} pt="md">
              {tab === 'segments' && <Overview segments={data} />}
              {tab === 'grid' && <Grid segments={data} />}
              {tab === 'value' && <Value segments={data} />}
              {tab === 'alerts' && <Alerts />}
              {tab === 'win-backs' && <WinBacks />}
              {tab === 'model' && <Model segments={data} />}
            </Tabs.Panel>
          </Suspense>
        </Tabs>
      )}
    </Page>
  );
}
