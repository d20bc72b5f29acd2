import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { type Ticket, useRecord } from '../api/records';
import { CustomFields } from '../ui/CustomFields';
import { useEdit } from '../ui/edit';
import { Field } from '../ui/Field';
import { useFormats } from '../ui/format';
import { useMay, usePeople } from '../ui/me';
import { useNames } from '../ui/names';
import { ticketField } from './fields';
import { CHANNELS, KINDS, PRIORITIES } from './flow';
import { PriorityTag } from './State';

/** A ticket's own fields, each changed in place. */
export function TicketFields({ ticket }: { ticket: Ticket }) {
  const { t } = useTranslation();
  const format = useFormats();
  const may = useMay();
  const people = usePeople();
  const field = ticketField(t);
  const edit = useEdit('tickets', field);
  const order = useRecord('orders', may('orders', 'read') ? (ticket.order_id ?? undefined) : undefined);
  const customer = useNames('contacts', [ticket.contact_id]);
  const write = may('tickets', 'write');
  const save = (key: string) => (write ? (value: string | null) => edit.change(ticket, { [key]: value }) : undefined);
  const words = (name: string, values: readonly string[]) => values.map((value) => ({ value, label: t(`tickets.${name}.${value}`) }));
  return (
    <>
      <Field label={field('subject')} value={ticket.subject} edit={{ kind: 'long', required: true }} onSave={save('subject')} />
      <Field
        label={field('assignee_id')}
        value={ticket.assignee_id}
        edit={{ kind: 'choice', options: people.people.map((user) => ({ value: user.id, label: user.name })) }}
        onSave={save('assignee_id')}
      >
        {people.name(ticket.assignee_id)}
      </Field>
      <Field label={field('priority')} value={ticket.priority} edit={{ kind: 'choice', required: true, options: words('priority', PRIORITIES) }} onSave={save('priority')}>
        <PriorityTag priority={ticket.priority} />
      </Field>
      <Field label={field('kind')} value={ticket.kind} edit={{ kind: 'choice', required: true, options: words('kind', KINDS) }} onSave={save('kind')} />
      <Field label={field('channel')} value={ticket.channel} edit={{ kind: 'choice', required: true, options: words('channel', CHANNELS) }} onSave={save('channel')} />
      <Field label={field('contact_id')} value={ticket.contact_id} edit={{ kind: 'record', records: ['contact'] }} onSave={save('contact_id')}>
        {ticket.contact_id && <Link to="/customers/$id" params={{ id: ticket.contact_id }}>{customer(ticket.contact_id) || t('tickets.customer')}</Link>}
      </Field>
      <Field label={field('order_id')} value={ticket.order_id} edit={{ kind: 'record', records: ['order'] }} onSave={save('order_id')}>
        {ticket.order_id && (
          <>
            <Link to="/orders/$id" params={{ id: ticket.order_id }}>{order.data ? `#${order.data.number}` : t('tickets.order')}</Link>
            {order.data && <span className="soft"> · {format.money({ amount: order.data.total, currency: order.data.currency })}</span>}
          </>
        )}
      </Field>
      <Field label={field('tags')} value={ticket.tags?.join(',')} edit={{ kind: 'tags' }} onSave={write ? (value) => edit.change(ticket, { tags: value ? value.split(',') : [] }) : undefined}>
        {ticket.tags?.join(', ')}
      </Field>
      <CustomFields kind="ticket" custom={ticket.custom as Record<string, unknown>} onSave={write ? (custom) => edit.change(ticket, { custom }) : undefined} />
      <Field label={t('tickets.created')}>{format.moment(ticket.created_at)}</Field>
      {ticket.reopen_count ? <Field label={field('reopen_count')}>{t('tickets.times', { count: ticket.reopen_count })}</Field> : null}
    </>
  );
}
