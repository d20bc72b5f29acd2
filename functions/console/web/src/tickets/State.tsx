import { useSyncExternalStore } from 'react';
import { useTranslation } from 'react-i18next';
import type { Ticket } from '../api/records';
import { useFormats } from '../ui/format';
import { Tag, type Tone } from '../ui/Tag';
import { type Priority, type Status, urgencyOf } from './flow';

const STATUS: Record<Status, Tone> = { new: 'blue', open: 'blue', waiting: 'yellow', resolved: 'green', closed: 'gray' };
const PRIORITY: Record<Priority, Tone> = { urgent: 'red', high: 'yellow', normal: 'gray', low: 'gray' };

export function StatusTag({ status }: { status: Status }) {
  const { t } = useTranslation();
  return <Tag tone={STATUS[status]}>{t(`tickets.status.${status}`)}</Tag>;
}

export function PriorityTag({ priority }: { priority: Priority }) {
  const { t } = useTranslation();
  return <Tag tone={PRIORITY[priority]}>{t(`tickets.priority.${priority}`)}</Tag>;
}

/** How often a ticket became a matter for somebody higher up; nothing where it never did. */
export function Escalation({ ticket }: { ticket: Ticket }) {
  const { t } = useTranslation();
  if (!ticket.escalation_level) return null;
  return <Tag tone="violet">{t('tickets.escalated', { level: ticket.escalation_level })}</Tag>;
}

const TICK = 20_000;
let now = Date.now();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  if (!timer) {
    now = Date.now();
    timer = setInterval(() => {
      now = Date.now();
      for (const each of listeners) each();
    }, TICK);
  }
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  };
}

/** The time, a few times a minute: one clock for all deadlines on a page. */
export const useNow = (): number => useSyncExternalStore(subscribe, () => now);

/** The promise that time runs against now, relative to now; which one it is stands beside it. */
export function Due({ ticket, named }: { ticket: Ticket; named?: boolean }) {
  const { t } = useTranslation();
  const format = useFormats();
  const now = useNow();
  if (!ticket.due_at) {
    return ticket.status === 'waiting' ? <span className="soft">{t('tickets.paused')}</span> : null;
  }
  const clock = ticket.due_at === ticket.first_response_due_at && !ticket.first_responded_at ? 'first_response' : 'resolution';
  const urgency = urgencyOf(ticket.due_at, now);
  const title = `${t(`tickets.clock.${clock}`)}: ${format.moment(ticket.due_at)}`;
  const text = format.ago(ticket.due_at, now);
  return (
    <span title={title}>
      {urgency === 'later' ? <span className="number">{text}</span> : <Tag tone={urgency === 'overdue' ? 'red' : 'yellow'}>{urgency === 'overdue' ? t('tickets.overdue', { ago: text }) : text}</Tag>}
      {named && <span className="soft"> {t(`tickets.clockShort.${clock}`)}</span>}
    </span>
  );
}
