import { expect, test } from 'vitest';
import type { Ticket } from '../api/records';
import { clockOf, latestOf, mergeByDue, nextOf, STATUSES, stepOf, urgencyOf } from './flow';

test.each([
  ['new', 'open', 'PATCH', ''],
  ['open', 'waiting', 'PATCH', ''],
  ['waiting', 'open', 'PATCH', ''],
  ['waiting', 'resolved', 'POST', '/resolve'],
  ['new', 'closed', 'POST', '/close'],
  ['resolved', 'open', 'POST', '/reopen'],
  ['resolved', 'closed', 'POST', '/close'],
] as const)('%s → %s is %s %s', (from, to, method, path) => {
  expect(stepOf(from, to)).toMatchObject({ method, path });
});

test('nothing leads back to new, and nothing out of closed', () => {
  expect(STATUSES.filter((from) => stepOf(from, 'new'))).toEqual([]);
  expect(nextOf('closed')).toEqual([]);
});

test.each([
  ['2026-11-23T09:59:59Z', 'overdue'],
  ['2026-11-23T10:00:00Z', 'overdue'],
  ['2026-11-23T11:00:00Z', 'soon'],
  ['2026-11-23T11:00:01Z', 'later'],
])('due at %s reads as %s', (due, urgency) => {
  expect(urgencyOf(due, Date.parse('2026-11-23T10:00:00Z'))).toBe(urgency);
});

test.each<[Partial<Ticket>, string, string]>([
  [{ status: 'new', first_response_due_at: '2026-11-23T10:00:00Z', resolution_due_at: '2026-11-23T12:00:00Z' }, 'running', 'running'],
  [{ status: 'open', first_response_due_at: '2026-11-23T10:00:00Z', first_responded_at: '2026-11-23T10:00:01Z', resolution_due_at: '2026-11-23T12:00:00Z' }, 'late', 'running'],
  [{ status: 'waiting', first_response_due_at: '2026-11-23T10:00:00Z', first_responded_at: '2026-11-23T09:00:00Z', resolution_due_at: '2026-11-23T12:00:00Z' }, 'kept', 'stopped'],
  [{ status: 'resolved', resolution_due_at: '2026-11-23T12:00:00Z', resolved_at: '2026-11-23T11:00:00Z' }, 'none', 'kept'],
])('the clocks of %o', (ticket, first, resolution) => {
  expect(clockOf(ticket as Ticket, 'first_response').state).toBe(first);
  expect(clockOf(ticket as Ticket, 'resolution').state).toBe(resolution);
});

const row = (due_at?: string) => ({ due_at });
test.each([
  ['two whole lists', [[row('1'), row('4')], [row('2'), row()]], [false, false], ['1', '2', '4', undefined]],
  ['rows behind the end of a list that goes on wait', [[row('1'), row('3')], [row('2'), row('5')]], [true, false], ['1', '2', '3']],
  ['a list not loaded yet holds back all', [[row('1')], []], [false, true], []],
])('%s', (_, lists, more, expected) => {
  const merged = mergeByDue(lists.map((rows, index) => ({ rows, hasMore: more[index]! })));
  expect(merged.map(({ due_at }) => due_at)).toEqual(expected);
});

test('a ticket that stands in two lists for a moment is shown once, as it was read last', () => {
  const [old, other, now] = [{ id: 'a', version: 1 }, { id: 'b', version: 1 }, { id: 'a', version: 2 }];
  expect(latestOf([old, other, now])).toEqual([other, now]);
  expect(latestOf([now, other, old])).toEqual([now, other]);
  expect(latestOf([old, other, { ...old }])).toEqual([old, other]);
});
