/**
 * What an order comes to, while it is being typed: the same rules as the service's, in whole numbers. The service computes it
 * again when the order is saved, and its answer is what counts.
 */
import { parseAmount } from '../ui/money';

/** A line as it is typed. */
export interface LineDraft {
  /** Tells lines apart while they are edited; nothing else. */
  key: string;
  product_id?: string;
  sku: string;
  name: string;
  quantity: string;
  price: string;
  /** `10 %` of the line, or an amount. */
  discount: string;
  /** `20` or `20 %` as a rate, or an amount with its currency: `4.20 GBP`. */
  tax: string;
  /** What one costs the firm, as the line had it before. */
  cost?: string;
}

export const COLUMNS = ['sku', 'name', 'quantity', 'price', 'discount', 'tax'] as const;
export type Column = (typeof COLUMNS)[number];

const MILLION = 1_000_000n;
const HUNDRED = 100n * MILLION;
const MOST = 10n ** 15n * MILLION;
const MOST_UNITS = 10n ** 9n * MILLION;

/** An amount in millionths, which hold every amount that the service takes; null where it is none. */
export function micro(text: string): bigint | null {
  const plain = parseAmount(text);
  if (plain === null) return null;
  const [whole = '0', part = ''] = plain.replace('-', '').split('.');
  if (part.replace(/0+$/, '').length > 6) return null;
  const value = BigInt(whole) * MILLION + BigInt(part.slice(0, 6).padEnd(6, '0'));
  return plain.startsWith('-') ? -value : value;
}

/** How many decimal places a currency has. */
export function places(currency: string): number {
  try {
    return new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? 2;
  } catch {
    return 2;
  }
}

/** Divides and rounds half away from zero, as invoices do. */
function divide(above: bigint, below: bigint): bigint {
  const half = below / 2n;
  return above < 0n ? -((-above + half) / below) : (above + half) / below;
}

/** Minor units as the interface writes amounts: `1250.00`. */
export function plain(minor: bigint, digits: number): string {
  const text = (minor < 0n ? -minor : minor).toString().padStart(digits + 1, '0');
  const sign = minor < 0n ? '-' : '';
  return digits ? `${sign}${text.slice(0, -digits)}.${text.slice(-digits)}` : sign + text;
}

const isPercent = (text: string) => /[%％]\s*$/.test(text);
const isAmount = (text: string) => /\p{L}{3}\s*$|^\s*\p{Sc}|\p{Sc}\s*$/u.test(text);
const bare = (text: string) => text.replace(/[%％]/g, '');

export type Fault = 'quantity' | 'price' | 'discount' | 'tax' | 'name';

export interface LineSum {
  amount: bigint;
  tax: bigint;
  faults: Fault[];
}

/** One line: quantity times price less the discount, and its tax, each rounded to the currency's places. */
export function lineSum(line: LineDraft, digits: number, inclusive: boolean): LineSum {
  const unit = 10n ** BigInt(digits);
  const faults: Fault[] = [];
  const read = (fault: Fault, text: string, fallback: bigint) => {
    if (!text.trim()) return fallback;
    const value = micro(bare(text));
    if (value !== null && value >= 0n && value <= MOST) return value;
    faults.push(fault);
    return 0n;
  };
  const quantity = read('quantity', line.quantity, MILLION);
  if (quantity === 0n || quantity > MOST_UNITS) faults.push('quantity');
  const price = read('price', line.price, 0n);
  // A line without a product has a name and a price of its own.
  if (!line.product_id && !line.sku) {
    if (!line.name.trim()) faults.push('name');
    if (!line.price.trim()) faults.push('price');
  }
  const gross = divide(quantity * price * unit, MILLION * MILLION);
  const reduction = read('discount', line.discount, 0n);
  const discount = isPercent(line.discount) ? divide(gross * reduction, HUNDRED) : exact(reduction, unit, () => faults.push('discount'));
  if (discount > gross || (isPercent(line.discount) && reduction > HUNDRED)) faults.push('discount');
  const amount = gross - discount;
  const share = read('tax', line.tax, 0n);
  const tax = isAmount(line.tax)
    ? exact(share, unit, () => faults.push('tax'))
    : inclusive
      ? divide(amount * share, HUNDRED + share)
      : divide(amount * share, HUNDRED);
  if (isAmount(line.tax) ? inclusive && tax > amount : share > HUNDRED) faults.push('tax');
  return { amount, tax, faults: [...new Set(faults)] };
}

/** Millionths in minor units, where the currency has places enough. */
function exact(value: bigint, unit: bigint, refuse: () => void): bigint {
  if ((value * unit) % MILLION !== 0n) refuse();
  return divide(value * unit, MILLION);
}

export interface Totals {
  lines: LineSum[];
  subtotal: bigint;
  tax: bigint;
  total: bigint;
  digits: number;
  /** Whether everything typed can be sent. */
  good: boolean;
}

export function totals(lines: LineDraft[], order: { currency: string; inclusive: boolean; shipping: string; rounding: string }): Totals {
  const digits = places(order.currency);
  const unit = 10n ** BigInt(digits);
  const sums = lines.map((line) => lineSum(line, digits, order.inclusive));
  const subtotal = sums.reduce((sum, line) => sum + line.amount, 0n);
  const tax = sums.reduce((sum, line) => sum + line.tax, 0n);
  let good = sums.every((sum) => sum.faults.length === 0);
  const plus = (text: string) => {
    const value = text.trim() ? micro(text) : 0n;
    if (value === null) good = false;
    return exact(value ?? 0n, unit, () => (good = false));
  };
  const shipping = plus(order.shipping);
  const total = subtotal + (order.inclusive ? 0n : tax) + shipping + plus(order.rounding);
  return { lines: sums, subtotal, tax, total, digits, good: good && total >= 0n && shipping >= 0n };
}

/** A line as the interface takes it. */
export function lineIn(line: LineDraft): Record<string, unknown> {
  const amount = (text: string) => parseAmount(bare(text)) ?? undefined;
  const rate = line.tax.trim() ? micro(bare(line.tax)) : null;
  return {
    product_id: line.product_id,
    sku: line.product_id ? undefined : line.sku.trim() || undefined,
    name: line.name.trim() || undefined,
    quantity: amount(line.quantity) ?? '1',
    unit_price: amount(line.price),
    unit_cost: line.cost,
    discount: line.discount.trim() ? { [isPercent(line.discount) ? 'percent' : 'amount']: amount(line.discount) } : undefined,
    tax: rate === null ? undefined : isAmount(line.tax) ? { amount: amount(line.tax) } : { rate: share(rate) },
  };
}

/** A percentage in millionths as a share: 20 % is `0.2`. The service takes six places. */
const share = (percent: bigint) => plain(divide(percent, 100n), 6).replace(/\.?0+$/, '') || '0';

interface StoredLine {
  product_id?: string | null;
  sku?: string | null;
  name?: string | null;
  quantity: string;
  unit_price?: string | null;
  unit_cost?: string | null;
  discount?: { percent?: string | null; amount?: string | null } | null;
  tax?: { rate?: string | null; amount?: string | null } | null;
}

/** A kept line, to be edited. */
export function draftOf(line: StoredLine, currency: string): LineDraft {
  const { discount, tax } = line;
  return {
    key: newKey(),
    product_id: line.product_id ?? undefined,
    sku: line.sku ?? '',
    name: line.name ?? '',
    quantity: line.quantity,
    price: line.unit_price ?? '',
    discount: discount?.percent ? `${discount.percent} %` : (discount?.amount ?? ''),
    tax: tax?.rate ? percentOf(tax.rate) : tax?.amount ? `${tax.amount} ${currency}` : '',
    cost: line.unit_cost ?? undefined,
  };
}

/** `0.2` as `20`: exact, where a float would write 14.000000000000002. */
export const percentOf = (rate: string) => plain((micro(rate) ?? 0n) * 100n, 6).replace(/\.?0+$/, '') || '0';

let last = 0;
export const newKey = () => `line-${++last}`;
export const emptyLine = (tax = ''): LineDraft => ({ key: newKey(), sku: '', name: '', quantity: '1', price: '', discount: '', tax });
export const isEmpty = (line: LineDraft) => !line.product_id && !line.sku.trim() && !line.name.trim() && !line.price.trim();

/** The cells of what was copied from a spreadsheet: by tabs and lines, with quoted cells that hold either. */
export function cellsOf(text: string): string[][] {
  const rows: string[][] = [[]];
  let cell = '';
  let quoted = false;
  const end = () => {
    rows.at(-1)!.push(cell.trim());
    cell = '';
  };
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    if (quoted) {
      if (char !== '"') cell += char;
      else if (text[i + 1] === '"') cell += text[++i]!;
      else quoted = false;
    } else if (char === '"' && cell === '') quoted = true;
    else if (char === '\t') end();
    else if (char === '\n') {
      end();
      rows.push([]);
    } else if (char !== '\r') cell += char;
  }
  end();
  return rows.filter((row) => row.some(Boolean));
}

/** Puts cells into lines, from one cell on to the right and down; lines are added as needed. */
export function paste(lines: LineDraft[], cells: string[][], row: number, column: Column, tax: string): LineDraft[] {
  const first = COLUMNS.indexOf(column);
  const next = [...lines];
  cells.slice(0, 500).forEach((values, down) => {
    const line = { ...(next[row + down] ?? emptyLine(tax)) };
    values.slice(0, COLUMNS.length - first).forEach((value, right) => {
      const key = COLUMNS[first + right]!;
      line[key] = value.replace(/\s+/g, ' ').slice(0, 300);
      // Another number or name is another thing than the product that stood here.
      if (key === 'sku') line.product_id = line.cost = undefined;
    });
    next[row + down] = line;
  });
  return next;
}
