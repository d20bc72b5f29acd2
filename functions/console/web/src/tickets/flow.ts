/** The flow of a ticket as the service allows it, and how its deadlines read. No interface here. */
import type { Ticket } from '../api/records';

export type Status = Ticket['status'];
export type Priority = Ticket['priority'];

export const STATUSES: readonly Status[] = ['new', 'open', 'waiting', 'resolved', 'closed'];
export const PRIORITIES: readonly Priority[] = ['urgent', 'high', 'normal', 'low'];
export const KINDS: ReadonlyArray<Ticket['kind']> = ['question', 'fault', 'complaint', 'feedback', 'presales'];
export const CHANNELS: ReadonlyArray<Ticket['channel']> = ['email', 'phone', 'web', 'portal', 'api', 'survey'];

const NEXT: Record<Status, readonly Status[]> = {
  new: ['open', 'waiting', 'resolved', 'closed'],
  open: ['waiting', 'resolved', 'closed'],
  waiting: ['open', 'resolved', 'closed'],
  resolved: ['open', 'closed'],
  closed: [],
};

/** Where a ticket can go from here. */
export const nextOf = (status: Status): readonly Status[] => NEXT[status];

export interface Step {
  method: 'POST' | 'PATCH';
  /** After the ticket's address. */
  path: '' | '/resolve' | '/close' | '/reopen';
  body?: object;
}

/** The call that takes a ticket from one status to another; null where the flow has no such step. */
export function stepOf(from: Status, to: Status): Step | null {
  if (!NEXT[from].includes(to)) return null;
  if (to === 'resolved') return { method: 'POST', path: '/resolve' };
  if (to === 'closed') return { method: 'POST', path: '/close' };
  if (from === 'resolved') return { method: 'POST', path: '/reopen' };
  return { method: 'PATCH', path: '', body: { status: to } };
}

export type Urgency = 'overdue' | 'soon' | 'later';
const HOUR = 3_600_000;

/** How near a deadline is. */
export function urgencyOf(due: string, now: number): Urgency {
  const left = new Date(due).getTime() - now;
  return left <= 0 ? 'overdue' : left <= HOUR ? 'soon' : 'later';
}

export type ClockState = 'kept' | 'late' | 'running' | 'stopped' | 'none';

/** How one promise stands: kept in time, kept too late, running, standing still, or never made. */
export function clockOf(ticket: Ticket, clock: 'first_response' | 'resolution'): { state: ClockState; due?: string; at?: string } {
  const due = (clock === 'first_response' ? ticket.first_response_due_at : ticket.resolution_due_at) ?? undefined;
  const done = clock === 'first_response' ? ticket.first_responded_at : (ticket.resolved_at ?? ticket.closed_at);
  if (done) return { state: due && new Date(done) > new Date(due) ? 'late' : 'kept', due, at: done };
  if (!due) return { state: 'none' };
  return { state: ticket.status === 'new' || ticket.status === 'open' ? 'running' : 'stopped', due };
}

/** Each ticket once, as it was read last: lists by status are read apart, so that one that has moved may stand in two. */
export function latestOf<T extends { id: string; version: number }>(rows: readonly T[]): T[] {
  const latest = new Map<string, T>();
  for (const row of rows) {
    const known = latest.get(row.id);
    if (!known || known.version < row.version) latest.set(row.id, row);
  }
  return rows.filter((row) => latest.get(row.id) === row);
}

interface Part<T> {
  rows: T[];
  hasMore: boolean;
}

/**
 * Lists that are each ordered by deadline, as one. What may stand behind a row not loaded yet waits, so that rows never
 * move once they are seen. Tickets without a deadline come last.
 */
export function mergeByDue<T extends { due_at?: string | null }>(parts: ReadonlyArray<Part<T>>): T[] {
  const due = (row: T | undefined) => row?.due_at ?? '~';
  const known = parts
    .filter(({ hasMore }) => hasMore)
    .map(({ rows }) => (rows.length ? due(rows.at(-1)) : ''))
    .reduce((least, end) => (end < least ? end : least), '~');
  return parts
    .flatMap(({ rows }) => rows)
    .filter((row) => due(row) <= known)
    .sort((one, other) => (due(one) < due(other) ? -1 : due(one) > due(other) ? 1 : 0));
}
