import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { answer, api } from '../api/client';
import { keys, type Money, type Order, type Ticket } from '../api/records';
import type { components } from '../api/schema.gen';
import { useFormats } from '../ui/format';
import { useMay } from '../ui/me';
import { Loading } from '../ui/states';
import { Tag } from '../ui/Tag';
import { Answer } from './Answer';
import classes from './Record.module.css';

type Invitation = components['schemas']['SurveyInvitation'] & { id: string };

const DONE = ['fulfilled', 'cancelled', 'returned'];

/** Who asks: what the firm knows of the customer, as far as it helps to answer. */
export function CustomerBeside({ ticket }: { ticket: Ticket }) {
  const { t } = useTranslation();
  const format = useFormats();
  const may = useMay();
  const id = ticket.contact_id ?? '';
  const { data, isPending } = useQuery({
    queryKey: [...keys.record('contacts', id), 'overview'],
    queryFn: () => answer(api.GET('/v1/contacts/{id}/overview', { params: { path: { id } } })),
    enabled: id !== '' && may('contacts', 'read'),
  });
  if (!id) return null;
  if (isPending) return <Loading lines={3} />;
  if (!data) return null;
  const score = data.score as (components['schemas']['Score'] & { value?: { clv_12m?: Money } | null }) | null | undefined;
  const contact = data.contact as { name: string; email?: string; phone?: string };
  const company = data.company as { id: string; name: string } | null | undefined;
  const open = ((data.orders ?? []) as unknown as Order[]).filter(({ status }) => !DONE.includes(status));
  const others = ((data.open_tickets ?? []) as unknown as Ticket[]).filter((other) => other.id !== ticket.id);
  const answers = ((data.surveys ?? []) as unknown as Invitation[]).filter((invitation) => invitation.ticket_id === ticket.id);
  const rows: Array<[string, React.ReactNode]> = [
    [t('tickets.beside.email'), contact.email && <a href={`mailto:${contact.email}`}>{contact.email}</a>],
    [t('tickets.beside.phone'), contact.phone && <a href={`tel:${contact.phone}`}>{contact.phone}</a>],
    [t('tickets.beside.segment'), score?.rfm?.segment && <Tag>{t(`customers.segment.${score.rfm.segment}`)}</Tag>],
    [t('tickets.beside.bought'), score?.rfm && t('tickets.beside.orders', { count: score.rfm.frequency, amount: format.money(score.rfm.monetary) })],
    [t('tickets.beside.value'), score?.value?.clv_12m && format.roundMoney(score.value.clv_12m)],
  ];
  return (
    <>
      <section className={classes.section}>
        <h2>{t('tickets.customer')}</h2>
        <p className={classes.who}>
          <Link to="/customers/$id" params={{ id }}>{contact.name}</Link>
          {company && <> · <Link to="/companies/$id" params={{ id: company.id }}>{company.name}</Link></>}
          {score?.churn?.alert && <> <Tag tone="yellow">{t('tickets.beside.risk')}</Tag></>}
        </p>
        <dl className={classes.facts}>
          {rows.filter(([, value]) => value).map(([label, value]) => (
            <div key={label}>
              <dt className="label">{label}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
        {open.length > 0 && (
          <>
            <h3 className="label">{t('tickets.beside.openOrders')}</h3>
            <ul className={classes.links}>
              {open.map((order) => (
                <li key={order.id}>
                  <Link to="/orders/$id" params={{ id: order.id }}>#{order.number}</Link>
                  <span className="soft">{format.day(order.placed_on)}</span>
                  <span className="number">{format.money({ amount: order.total, currency: order.currency })}</span>
                </li>
              ))}
            </ul>
          </>
        )}
        {others.length > 0 && (
          <>
            <h3 className="label">{t('tickets.beside.otherTickets')}</h3>
            <ul className={classes.links}>
              {others.map((other) => (
                <li key={other.id}><Link to="/tickets/$id" params={{ id: other.id }} className="cut">#{other.number} {other.subject}</Link></li>
              ))}
            </ul>
          </>
        )}
      </section>
      {answers.map((invitation) => <Answer key={invitation.id} invitation={invitation} />)}
    </>
  );
}
