import { Autocomplete, Button, Checkbox, Select, TextInput } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { attempt as newAttempt } from '../api/client';
import { ApiError } from '../api/error';
import type { Order } from '../api/records';
import { useFormats } from '../ui/format';
import { RecordSelect } from '../ui/RecordSelect';
import { gridFaults, type OrderDraft, typed } from './draft';
import classes from './Editor.module.css';
import { orderField } from './fields';
import { LineGrid } from './LineGrid';
import { plain, totals } from './totals';

interface Props {
  draft: OrderDraft;
  onDraft(change: (draft: OrderDraft) => OrderDraft): void;
  /** Whether its currency can still be chosen. */
  fixedCurrency?: boolean;
  /** What can be done with it, the foremost last. */
  actions: Array<{ key: string; label: string; primary?: boolean; needsLines?: boolean; run(attempt: string): Promise<Order> }>;
  onSaved(order: Order, action: string): void;
  /** Somebody else was faster: what is saved next is saved over this. */
  onConflict?(now: Order): void;
  onCancel?(): void;
}

const CHANNELS = ['web', 'shop', 'phone', 'email', 'portal'];
const CURRENCIES = ['AUD', 'BRL', 'CAD', 'CHF', 'CNY', 'DKK', 'EUR', 'GBP', 'HKD', 'INR', 'JPY', 'KRW', 'MXN', 'NOK', 'NZD', 'PLN', 'SEK', 'SGD', 'TWD', 'USD'];

/** An order being typed: who buys, the lines, and what it comes to. */
export function Editor({ draft, onDraft, fixedCurrency, actions, onSaved, onConflict, onCancel }: Props) {
  const { t } = useTranslation();
  const format = useFormats();
  const field = orderField(t);
  const [strict, setStrict] = useState(false);
  const [busy, setBusy] = useState<string>();
  const [failure, setFailure] = useState<ApiError>();
  const [words, setWords] = useState('');
  const [name, setName] = useState(newAttempt);
  const set = (over: Partial<OrderDraft>) => onDraft((draft) => ({ ...draft, ...over }));
  const sums = totals(draft.lines, draft);
  const lines = typed(draft);
  const checked = totals(lines, draft);
  const faults = failure?.fields() ?? {};
  const money = (minor: bigint) => format.money({ amount: plain(minor, sums.digits), currency: draft.currency });

  const run = async (action: Props['actions'][number]) => {
    setFailure(undefined);
    const wrong = !checked.good ? t('orders.edit.check') : action.needsLines && lines.length === 0 ? t('orders.edit.noLines') : !draft.contact_id && !draft.company_id && action.needsLines ? t('orders.edit.noCustomer') : '';
    setWords(wrong);
    setStrict(Boolean(wrong) && lines.length > 0);
    if (wrong) return;
    setBusy(action.key);
    try {
      onSaved(await action.run(name), action.key);
      setName(newAttempt());
    } catch (error) {
      const problem = error instanceof ApiError ? error : new ApiError(-1, 'unknown', String(error));
      // Without an answer nobody knows whether it was done: the same attempt is repeated. A refusal begins a new one.
      if (problem.status !== 0) setName(newAttempt());
      setFailure(problem);
      if (problem.status === 412 && problem.current) {
        onConflict?.(problem.current as unknown as Order);
        setWords(t('orders.edit.changed'));
        return;
      }
      setWords(problem.status === 0 ? t('common.offline.form') : [problem.message, ...Object.values(problem.fields())].join(' · '));
    } finally {
      setBusy(undefined);
    }
  };

  return (
    <div className={classes.editor}>
      <div className={classes.head}>
        <RecordSelect kinds={['contact']} label={field('contact_id')} value={draft.contact_id} error={faults.contact_id} onChange={(contact_id) => set({ contact_id })} />
        <RecordSelect kinds={['company']} label={field('company_id')} value={draft.company_id} error={faults.company_id} onChange={(company_id) => set({ company_id })} />
        <TextInput type="date" label={field('placed_on')} value={draft.placed_on} error={faults.placed_on} onChange={(event) => set({ placed_on: event.currentTarget.value })} />
        <Autocomplete label={field('channel')} maxLength={100} data={CHANNELS} value={draft.channel} error={faults.channel} onChange={(channel) => set({ channel })} />
        <Select
          label={field('currency')}
          data={[...new Set([format.currency, draft.currency, ...CURRENCIES])]}
          value={draft.currency}
          error={faults.currency}
          allowDeselect={false}
          searchable
          disabled={fixedCurrency}
          onChange={(currency) => currency && set({ currency })}
        />
      </div>
      <h2 className={classes.title}>{t('orders.lines')}</h2>
      <LineGrid
        lines={draft.lines}
        onLines={(change) => onDraft((draft) => ({ ...draft, lines: change(draft.lines) }))}
        sums={sums}
        currency={draft.currency}
        faults={gridFaults(faults, draft)}
        strict={strict}
      />
      <div className={classes.foot}>
        <Checkbox size="xs" label={field('tax_inclusive')} checked={draft.inclusive} onChange={(event) => set({ inclusive: event.currentTarget.checked })} />
        <dl className={classes.sums}>
          <Sum label={field('subtotal')}>{money(sums.subtotal)}</Sum>
          <Sum label={draft.inclusive ? t('orders.taxIncluded') : field('tax')}>{money(sums.tax)}</Sum>
          {(['shipping', 'rounding'] as const).map((key) => (
            <Sum key={key} label={field(key)}>
              <TextInput size="xs" inputMode="decimal" aria-label={field(key)} placeholder="0" error={Boolean(faults[key])} maxLength={30} value={draft[key]} onChange={(event) => set({ [key]: event.currentTarget.value })} />
            </Sum>
          ))}
          <Sum label={field('total')} strong>{money(sums.total)}</Sum>
        </dl>
      </div>
      {words && (
        <div role="alert" className={classes.failure}>
          {words}
          {failure?.requestId && <div className="soft">{t('common.request', { id: failure.requestId })}</div>}
        </div>
      )}
      <div className={classes.actions}>
        {onCancel && <Button variant="subtle" color="gray" onClick={onCancel}>{t('common.cancel')}</Button>}
        {actions.map((action) => (
          <Button key={action.key} variant={action.primary ? undefined : 'default'} loading={busy === action.key} disabled={Boolean(busy) && busy !== action.key} onClick={() => void run(action)}>
            {action.label}
          </Button>
        ))}
      </div>
    </div>
  );
}

function Sum({ label, strong, children }: { label: string; strong?: boolean; children: ReactNode }) {
  return (
    <div className={classes.sum} data-strong={strong || undefined}>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}
