import { SegmentedControl } from '@mantine/core';
import { IconHeartHandshake } from '@tabler/icons-react';
import { useNavigate } from '@tanstack/react-router';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { CustomerName } from '../ui/CustomerName';
import { useName } from '../ui/names';
import { type Column, DataTable } from '../ui/DataTable';
import { useFormats } from '../ui/format';
import { EmptyState } from '../ui/states';
import { useView } from '../ui/view';
import { type Score, useAlerts } from './api';
import classes from './Segments.module.css';
import { useSilence } from './silence';

const Named = ({ id }: { id: string }) => <>{useName('contacts', id) ?? '…'}</>;

/** Customers who are silent for longer than they used to be: why, how sure that is, and what is at stake. */
export default function Alerts() {
  const { t } = useTranslation();
  const format = useFormats();
  const silence = useSilence();
  const navigate = useNavigate();
  const [view, change] = useView();
  const stage = view.stage === 'lost' ? 'lost' : 'at_risk';
  const list = useAlerts(stage);
  const rows = useMemo(() => list.rows.map((score) => ({ ...score, id: score.contact_id })), [list.rows]);
  const columns: Column<Score & { id: string }>[] = [
    { key: 'customer', title: t('segments.column.customer'), width: 220, render: (score) => <CustomerName id={score.contact_id} /> },
    { key: 'why', title: t('segments.column.why'), render: (score) => silence(score.churn?.detail) },
    { key: 'risk', title: t('segments.column.risk'), width: 90, align: 'end', render: (score) => score.churn && format.percent(score.churn.risk) },
    { key: 'bought', title: t('segments.column.bought'), width: 110, align: 'end', render: (score) => format.roundMoney(score.rfm?.monetary) },
    { key: 'orders', title: t('segments.column.orders'), width: 90, align: 'end', render: (score) => score.rfm && format.number(score.rfm.frequency) },
    { key: 'expected', title: t('segments.column.expected'), width: 150, align: 'end', render: (score) => format.roundMoney(score.value?.clv_12m) },
    { key: 'last', title: t('segments.column.lastOrder'), width: 130, align: 'end', render: (score) => format.day(score.rfm?.last_purchase_on) },
  ];
  return (
    <>
      <div className={classes.bar}>
        <SegmentedControl
          size="xs"
          aria-label={t('segments.alerts.stage')}
          value={stage}
          data={[{ value: 'at_risk', label: t('segments.alerts.at_risk') }, { value: 'lost', label: t('segments.alerts.lost') }]}
          onChange={(next) => change({ stage: next === 'lost' ? 'lost' : undefined })}
        />
        <span className="soft">{t('segments.alerts.text')}</span>
      </div>
      <div className={classes.listBox}>
        <DataTable
          label={t('segments.tab.alerts')}
          columns={columns}
          list={{ ...list, rows }}
          onOpen={(score) => void navigate({ to: `/customers/${score.contact_id}` as string })}
          phone={(score) => (
            <>
              <span className="cut"><Named id={score.contact_id} /> · {format.roundMoney(score.rfm?.monetary)}</span>
              <span className="soft cut">{silence(score.churn?.detail)}</span>
            </>
          )}
          empty={<EmptyState icon={<IconHeartHandshake />} title={t('segments.alerts.empty')}>{t('segments.alerts.emptyText')}</EmptyState>}
        />
      </div>
    </>
  );
}
