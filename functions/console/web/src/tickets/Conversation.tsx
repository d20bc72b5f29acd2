import { Button } from '@mantine/core';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { keys, type Ticket, useGrowing } from '../api/records';
import type { components } from '../api/schema.gen';
import { useFormats } from '../ui/format';
import { useMay, usePeople } from '../ui/me';
import { useNames } from '../ui/names';
import { ErrorState, Loading } from '../ui/states';
import classes from './Conversation.module.css';
import { Reply } from './Reply';

export type Message = components['schemas']['Message'];

/** Where the messages of a ticket lie in the cache: under the tickets, so that what changes a ticket reads them again. */
export const messagesOf = (id: string) => [...keys.noun('tickets'), 'messages', id];

/** What was said, oldest first, with what the customer asked at the top and the answer at the bottom. */
export function Conversation({ ticket }: { ticket: Ticket }) {
  const { t } = useTranslation();
  const may = useMay();
  const list = useGrowing<Message>(messagesOf(ticket.id), `/v1/tickets/${ticket.id}/messages`, { limit: 50 });
  const messages = useMemo(() => list.rows.toReversed(), [list.rows]);
  const customer = useNames('contacts', [ticket.contact_id])(ticket.contact_id) || t('tickets.customer');
  const first: Message | null = ticket.body
    ? { id: ticket.id, ticket_id: ticket.id, from: 'customer', internal: false, body: ticket.body, created_at: ticket.created_at, created_by: '' }
    : null;
  if (list.error && !list.rows.length) return <ErrorState error={list.error} retry={list.retry} />;
  if (list.loading) return <Loading lines={5} />;
  return (
    <div className={classes.conversation}>
      <ol className={classes.messages} aria-label={t('tickets.conversation')}>
        {first && <Entry message={first} customer={customer} />}
        {list.hasMore && (
          <li className={classes.earlier}>
            <Button variant="default" loading={list.growing} onClick={list.grow}>{t('tickets.earlier')}</Button>
          </li>
        )}
        {messages.map((message) => <Entry key={message.id} message={message} customer={customer} />)}
        {ticket.resolution_note && (ticket.status === 'resolved' || ticket.status === 'closed') && (
          <li className={classes.message} data-kind="solution">
            <div className={classes.head}>
              <strong>{t('tickets.resolutionNote')}</strong>
            </div>
            <p className={classes.body}>{ticket.resolution_note}</p>
          </li>
        )}
        {!first && messages.length === 0 && <li className="soft">{t('tickets.silent')}</li>}
      </ol>
      {may('tickets', 'write') && (ticket.status === 'closed' ? <p className="soft">{t('tickets.closedTalk')}</p> : <Reply ticket={ticket} />)}
    </div>
  );
}

function Entry({ message, customer }: { message: Message; customer: string }) {
  const { t } = useTranslation();
  const format = useFormats();
  const people = usePeople();
  const kind = message.internal ? 'note' : message.from;
  const who = message.from === 'customer' ? customer : people.name(message.created_by) || t('tickets.us');
  return (
    <li className={classes.message} data-kind={kind}>
      <div className={classes.head}>
        <strong>{who}</strong>
        <span className={classes.word}>{t(`tickets.said.${kind}`)}</span>
        <time className="soft" dateTime={message.created_at} title={format.moment(message.created_at)}>{format.ago(message.created_at)}</time>
      </div>
      <p className={classes.body}>{message.body}</p>
    </li>
  );
}
