import type { Tone } from '../ui/Tag';
import type { Overview } from './api';

/** Something that waits to be done for a customer. */
export interface Step {
  key: 'ticket_late' | 'ticket' | 'complaint' | 'silent' | 'owes' | 'draft' | 'unreachable' | 'first_order';
  tone: Tone;
  /** The record to go to, where it is not the customer. */
  id?: string;
  values: Record<string, string | number>;
  /** A moment to be told in the reader's words. */
  at?: string | null;
}

/** What to do next, the most pressing first. */
export function nextSteps({ contact, score, open_tickets = [], orders, surveys = [] }: Overview, now: string): Step[] {
  const steps: Step[] = [];
  for (const ticket of open_tickets) {
    const values = { number: ticket.number, subject: ticket.subject };
    const late = (ticket.due_at && ticket.due_at < now) || Boolean(ticket.breached?.length);
    if (late) steps.push({ key: 'ticket_late', tone: 'red', id: ticket.id, values, at: ticket.due_at });
    else if ((ticket.status as string) !== 'waiting') steps.push({ key: 'ticket', tone: 'yellow', id: ticket.id, values, at: ticket.due_at });
  }
  steps.sort((a, b) => Number(a.key === 'ticket') - Number(b.key === 'ticket') || (a.at ?? '9').localeCompare(b.at ?? '9'));
  const open = new Set(open_tickets.map(({ id }) => id as string));
  for (const survey of surveys) {
    if (survey.complaint_id && open.has(survey.complaint_id)) {
      steps.push({ key: 'complaint', tone: 'red', id: survey.complaint_id, values: { score: survey.score ?? '' }, at: survey.answered_at });
    }
  }
  const silence = score?.churn?.alert ? score.churn.detail : undefined;
  if (silence && !contact.do_not_contact) {
    steps.push({ key: 'silent', tone: 'yellow', values: { days: silence.days_since_last, usual: Math.round(silence.usual_days ?? silence.rhythm_days ?? 0) } });
  }
  for (const order of orders ?? []) {
    const owes = Number(order.balance) > 0 && (order.status === 'placed' || order.status === 'fulfilled');
    if (owes) steps.push({ key: 'owes', tone: 'yellow', id: order.id, values: { number: order.number, amount: String(order.balance), currency: order.currency } });
    if (order.status === 'draft') steps.push({ key: 'draft', tone: 'blue', id: order.id, values: { number: order.number } });
  }
  if (!contact.email && !contact.phone) steps.push({ key: 'unreachable', tone: 'gray', values: {} });
  if (orders?.length === 0) steps.push({ key: 'first_order', tone: 'blue', values: {} });
  return steps;
}
