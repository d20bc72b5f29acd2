import { expect, test } from 'vitest';
import { cellsOf, draftOf, emptyLine, type LineDraft, lineIn, paste, percentOf, plain, totals } from './totals';

const line = (over: Partial<LineDraft>): LineDraft => ({ ...emptyLine(), name: 'Tea', ...over });

// The same table as the service's own rules have.
test.each([
  ['USD', false, { quantity: '3', price: '19.99' }, '0', '0', ['59.97', '0.00', '59.97']],
  ['USD', false, { quantity: '3', price: '0.005' }, '0', '0', ['0.02', '0.00', '0.02']],
  ['USD', false, { price: '100', discount: '12.5 %' }, '5.00', '0', ['87.50', '0.00', '92.50']],
  ['USD', false, { price: '100', discount: '0.01', tax: '13' }, '0', '0', ['99.99', '13.00', '112.99']],
  ['USD', true, { price: '113', tax: '13 %' }, '0', '0', ['113.00', '13.00', '113.00']],
  ['USD', true, { price: '9.99', tax: '20' }, '1', '0.01', ['9.99', '1.67', '11.00']],
  ['USD', false, { price: '10', tax: '1.15 USD' }, '0', '-0.15', ['10.00', '1.15', '11.00']],
  ['JPY', false, { quantity: '1.5', price: '333', tax: '10' }, '0', '0', ['500', '50', '550']],
  ['KWD', false, { quantity: '3', price: '0.3335' }, '0', '0', ['1.001', '0.000', '1.001']],
  ['USD', false, { price: '100', discount: '100%' }, '0', '0', ['0.00', '0.00', '0.00']],
  ['USD', false, { price: '1000000000000000' }, '0', '0', ['1000000000000000.00', '0.00', '1000000000000000.00']],
  ['EUR', false, { quantity: '1', price: '1.250,50', tax: '19' }, '', '', ['1250.50', '237.60', '1488.10']],
])('%s, tax included %s, %o', (currency, inclusive, over, shipping, rounding, expected) => {
  const sums = totals([line(over)], { currency, inclusive, shipping, rounding });
  expect([sums.subtotal, sums.tax, sums.total].map((sum) => plain(sum, sums.digits))).toEqual(expected);
  expect(sums.good).toBe(true);
});

test.each([
  [{ quantity: '0', price: '1' }, ['quantity']],
  [{ quantity: 'two', price: '1' }, ['quantity']],
  [{ quantity: '-1', price: '1' }, ['quantity']],
  [{ price: '' }, ['price']],
  [{ price: '', sku: 'TEA' }, []],
  [{ price: '1', name: '' }, ['name']],
  [{ price: '1', discount: '1.01' }, ['discount']],
  [{ price: '1', discount: '101 %' }, ['discount']],
  [{ price: '1', discount: '0.005' }, ['discount']],
  [{ price: '1', tax: '101' }, ['tax']],
  [{ price: '1', tax: 'much' }, ['tax']],
  [{ price: '0.0000001' }, ['price']],
])('what is wrong with %o', (over, faults) =>
  expect(totals([line(over)], { currency: 'USD', inclusive: false, shipping: '', rounding: '' }).lines[0]!.faults).toEqual(faults),
);

test('a total is never below zero, nor shipping', () => {
  const of = (shipping: string, rounding: string) => totals([line({ price: '1' })], { currency: 'USD', inclusive: false, shipping, rounding }).good;
  expect([of('0', '-1'), of('0', '-1.01'), of('-1', '0'), of('1.005', '0')]).toEqual([true, false, false, false]);
});

test.each([
  ['0.2', '20'],
  ['0.14', '14'],
  ['0.055', '5.5'],
  ['1', '100'],
  ['0', '0'],
])('a rate of %s is %s percent', (rate, percent) => expect(percentOf(rate)).toBe(percent));

test('a kept line comes back as it was', () => {
  const kept = { sku: 'TEA', name: 'Tea', quantity: '2', unit_price: '5.00', unit_cost: '2', discount: { percent: '10' }, tax: { rate: '0.055' } };
  expect(lineIn(draftOf(kept, 'USD'))).toEqual({ ...kept, product_id: undefined });
  const amounts = { ...kept, discount: { amount: '1.00' }, tax: { amount: '0.40' } };
  expect(lineIn(draftOf(amounts, 'USD'))).toEqual({ ...amounts, product_id: undefined });
});

test.each([
  ['TEA\tGreen tea\t2\t5.00\r\nCOF\tCoffee\t1\t9\r\n', [['TEA', 'Green tea', '2', '5.00'], ['COF', 'Coffee', '1', '9']]],
  ['"Tea, ""green"""\t2\n\n', [['Tea, "green"', '2']]],
  ['"two\nlines"\t1', [['two\nlines', '1']]],
  ['one', [['one']]],
  ['', []],
])('cells of %j', (text, cells) => expect(cellsOf(text)).toEqual(cells));

test('pasting fills to the right and down, and adds lines', () => {
  const lines = paste([line({ sku: 'A', product_id: 'prd_1' })], [['B', 'Bee'], ['C', 'Cee', '3', '4', '5 %', '20', 'beyond']], 0, 'sku', '20');
  expect(lines.map((line) => ({ ...line, key: undefined }))).toEqual([
    { sku: 'B', name: 'Bee', quantity: '1', price: '', discount: '', tax: '', product_id: undefined, cost: undefined },
    { sku: 'C', name: 'Cee', quantity: '3', price: '4', discount: '5 %', tax: '20', product_id: undefined, cost: undefined },
  ]);
  expect(paste([], [['2', '5']], 0, 'quantity', '7')[0]).toMatchObject({ quantity: '2', price: '5', tax: '7' });
});
