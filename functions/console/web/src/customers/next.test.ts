import { expect, test } from 'vitest';
import type { Overview } from './api';
import { nextSteps } from './next';

const NOW = '2026-11-23T10:00:00.000Z';
const ticket = (id: string, due_at: string | null, status = 'open') => ({ id, number: 7, subject: 'Cup', due_at, status });
const order = (status: string, balance: string) => ({ id: 'ord_1', number: '12', status, balance, currency: 'GBP' });

const CASES: Array<[string, object, string[]]> = [
  ['nothing waits', { orders: [order('fulfilled', '0.00')] }, []],
  ['a late ticket comes before one that is due', { orders: [order('placed', '0')], open_tickets: [ticket('a', '2026-11-23T11:00:00Z'), ticket('b', '2026-11-23T09:00:00Z')] }, ['ticket_late', 'ticket']],
  ['a broken promise is late though no clock runs', { orders: [order('placed', '0')], open_tickets: [{ ...ticket('a', null), breached: ['resolution'] }] }, ['ticket_late']],
  ['a ticket that waits for the customer asks nothing of us', { orders: [order('placed', '0')], open_tickets: [ticket('a', '2026-11-23T11:00:00Z', 'waiting')] }, []],
  ['money owed', { orders: [order('fulfilled', '12.50')] }, ['owes']],
  ['a cancelled order owes nothing', { orders: [order('cancelled', '12.50')] }, []],
  ['a draft', { orders: [order('draft', '12.50')] }, ['draft']],
  ['no order yet', { orders: [] }, ['first_order']],
  ['orders that may not be read are no missing order', {}, []],
  ['silence', { orders: [order('placed', '0')], score: { churn: { alert: true, detail: { days_since_last: 94, usual_days: 31 } } } }, ['silent']],
  ['whoever wants no contact is not called', { contact: { email: 'a@b.example', do_not_contact: true }, score: { churn: { alert: true, detail: { days_since_last: 94 } } } }, []],
  ['no way to reach somebody', { contact: {}, orders: [order('placed', '0')] }, ['unreachable']],
];

test.each(CASES)('%s', (_, parts, steps) => {
  const overview = { contact: { email: 'a@b.example' }, timeline: { data: [] }, ...parts } as unknown as Overview;
  expect(nextSteps(overview, NOW).map(({ key }) => key)).toEqual(steps);
});
