import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { type Order, useRecord } from '../api/records';
import { useEdit } from '../ui/edit';
import { Field } from '../ui/Field';
import { useFormats } from '../ui/format';
import { useMay, usePeople } from '../ui/me';
import { orderField } from './fields';

/** The fields of an order, beside its lines and payments. */
export function OrderFields({ order }: { order: Order }) {
  const { t } = useTranslation();
  const format = useFormats();
  const people = usePeople();
  const field = orderField(t);
  const edit = useEdit('orders', field);
  const may = useMay();
  const write = may('orders', 'write');
  const save = (key: string) => (write ? (value: string | null) => edit.change(order, { [key]: value }) : undefined);
  const contact = useRecord('contacts', may('contacts', 'read') ? (order.contact_id ?? undefined) : undefined).data;
  const company = useRecord('companies', may('contacts', 'read') ? (order.company_id ?? undefined) : undefined).data;
  const days: Array<[string, string | null | undefined]> = [['fulfilled_on', order.fulfilled_on], ['cancelled_on', order.cancelled_on], ['returned_on', order.returned_on]];
  return (
    <>
      <Field label={field('contact_id')}>{contact && <Link to={`/customers/${contact.id}`}>{contact.name}</Link>}</Field>
      {contact?.emails?.[0] && <Field label={t('orders.email')}><Reach href={`mailto:${contact.emails[0].address}`}>{contact.emails[0].address}</Reach></Field>}
      {contact?.phones?.[0] && <Field label={t('orders.phone')}><Reach href={`tel:${contact.phones[0].number}`}>{contact.phones[0].number}</Reach></Field>}
      {company && <Field label={field('company_id')}><Link to={`/companies/${company.id}`}>{company.name}</Link></Field>}
      <Field label={field('placed_on')} value={order.placed_on} edit={{ kind: 'day', required: true }} onSave={save('placed_on')}>{format.day(order.placed_on)}</Field>
      {days.map(([key, day]) => day && <Field key={key} label={field(key)}>{format.day(day)}</Field>)}
      {order.reason && <Field label={field('reason')}>{order.reason}</Field>}
      <Field label={field('channel')} value={order.channel} edit={{ kind: 'text' }} onSave={save('channel')} />
      <Field
        label={field('owner_id')}
        value={order.owner_id}
        edit={{ kind: 'choice', options: people.people.map(({ id, name }) => ({ value: id, label: name })) }}
        onSave={save('owner_id')}
      />
      <Field label={field('tags')} value={order.tags?.join(',')} edit={{ kind: 'tags' }} onSave={write ? (value) => edit.change(order, { tags: value ? value.split(',') : [] }) : undefined}>
        {order.tags?.join(', ')}
      </Field>
      {order.historic && <Field label={field('historic')}>{t('orders.historicText')}</Field>}
    </>
  );
}

const Reach = ({ href, children }: { href: string; children: ReactNode }) => <a href={href}>{children}</a>;
