import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { keys, type Order, type Ticket, useGrowing } from '../api/records';
import type { components } from '../api/schema.gen';
import { useFormats } from '../ui/format';
import { useMay } from '../ui/me';
import { ErrorState, Loading } from '../ui/states';
import { Tag, type Tone } from '../ui/Tag';
import classes from './orders.module.css';

type Invitation = components['schemas']['SurveyInvitation'] & { id: string; answered_at?: string | null; score?: number | null };

const TONES: Record<string, Tone> = { new: 'blue', open: 'blue', waiting: 'yellow', resolved: 'green', closed: 'gray' };

/** What else there is about an order: tickets, and what the customer said of it. */
export function Related({ order }: { order: Order }) {
  const may = useMay();
  return (
    <>
      {may('tickets', 'read') && <Tickets order={order} />}
      {may('surveys', 'read') && <Surveys order={order} />}
    </>
  );
}

function Tickets({ order }: { order: Order }) {
  const { t } = useTranslation();
  const format = useFormats();
  const write = useMay()('tickets', 'write');
  const query = { order_id: order.id, limit: 50 };
  const list = useGrowing<Ticket>(keys.list('tickets', query), '/v1/tickets', query);
  const search = { create: '1', order_id: order.id, contact_id: order.contact_id ?? undefined };
  return (
    <>
      <div className={classes.section}>
        <h2>{t('orders.related.tickets')}</h2>
        {write && <Button component={Link} to="/tickets" search={search as never} variant="default">{t('common.create.ticket')}</Button>}
      </div>
      {list.error ? <ErrorState error={list.error} retry={list.retry} /> : list.loading ? <Loading lines={2} /> : list.rows.length === 0 ? (
        <p className="soft">{t('orders.related.noTickets')}</p>
      ) : (
        <ul className={classes.rows}>
          {list.rows.map((ticket) => (
            <li key={ticket.id}>
              <Link to={`/tickets/${ticket.id}`} className="cut">#{ticket.number} {ticket.subject}</Link>
              <Tag tone={TONES[ticket.status]}>{t(`orders.related.ticket.${ticket.status}`)}</Tag>
              <span className="soft">{format.ago(ticket.updated_at)}</span>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function Surveys({ order }: { order: Order }) {
  const { t } = useTranslation();
  const format = useFormats();
  const query = { order_id: order.id, limit: 20 };
  const list = useGrowing<Invitation>(['survey-invitations', 'list', query], '/v1/survey-invitations', query);
  return (
    <>
      <div className={classes.section}><h2>{t('orders.related.surveys')}</h2></div>
      {list.error ? <ErrorState error={list.error} retry={list.retry} /> : list.loading ? <Loading lines={2} /> : list.rows.length === 0 ? (
        <p className="soft">{t('orders.related.noSurveys')}</p>
      ) : (
        <ul className={classes.rows}>
          {list.rows.map((invitation) => (
            <li key={invitation.id}>
              <Link to={`/surveys/${invitation.survey_id}`}>{t(`orders.related.metric.${invitation.metric}`)}</Link>
              <Tag tone={invitation.status === 'answered' ? 'green' : 'gray'}>{t(`orders.related.survey.${invitation.status}`)}</Tag>
              {typeof invitation.score === 'number' && <span className="number">{invitation.score}</span>}
              <span className="soft">{format.dayOf(invitation.answered_at ?? invitation.due_at)}</span>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
