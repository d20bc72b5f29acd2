import { Select, SimpleGrid, Textarea, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { keys, type Order, records, type Ticket, useGrowing } from '../api/records';
import { tell } from '../ui/edit';
import { FormModal } from '../ui/FormModal';
import { useFormats } from '../ui/format';
import { useMe, usePeople } from '../ui/me';
import { RecordSelect } from '../ui/RecordSelect';
import { ticketField } from './fields';
import { KINDS, PRIORITIES } from './flow';

interface Props {
  opened: boolean;
  onClose(): void;
  onCreated(ticket: Ticket): void;
  /** Known beforehand, where it is made from a customer's or an order's page. */
  contactId?: string;
  orderId?: string;
}

/** How a person at a desk hears of something; the other ways are the service's own. */
const HEARD = ['phone', 'email', 'web', 'portal'] as const;

export default function TicketForm({ opened, onClose, onCreated, contactId, orderId }: Props) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const mine = useMe().data;
  const me = mine?.user as { id: string } | null | undefined;
  const people = usePeople();
  const field = ticketField(t);
  return (
    <FormModal
      title={t('common.create.ticket')}
      size="lg"
      // Whoever writes a ticket down is its first assignee: that must be known before the form is.
      opened={opened && mine !== undefined}
      onClose={onClose}
      initial={{
        subject: '', body: '', contact_id: contactId ?? '', order_id: orderId ?? '', kind: 'question', priority: 'normal', channel: 'phone',
        assignee_id: me?.id ?? '',
      }}
      validate={{ subject: (subject: string) => (subject.trim() ? null : t('tickets.form.subject')) }}
      submit={t('tickets.form.submit')}
      onSubmit={async (values, attempt) => {
        const given = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ''));
        const ticket = await records.create('tickets', given, { attempt });
        await client.invalidateQueries({ queryKey: keys.noun('tickets') });
        tell(t('tickets.form.done', { number: ticket.number }));
        onCreated(ticket);
      }}
    >
      {(form) => (
        <>
          <TextInput label={field('subject')} required data-autofocus maxLength={300} {...form.getInputProps('subject')} />
          <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
            <RecordSelect
              kinds={['contact']}
              label={field('contact_id')}
              value={form.values.contact_id}
              error={form.errors.contact_id as string | undefined}
              onChange={(id) => {
                form.setFieldValue('contact_id', id ?? '');
                form.setFieldValue('order_id', '');
              }}
            />
            <OrderSelect
              contactId={form.values.contact_id}
              label={field('order_id')}
              value={form.values.order_id}
              error={form.errors.order_id as string | undefined}
              onChange={(id) => form.setFieldValue('order_id', id)}
            />
            <Select label={field('kind')} allowDeselect={false} data={KINDS.map((value) => ({ value, label: t(`tickets.kind.${value}`) }))} {...form.getInputProps('kind')} />
            <Select label={field('priority')} allowDeselect={false} data={PRIORITIES.map((value) => ({ value, label: t(`tickets.priority.${value}`) }))} {...form.getInputProps('priority')} />
            <Select label={field('channel')} allowDeselect={false} data={HEARD.map((value) => ({ value, label: t(`tickets.channel.${value}`) }))} {...form.getInputProps('channel')} />
            <Select
              label={field('assignee_id')}
              clearable
              placeholder={t('tickets.nobody')}
              data={people.people.map((user) => ({ value: user.id, label: user.name }))}
              value={form.values.assignee_id || null}
              onChange={(id) => form.setFieldValue('assignee_id', id ?? '')}
              error={form.errors.assignee_id}
            />
          </SimpleGrid>
          <Textarea label={field('body')} autosize minRows={4} maxRows={12} maxLength={20_000} {...form.getInputProps('body')} />
        </>
      )}
    </FormModal>
  );
}

interface OrderProps {
  contactId: string;
  label: string;
  value: string;
  error?: string;
  onChange(id: string): void;
}

/** The customer's own orders, the newest first. */
function OrderSelect({ contactId, label, value, error, onChange }: OrderProps) {
  const { t } = useTranslation();
  const format = useFormats();
  const query = { contact_id: contactId, limit: 50 };
  const orders = useGrowing<Order>(keys.list('orders', query), '/v1/orders', query, Boolean(contactId));
  return (
    <Select
      label={label}
      error={error}
      clearable
      searchable
      disabled={!contactId}
      placeholder={contactId ? undefined : t('tickets.form.customerFirst')}
      nothingFoundMessage={t('tickets.form.noOrders')}
      data={orders.rows.map((order) => ({
        value: order.id,
        label: [`#${order.number}`, format.day(order.placed_on), format.money({ amount: order.total, currency: order.currency })].join(' · '),
      }))}
      value={value || null}
      onChange={(id) => onChange(id ?? '')}
    />
  );
}
