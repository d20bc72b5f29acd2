import { Button } from '@mantine/core';
import { IconPlus, IconReceipt, IconTrash } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { useList } from '../api/records';
import type { Column } from '../ui/DataTable';
import { useRemove } from '../ui/edit';
import { type Filter, filtersOf } from '../ui/Filters';
import { useFormats } from '../ui/format';
import { ListPage } from '../ui/ListPage';
import { useMay, usePeople } from '../ui/me';
import { EmptyState } from '../ui/states';
import { useView } from '../ui/view';
import { inCurrency, type ListedOrder, PAYMENT_STATUSES, STATUSES } from './api';
import { orderField } from './fields';
import classes from './orders.module.css';
import { OrderPanel } from './Panel';
import { OrderState, PaymentState } from './State';
import { micro, places, plain } from './totals';

export default function OrderList() {
  const { t } = useTranslation();
  const format = useFormats();
  const may = useMay();
  const people = usePeople();
  const [view] = useView();
  const remove = useRemove('orders');
  const field = orderField(t);
  const contact = view.contact_id;
  const company = view.company_id;
  const filters: Filter[] = [
    { key: 'status', label: field('status'), kind: 'choice', options: STATUSES.map((value) => ({ value, label: t(`orders.state.${value}`) })) },
    { key: 'payment_status', label: field('payment_status'), kind: 'choice', options: PAYMENT_STATUSES.map((value) => ({ value, label: t(`orders.payment.${value}`) })) },
    { key: 'placed_since', label: t('orders.filter.since'), kind: 'day' },
    { key: 'placed_before', label: t('orders.filter.before'), kind: 'day' },
    { key: 'number', label: field('number'), kind: 'text' },
    { key: 'channel', label: field('channel'), kind: 'text' },
    { key: 'owner_id', label: field('owner_id'), kind: 'choice', options: people.people.map(({ id, name }) => ({ value: id, label: name })) },
    { key: 'tag', label: field('tags'), kind: 'text' },
  ];
  const query = { ...filtersOf(filters, view), contact_id: contact, company_id: company, expand: 'contact,company' };
  const list = useList('orders', query);
  // Whose orders they are is known once the first row is.
  const first = list.rows[0] as ListedOrder | undefined;
  if (contact) filters.unshift({ key: 'contact_id', label: field('contact_id'), kind: 'choice', options: [{ value: contact, label: first?.contact?.name ?? '…' }] });
  if (company) filters.unshift({ key: 'company_id', label: field('company_id'), kind: 'choice', options: [{ value: company, label: first?.company?.name ?? '…' }] });

  const money = (order: ListedOrder, amount: string) => format.money(inCurrency(order, amount));
  const columns: Column<ListedOrder>[] = [
    { key: 'number', title: field('number'), width: 100, render: (order) => <span className="number">{order.number}</span> },
    { key: 'customer', title: field('contact_id'), render: (order) => <Customer order={order} /> },
    { key: 'company', title: field('company_id'), width: 180, render: (order) => order.company && <Link to={`/companies/${order.company.id}`}>{order.company.name}</Link>, optional: true },
    { key: 'placed', title: field('placed_on'), width: 136, render: (order) => format.day(order.placed_on) },
    { key: 'status', title: field('status'), width: 110, render: (order) => <OrderState order={order} /> },
    { key: 'payment', title: field('payment_status'), width: 120, render: (order) => <PaymentState order={order} /> },
    { key: 'total', title: field('total'), width: 120, align: 'end', render: (order) => money(order, order.total) },
    { key: 'paid', title: field('paid'), width: 120, align: 'end', render: (order) => money(order, order.paid), optional: true },
    { key: 'balance', title: field('balance'), width: 120, align: 'end', render: (order) => (isOpen(order) ? money(order, order.balance) : <span className="soft">—</span>) },
    { key: 'channel', title: field('channel'), width: 100, render: (order) => order.channel },
    { key: 'owner', title: field('owner_id'), width: 140, render: (order) => people.name(order.owner_id), optional: true },
    { key: 'tags', title: field('tags'), width: 140, render: (order) => order.tags?.join(', '), optional: true },
  ];
  const create = may('orders', 'write') && (
    <Button component={Link} to="/orders/new" leftSection={<IconPlus size={15} />}>{t('common.create.order')}</Button>
  );
  return (
    <ListPage<ListedOrder>
      name="orders"
      title={t('common.nav.orders')}
      columns={columns}
      list={list}
      filters={filters}
      actions={create}
      phone={(order) => (
        <>
          <span className={classes.phoneLine}>
            <span className="cut">{order.contact?.name ?? order.company?.name ?? order.number}</span>
            <span className="number">{money(order, order.total)}</span>
          </span>
          <span className={classes.phoneLine}>
            <span className="soft cut">{order.number} · {format.day(order.placed_on)}</span>
            {isOpen(order) ? <PaymentState order={order} /> : <OrderState order={order} />}
          </span>
        </>
      )}
      empty={
        <EmptyState icon={<IconReceipt />} title={t('orders.empty.title')} action={create}>
          {t('orders.empty.text')}
        </EmptyState>
      }
      panel={(id) => ({ content: <OrderPanel id={id} />, to: `/orders/${id}` })}
      bulk={(ids, done) => (
        <>
          <Sums orders={list.rows.filter((order) => ids.includes(order.id))} />
          {may('orders', 'write') && (
            <Button size="xs" variant="default" leftSection={<IconTrash size={14} />} loading={remove.isPending} onClick={() => remove.mutate(ids, { onSuccess: done })}>
              {t('common.remove')}
            </Button>
          )}
        </>
      )}
    />
  );
}

/** A draft is agreed with nobody: nothing of it is open. */
const isOpen = (order: ListedOrder) => order.status !== 'draft' && /[1-9]/.test(order.balance);

function Customer({ order }: { order: ListedOrder }) {
  if (order.contact) return <Link to={`/customers/${order.contact.id}`}>{order.contact.name}</Link>;
  if (order.company) return <Link to={`/companies/${order.company.id}`}>{order.company.name}</Link>;
  return <span className="soft">—</span>;
}

/** What the chosen orders come to, and what is open of them, in each currency. */
function Sums({ orders }: { orders: ListedOrder[] }) {
  const { t } = useTranslation();
  const format = useFormats();
  const sums = new Map<string, { total: bigint; balance: bigint }>();
  for (const order of orders) {
    const { currency, total } = order;
    const balance = isOpen(order) ? order.balance : '0';
    const sum = sums.get(currency) ?? { total: 0n, balance: 0n };
    sums.set(currency, { total: sum.total + (micro(total) ?? 0n), balance: sum.balance + (micro(balance) ?? 0n) });
  }
  const money = (millionths: bigint, currency: string) => {
    const digits = places(currency);
    return format.money({ amount: plain(millionths / 10n ** BigInt(6 - digits), digits), currency });
  };
  return (
    <span className={classes.sums}>
      {[...sums].map(([currency, { total, balance }]) => (
        <span key={currency} className="number">
          {t('orders.sum', { total: money(total, currency), balance: money(balance, currency) })}
        </span>
      ))}
    </span>
  );
}
