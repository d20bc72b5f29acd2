import { Select } from '@mantine/core';
import { IconHeartHandshake } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { CustomerName } from '../ui/CustomerName';
import { type Column, DataTable } from '../ui/DataTable';
import { useFormats } from '../ui/format';
import { EmptyState } from '../ui/states';
import { Tag, type Tone } from '../ui/Tag';
import { useView } from '../ui/view';
import { useWinBacks, type WinBack } from './api';
import { Case } from './Case';
import { EffectView } from './EffectView';
import classes from './Segments.module.css';
import { useSilence } from './silence';

const STATUS = ['found', 'acted', 'returned', 'not_returned', 'dismissed'] as const;
const TONES: Record<WinBack['status'], Tone> = { found: 'blue', acted: 'yellow', returned: 'green', not_returned: 'red', dismissed: 'gray' };

export function State({ one }: { one: WinBack }) {
  const { t } = useTranslation();
  return (
    <>
      <Tag tone={TONES[one.status]}>{t(`segments.winBack.status.${one.status}`)}</Tag>
      {one.left_alone_on_purpose && <> <Tag tone="violet" title={t('segments.winBack.heldOutText')}>{t('segments.winBack.heldOut')}</Tag></>}
    </>
  );
}

/** The cases of customers who went silent: what was done, what became of them, and whether doing it helps. */
export default function WinBacks() {
  const { t } = useTranslation();
  const format = useFormats();
  const silence = useSilence();
  const [view, change] = useView();
  const status = STATUS.find((status) => status === view.status);
  const list = useWinBacks({ status });
  const columns: Column<WinBack>[] = [
    { key: 'customer', title: t('segments.column.customer'), width: 220, render: (one) => <CustomerName id={one.contact_id} /> },
    { key: 'why', title: t('segments.column.why'), render: (one) => silence(one.detail) },
    { key: 'status', title: t('segments.column.status'), width: 200, render: (one) => <State one={one} /> },
    { key: 'stake', title: t('segments.column.stake'), width: 120, align: 'end', render: (one) => format.roundMoney(one.value_at_stake) },
    { key: 'brought', title: t('segments.column.brought'), width: 120, align: 'end', render: (one) => format.roundMoney(one.revenue) },
    { key: 'until', title: t('segments.column.until'), width: 130, align: 'end', render: (one) => format.day(one.window_ends_on) },
  ];
  return (
    <>
      <EffectView />
      <div className={classes.bar}>
        <h2 className={classes.heading}>{t('segments.winBack.cases')}</h2>
        <Select
          size="xs"
          w={180}
          aria-label={t('segments.column.status')}
          placeholder={t('segments.winBack.all')}
          clearable
          data={STATUS.map((value) => ({ value, label: t(`segments.winBack.status.${value}`) }))}
          value={status ?? null}
          onChange={(next) => change({ status: next ?? undefined })}
        />
      </div>
      <div className={classes.listBox}>
        <DataTable
          label={t('segments.winBack.cases')}
          columns={columns}
          list={list}
          open={view.open}
          onOpen={(one) => change({ open: one.id }, { push: true })}
          phone={(one) => (
            <>
              <span className="cut"><CustomerName id={one.contact_id} /> · <State one={one} /></span>
              <span className="soft cut">{silence(one.detail)}</span>
            </>
          )}
          empty={<EmptyState icon={<IconHeartHandshake />} title={t('segments.winBack.empty')}>{t('segments.winBack.emptyText')}</EmptyState>}
        />
      </div>
      {view.open && <Case id={view.open} onClose={() => change({ open: undefined })} />}
    </>
  );
}
