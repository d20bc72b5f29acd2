import { expect, test } from 'vitest';
import type { Happening } from '../customers/api';
import { episodes, touched } from './happenings';

const happening = (type: string, subject: string, version = 1, time = 't1'): Happening => ({
  id: `evt_${type}`, type, time, subject, version, data: {}, previous: {},
});

const CASES: Array<[string, Happening[], Array<[string, string[]]>]> = [
  ['one change is told once, in order', ['order.fulfilled', 'order.paid', 'payment.received', 'order.placed', 'order.created'].map((type) => happening(type, 'ord_1')), [['order', ['placed', 'paid', 'fulfilled']]]],
  ['part of the money is told', [happening('payment.received', 'ord_1', 2), happening('order.updated', 'ord_1', 2)], [['order', ['payment_received']]]],
  ['changes of one record stay apart', [happening('contact.updated', 'con_1', 3, 't3'), happening('contact.updated', 'con_1', 2, 't2')], [['contact', ['updated']], ['contact', ['updated']]]],
  ['records stay apart', [happening('ticket.opened', 'tkt_1'), happening('ticket.opened', 'tkt_2')], [['ticket', ['opened']], ['ticket', ['opened']]]],
  ['the general is told where nothing particular is', [happening('contact.created', 'con_1')], [['contact', ['created']]]],
];

test.each(CASES)('%s', (_, happenings, told) => {
  expect(episodes(happenings).map(({ noun, verbs }) => [noun, verbs])).toEqual(told);
});

test('what follows from another field is not told', () => {
  expect(touched({ version: 1, updated_at: '', emails: [], email: 'a' })).toEqual(['emails']);
  expect(touched({ version: 1, email: 'a' })).toEqual(['email']);
});
