import { expect, test } from 'vitest';
import { keyOf } from './fieldKey';

test.each([
  ['Price list', [], 'price_list'],
  ['  Größe (cm)  ', [], 'gro_e_cm'],
  ['2nd visit', [], 'nd_visit'],
  ['Price list', ['price_list', 'price_list_2'], 'price_list_3'],
  ['会员等级', [], 'field_1'],
  ['会员等级', ['field_1'], 'field_2'],
  ['x'.repeat(80), [], 'x'.repeat(36)],
])('%s beside %j is kept as %s', (label, taken, key) => {
  expect(keyOf(label, taken)).toBe(key);
  expect(key).toMatch(/^[a-z][a-z0-9_]{0,39}$/);
});
