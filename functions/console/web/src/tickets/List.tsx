import { Button } from '@mantine/core';
import { IconPlus, IconTicket } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { type Growing, keys, type Query, type Ticket, useGrowing } from '../api/records';
import type { Column } from '../ui/DataTable';
import { type Filter, filtersOf } from '../ui/Filters';
import { useFormats } from '../ui/format';
import { ListPage } from '../ui/ListPage';
import { useMay, useMe, usePeople } from '../ui/me';
import { useNames } from '../ui/names';
import { EmptyState } from '../ui/states';
import { useView } from '../ui/view';
import { Bulk } from './Bulk';
import { ticketField } from './fields';
import { CHANNELS, KINDS, PRIORITIES, STATUSES } from './flow';
import TicketForm from './Form';
import { TicketPanel } from './Panel';
import { useQueue } from './queue';
import { Due, Escalation, PriorityTag, StatusTag } from './State';
import { ReadyViews, readyOf, Switcher } from './Views';

const MINUTE = 60_000;
const unassigned = (ticket: Ticket) => !ticket.assignee_id;

/** What a view of the list asks of the service. */
function useTickets(filters: Filter[], view: Record<string, string | undefined>): Growing<Ticket> {
  const me = useMe().data?.user as { id: string } | null | undefined;
  const ready = readyOf(view);
  const { status, ...query }: Query = filtersOf(filters, view);
  // A whole minute, so that the same question has the same answer for a while.
  const now = useMemo(() => new Date(Math.ceil(Date.now() / MINUTE) * MINUTE).toISOString(), []);
  if (ready === 'mine') query.assignee_id = me?.id;
  if (ready === 'overdue') query.due_before = now;
  const plain = ready === 'all' || Boolean(status);
  const known = ready !== 'mine' || Boolean(me);
  const asked: Query = { ...query, status };
  const list = useGrowing<Ticket>(keys.list('tickets', asked), '/v1/tickets', asked, known && plain);
  const queue = useQueue(query, known && !plain, ready === 'unassigned' ? unassigned : undefined);
  return plain ? (ready === 'unassigned' ? { ...list, rows: list.rows.filter(unassigned) } : list) : queue;
}

export default function TicketList() {
  const { t } = useTranslation();
  const format = useFormats();
  const may = useMay();
  const people = usePeople();
  const [view, change] = useView();
  const field = ticketField(t);
  const choice = (key: string, name: string, words: readonly string[]): Filter => ({
    key,
    label: field(key),
    kind: 'choice',
    options: words.map((value) => ({ value, label: t(`tickets.${name}.${value}`) })),
  });
  const filters: Filter[] = [
    choice('status', 'status', STATUSES),
    choice('priority', 'priority', PRIORITIES),
    choice('kind', 'kind', KINDS),
    choice('channel', 'channel', CHANNELS),
    { key: 'assignee_id', label: field('assignee_id'), kind: 'choice', options: people.people.map((user) => ({ value: user.id, label: user.name })) },
    { ...choice('breached', 'clock', ['first_response', 'resolution']), label: t('tickets.breached') },
    { key: 'contact_id', label: field('contact_id'), kind: 'record', records: ['contact'] },
    { key: 'company_id', label: field('company_id'), kind: 'record', records: ['company'] },
    { key: 'order_id', label: field('order_id'), kind: 'record', records: ['order'] },
    { key: 'due_before', label: t('tickets.dueBefore'), kind: 'day' },
    { key: 'created_since', label: t('tickets.createdSince'), kind: 'day' },
    { key: 'tag', label: field('tags'), kind: 'text' },
  ];
  const list = useTickets(filters, view);
  const customer = useNames('contacts', list.rows.map((ticket) => ticket.contact_id));
  const columns: Column<Ticket>[] = [
    { key: 'number', title: field('number'), width: 64, render: (ticket) => <span className="soft number">#{ticket.number}</span> },
    { key: 'subject', title: field('subject'), render: (ticket) => ticket.subject },
    { key: 'customer', title: field('contact_id'), width: 160, render: (ticket) => <Customer ticket={ticket} name={customer(ticket.contact_id)} /> },
    { key: 'priority', title: field('priority'), width: 92, render: (ticket) => <PriorityTag priority={ticket.priority} /> },
    { key: 'status', title: field('status'), width: 158, render: (ticket) => <><StatusTag status={ticket.status} /> <Escalation ticket={ticket} /></> },
    { key: 'due', title: field('due_at'), width: 236, render: (ticket) => <Due ticket={ticket} named /> },
    { key: 'assignee', title: field('assignee_id'), width: 140, render: (ticket) => people.name(ticket.assignee_id) || <span className="soft">{t('tickets.nobody')}</span> },
    { key: 'kind', title: field('kind'), width: 110, render: (ticket) => t(`tickets.kind.${ticket.kind}`), optional: true },
    { key: 'channel', title: field('channel'), width: 100, render: (ticket) => t(`tickets.channel.${ticket.channel}`), optional: true },
    { key: 'first', title: field('first_response_due_at'), width: 170, render: (ticket) => format.moment(ticket.first_response_due_at), optional: true },
    { key: 'resolution', title: field('resolution_due_at'), width: 170, render: (ticket) => format.moment(ticket.resolution_due_at), optional: true },
    { key: 'created', title: t('tickets.created'), width: 120, render: (ticket) => format.ago(ticket.created_at), optional: true },
  ];
  const create = may('tickets', 'write') && (
    <Button leftSection={<IconPlus size={15} />} onClick={() => change({ create: '1' })}>{t('common.create.ticket')}</Button>
  );
  const none = readyOf(view) === 'open' && !Object.keys(filtersOf(filters, view)).length ? 'open' : 'other';
  return (
    <>
      <ListPage
        name="tickets"
        title={t('common.nav.tickets')}
        columns={columns}
        list={list}
        filters={filters}
        ready={<ReadyViews />}
        switcher={<Switcher />}
        actions={create}
        phone={(ticket) => (
          <>
            <span className="cut">{ticket.subject}</span>
            <span className="soft cut">
              <StatusTag status={ticket.status} /> <Due ticket={ticket} /> {customer(ticket.contact_id)}
            </span>
          </>
        )}
        empty={
          <EmptyState icon={<IconTicket />} title={t(`tickets.empty.${none}`)} action={create}>
            {t('tickets.empty.text')}
          </EmptyState>
        }
        panel={(id) => ({ content: <TicketPanel id={id} />, to: `/tickets/${id}` })}
        bulk={(ids, done) => <Bulk ids={ids} done={done} />}
      />
      <TicketForm
        opened={view.create === '1'}
        contactId={view.contact_id}
        orderId={view.order_id}
        onClose={() => change({ create: undefined, contact_id: undefined, order_id: undefined })}
        onCreated={(ticket) => change({ create: undefined, contact_id: undefined, order_id: undefined, open: ticket.id })}
      />
    </>
  );
}

function Customer({ ticket, name }: { ticket: Ticket; name: string }) {
  if (!ticket.contact_id) return null;
  return <Link to="/customers/$id" params={{ id: ticket.contact_id }}>{name}</Link>;
}
