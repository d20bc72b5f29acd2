/** What needs doing: tickets, answers of surveys, leads, customers at risk, customers to win back. */
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { type Lead, type Ticket, useList } from '../api/records';
import { useAlerts, useWinBacks } from '../segments/api';
import { useSilence } from '../segments/silence';
import { useName } from '../ui/names';
import { useFormats } from '../ui/format';
import { useMay, useMe } from '../ui/me';
import { Tag } from '../ui/Tag';
import { Row, Section } from './Section';

const SHOWN = 5;

/** Midnight after today, where the firm is, as the day that begins then. */
const tomorrow = (today: string) => new Date(Date.parse(`${today}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10);

export function Work({ mine }: { mine: boolean }) {
  const may = useMay();
  return (
    <>
      {may('tickets', 'read') && <Tickets mine={mine} />}
      {may('tickets', 'read') && <Calls mine={mine} />}
      {may('leads', 'read') && <Leads mine={mine} />}
      {may('segments', 'read') && may('contacts', 'read') && <Silent mine={mine} />}
    </>
  );
}

function useOwn(mine: boolean): string | undefined {
  const me = useMe().data?.user as { id?: string } | null | undefined;
  return mine ? me?.id : undefined;
}

function Due({ ticket }: { ticket: Ticket }) {
  const { t } = useTranslation();
  const format = useFormats();
  if (!ticket.due_at) return null;
  const late = Date.parse(ticket.due_at) < Date.now();
  return <Tag tone={late ? 'red' : 'yellow'} title={format.moment(ticket.due_at)}>{late ? t('today.overdue', { ago: format.ago(ticket.due_at) }) : t('today.due', { in: format.ago(ticket.due_at) })}</Tag>;
}

function TicketRow({ ticket }: { ticket: Ticket }) {
  const { t } = useTranslation();
  return (
    <Row
      to={`/tickets/${ticket.id}`}
      name={ticket.subject}
      about={
        <>
          {`#${ticket.number} · ${t(`today.kind.${ticket.kind}`)}`}
          {ticket.contact_id && <Who id={ticket.contact_id} />}
        </>
      }
      end={<Due ticket={ticket} />}
    />
  );
}

const Who = ({ id }: { id: string }) => <>{` · ${useName('contacts', id) ?? '…'}`}</>;
const Name = ({ id }: { id: string }) => <>{useName('contacts', id) ?? '…'}</>;

function Tickets({ mine }: { mine: boolean }) {
  const { t } = useTranslation();
  const { today } = useFormats();
  const assignee = useOwn(mine);
  const before = tomorrow(today());
  const list = useList('tickets', { due_before: before, assignee_id: assignee });
  const due = list.rows.filter((ticket) => ticket.due_at && (ticket.channel as string) !== 'survey').sort((one, other) => one.due_at!.localeCompare(other.due_at!));
  return (
    <Section title={t('today.tickets.title')} count={due.length} more={list.hasMore} to="/tickets" search={{ due_before: before, ...(assignee && { assignee_id: assignee }) }}
      loading={list.loading} error={list.error} retry={list.retry} calm={t('today.tickets.calm')}>
      {due.slice(0, SHOWN).map((ticket) => <TicketRow key={ticket.id} ticket={ticket} />)}
    </Section>
  );
}

/** A bad answer to a survey opens a ticket; until somebody called it is open. */
function Calls({ mine }: { mine: boolean }) {
  const { t } = useTranslation();
  const assignee = useOwn(mine);
  const list = useList('tickets', { channel: 'survey', assignee_id: assignee });
  const open = list.rows.filter((ticket) => ['new', 'open'].includes(ticket.status as string));
  return (
    <Section title={t('today.calls.title')} count={open.length} more={list.hasMore} to="/tickets" search={{ channel: 'survey' }}
      loading={list.loading} error={list.error} retry={list.retry} calm={t('today.calls.calm')}>
      {open.slice(0, SHOWN).map((ticket) => <TicketRow key={ticket.id} ticket={ticket} />)}
    </Section>
  );
}

function Leads({ mine }: { mine: boolean }) {
  const { t } = useTranslation();
  const format = useFormats();
  const owner = useOwn(mine);
  const list = useList('leads', { status: 'new', owner_id: owner });
  const best = [...list.rows].sort((one: Lead, other: Lead) => (other.score ?? 0) - (one.score ?? 0));
  return (
    <Section title={t('today.leads.title')} count={best.length} more={list.hasMore} to="/leads" search={{ status: 'new', ...(owner && { owner_id: owner }) }}
      loading={list.loading} error={list.error} retry={list.retry} calm={t('today.leads.calm')}>
      {best.slice(0, SHOWN).map((lead) => (
        <Row
          key={lead.id}
          to={`/leads/${lead.id}`}
          name={lead.name || lead.company_name || lead.email}
          about={[lead.name && lead.company_name, format.ago(lead.created_at)].filter(Boolean).join(' · ')}
          end={<Tag tone="blue">{t('today.leads.score', { score: lead.score ?? 0 })}</Tag>}
        />
      ))}
    </Section>
  );
}

/** Customers with an alert, and cases of others that nobody has acted on yet. */
function Silent({ mine }: { mine: boolean }) {
  const { t } = useTranslation();
  const format = useFormats();
  const silence = useSilence();
  const may = useMay();
  const owner = useOwn(mine);
  const cases = may('win_backs', 'read');
  const alerts = useAlerts('at_risk', !mine);
  const found = useWinBacks({ status: 'found', owner_id: owner }, cases);
  const shown = useMemo(() => new Set(mine ? [] : alerts.rows.map((score) => score.contact_id)), [alerts.rows, mine]);
  // Whoever has an alert stands in the list of alerts already.
  const due = found.rows
    .filter((one) => !one.left_alone_on_purpose && !shown.has(one.contact_id))
    .sort((one, other) => Number(other.value_at_stake.amount) - Number(one.value_at_stake.amount));
  return (
    <>
      {!mine && (
        <Section title={t('today.risk.title')} count={alerts.rows.length} more={alerts.hasMore} to="/segments" search={{ tab: 'alerts' }}
          loading={alerts.loading} error={alerts.error} retry={alerts.retry} calm={t('today.risk.calm')}>
          {alerts.rows.slice(0, SHOWN).map((score) => (
            <Row
              key={score.contact_id}
              to={`/customers/${score.contact_id}`}
              name={<Name id={score.contact_id} />}
              about={silence(score.churn?.detail)}
              end={<span className="number" title={t('today.risk.bought')}>{format.roundMoney(score.rfm?.monetary)}</span>}
            />
          ))}
        </Section>
      )}
      {cases && (
        <Section title={t('today.winBack.title')} count={due.length} more={found.hasMore} to="/segments" search={{ tab: 'win-backs' }}
          loading={found.loading || (alerts.loading && !mine)} error={found.error} retry={found.retry} calm={t('today.winBack.calm')}>
          {due.slice(0, SHOWN).map((one) => (
            <Row
              key={one.id}
              to="/segments"
              search={{ tab: 'win-backs', open: one.id }}
              name={<Name id={one.contact_id} />}
              about={silence(one.detail)}
              end={<span className="number" title={t('today.winBack.stake')}>{format.roundMoney(one.value_at_stake)}</span>}
            />
          ))}
        </Section>
      )}
    </>
  );
}
