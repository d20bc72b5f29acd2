import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { type Growing, keys, type Money, type Order, type Ticket, useGrowing } from '../api/records';
import { useFormats } from '../ui/format';
import { RecordLink } from '../ui/RecordLink';
import { EmptyState, ErrorState, Loading } from '../ui/states';
import { Tag, type Tone } from '../ui/Tag';
import type { Invitation } from './api';
import classes from './Overview.module.css';

/** Whose records: a contact's or a company's. */
export interface Of {
  contact_id?: string;
  company_id?: string;
}

const ORDER: Record<string, Tone> = { draft: 'gray', placed: 'blue', fulfilled: 'green', cancelled: 'gray', returned: 'red' };
const PAYMENT: Record<string, Tone> = { unpaid: 'yellow', part_paid: 'yellow', paid: 'green', credit: 'violet', refunded: 'gray' };
const TICKET: Record<string, Tone> = { new: 'blue', open: 'blue', waiting: 'yellow', resolved: 'green', closed: 'gray' };
const SURVEY: Record<string, Tone> = { pending: 'gray', sent: 'yellow', answered: 'green', skipped: 'gray' };

interface Column {
  title: string;
  end?: boolean;
  hide?: boolean;
}

/** A short table within a record's page. */
export function Rows({ label, columns, children }: { label: string; columns: Column[]; children: ReactNode }) {
  return (
    <div className={classes.scroll}>
      <table className={classes.table} aria-label={label}>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.title} scope="col" data-end={column.end || undefined} className={column.hide ? classes.hide : undefined}>{column.title}</th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

export function OrderRows({ orders }: { orders: Order[] }) {
  const { t } = useTranslation();
  const format = useFormats();
  const money = (order: Order, amount: unknown) => format.money({ amount, currency: order.currency } as unknown as Money);
  return (
    <Rows
      label={t('common.nav.orders')}
      columns={[
        { title: t('customers.order.number') }, { title: t('customers.order.placed_on') }, { title: t('customers.order.status') },
        { title: t('customers.order.payment'), hide: true }, { title: t('customers.order.total'), end: true }, { title: t('customers.order.balance'), end: true },
      ]}
    >
      {orders.map((order) => (
        <tr key={order.id}>
          <td><RecordLink id={order.id}>#{order.number}</RecordLink></td>
          <td className="number">{format.day(order.placed_on)}</td>
          <td><Tag tone={ORDER[order.status]}>{t(`customers.order.state.${order.status}`)}</Tag></td>
          <td className={classes.hide}><Tag tone={PAYMENT[order.payment_status]}>{t(`customers.order.paid.${order.payment_status}`)}</Tag></td>
          <td data-end>{money(order, order.total)}</td>
          <td data-end>{Number(order.balance) === 0 ? '—' : money(order, order.balance)}</td>
        </tr>
      ))}
    </Rows>
  );
}

export function TicketRows({ tickets }: { tickets: Ticket[] }) {
  const { t } = useTranslation();
  const format = useFormats();
  return (
    <Rows
      label={t('common.nav.tickets')}
      columns={[
        { title: t('customers.ticket.subject') }, { title: t('customers.ticket.status') }, { title: t('customers.ticket.priority'), hide: true }, { title: t('customers.ticket.due'), end: true },
      ]}
    >
      {tickets.map((ticket) => (
        <tr key={ticket.id}>
          <td className={classes.wide}><RecordLink id={ticket.id}>#{ticket.number} {ticket.subject}</RecordLink></td>
          <td><Tag tone={TICKET[ticket.status]}>{t(`customers.ticket.state.${ticket.status}`)}</Tag></td>
          <td className={classes.hide}>{t(`customers.ticket.priorities.${ticket.priority}`)}</td>
          <td data-end>
            {ticket.due_at ? (
              <span title={format.moment(ticket.due_at)}>{Date.parse(ticket.due_at) < Date.now() ? <Tag tone="red">{format.ago(ticket.due_at)}</Tag> : format.ago(ticket.due_at)}</span>
            ) : (
              <span className="soft">{format.dayOf(ticket.resolved_at ?? ticket.created_at)}</span>
            )}
          </td>
        </tr>
      ))}
    </Rows>
  );
}

export function SurveyRows({ surveys }: { surveys: Invitation[] }) {
  const { t } = useTranslation();
  const format = useFormats();
  return (
    <Rows
      label={t('common.nav.surveys')}
      columns={[{ title: t('customers.survey.asked') }, { title: t('customers.survey.status') }, { title: t('customers.survey.answer') }, { title: t('customers.survey.when'), end: true }]}
    >
      {surveys.map((survey) => (
        <tr key={survey.id}>
          <td className={classes.wide}>
            <RecordLink id={survey.survey_id}>{t(`customers.survey.metric.${survey.metric}`)}</RecordLink>
            <div className="label">
              <RecordLink id={survey.ticket_id ?? survey.order_id}>
                {survey.ticket_id ? t('customers.survey.ticket', { number: survey.reference ?? '' }) : t('customers.survey.order', { number: survey.reference ?? '' })}
              </RecordLink>
            </div>
          </td>
          <td><Tag tone={SURVEY[survey.status]}>{t(`customers.survey.state.${survey.status}`)}</Tag></td>
          <td>
            {survey.score !== null && survey.score !== undefined && <strong>{survey.score}</strong>} {survey.comment}
            {survey.complaint_id && <div className="label"><RecordLink id={survey.complaint_id}>{t('customers.survey.complaint')}</RecordLink></div>}
          </td>
          <td data-end>{format.dayOf(survey.answered_at ?? survey.sent_at ?? survey.due_at)}</td>
        </tr>
      ))}
    </Rows>
  );
}

/** All of a list, a page at a time, with its states. */
function All<T>({ list, empty, children }: { list: Growing<T>; empty: string; children: ReactNode }) {
  const { t } = useTranslation();
  if (list.error && list.rows.length === 0) return <ErrorState error={list.error} retry={list.retry} />;
  if (list.loading) return <Loading lines={5} />;
  if (list.rows.length === 0) return <EmptyState title={empty} />;
  return (
    <>
      {children}
      {list.hasMore && <Button mt="sm" variant="default" loading={list.growing} onClick={list.grow}>{t('common.history.more')}</Button>}
    </>
  );
}

export function Orders({ of }: { of: Of }) {
  const { t } = useTranslation();
  const query = { ...of, limit: 50 };
  const list = useGrowing<Order>(keys.list('orders', query), '/v1/orders', query);
  return <All list={list} empty={t('customers.order.none')}><OrderRows orders={list.rows} /></All>;
}

export function Tickets({ of }: { of: Of }) {
  const { t } = useTranslation();
  const query = { ...of, limit: 50 };
  const list = useGrowing<Ticket>(keys.list('tickets', query), '/v1/tickets', query);
  return <All list={list} empty={t('customers.ticket.none')}><TicketRows tickets={list.rows} /></All>;
}

export function Surveys({ of }: { of: Of }) {
  const { t } = useTranslation();
  const query = { ...of, limit: 50 };
  const list = useGrowing<Invitation>(['survey-invitations', 'list', query], '/v1/survey-invitations', query);
  return <All list={list} empty={t('customers.survey.none')}><SurveyRows surveys={list.rows} /></All>;
}
