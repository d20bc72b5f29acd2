import type { Order } from '../api/records';
import { current } from '../api/session';
import { parseAmount } from '../ui/money';
import { draftOf, emptyLine, isEmpty, type LineDraft, lineIn, newKey } from './totals';

/** An order as it is typed. */
export interface OrderDraft {
  contact_id: string | null;
  company_id: string | null;
  placed_on: string;
  currency: string;
  channel: string;
  inclusive: boolean;
  shipping: string;
  rounding: string;
  lines: LineDraft[];
}

export const newDraft = (today: string, currency: string, contact: string | null = null, company: string | null = null): OrderDraft => ({
  contact_id: contact,
  company_id: company,
  placed_on: today,
  currency,
  channel: '',
  inclusive: false,
  shipping: '',
  rounding: '',
  lines: [emptyLine()],
});

const unlessZero = (amount: string) => (/[1-9]/.test(amount) ? amount : '');

export const draftOfOrder = (order: Order): OrderDraft => ({
  contact_id: order.contact_id ?? null,
  company_id: order.company_id ?? null,
  placed_on: order.placed_on,
  currency: order.currency,
  channel: order.channel ?? '',
  inclusive: order.tax_inclusive,
  shipping: unlessZero(order.shipping),
  rounding: unlessZero(order.rounding),
  lines: order.lines.length ? order.lines.map((line) => draftOf(line, order.currency)) : [emptyLine()],
});

/** The lines that are more than an empty row. */
export const typed = (draft: OrderDraft) => draft.lines.filter((line) => !isEmpty(line));

/** What the interface takes. A change says also what was emptied. */
export function orderIn(draft: OrderDraft, change: boolean): Record<string, unknown> {
  const none = change ? null : undefined;
  return {
    contact_id: draft.contact_id ?? none,
    company_id: draft.company_id ?? none,
    placed_on: draft.placed_on || undefined,
    currency: draft.currency,
    channel: draft.channel.trim() || none,
    tax_inclusive: draft.inclusive,
    shipping: parseAmount(draft.shipping) ?? '0',
    rounding: parseAmount(draft.rounding) ?? '0',
    lines: typed(draft).map(lineIn),
  };
}

/** Where the service's faults belong in the grid: `lines.2.unit_price` is `2.price` of the rows that are not empty. */
export function gridFaults(fields: Record<string, string>, draft: OrderDraft): Record<string, string> {
  const rows = draft.lines.flatMap((line, row) => (isEmpty(line) ? [] : [row]));
  const names: Record<string, string> = { product_id: 'sku', sku: 'sku', unit_price: 'price', name: 'name', quantity: 'quantity', discount: 'discount', tax: 'tax' };
  return Object.fromEntries(
    Object.entries(fields).flatMap(([path, words]) => {
      const [list, at, field] = path.split('.');
      const row = rows[Number(at)];
      return list === 'lines' && row !== undefined && field && names[field] ? [[`${row}.${names[field]}`, words]] : [];
    }),
  );
}

/** What was typed of a new order outlives a reload of this tab, until it is saved. */
const place = () => `rapport.order-draft.${current()?.tenant}`;

export function keepDraft(draft: OrderDraft | null): void {
  if (draft) sessionStorage.setItem(place(), JSON.stringify(draft));
  else sessionStorage.removeItem(place());
}

export function keptDraft(): OrderDraft | null {
  try {
    const draft = JSON.parse(sessionStorage.getItem(place()) ?? 'null') as OrderDraft | null;
    return draft && Array.isArray(draft.lines) ? { ...draft, lines: draft.lines.map((line) => ({ ...line, key: newKey() })) } : null;
  } catch {
    return null;
  }
}
