import { expect, test } from 'vitest';
import { broken } from './password';
import { pathAfter } from './paths';

test.each([
  [undefined, '/'],
  ['/orders?status=placed', '/orders?status=placed'],
  ['/customers/con_1#x', '/customers/con_1#x'],
  ['//evil.example/x', '/'],
  ['/\\evil.example', '/'],
  ['/.//evil.example', '/'],
  ['https://evil.example', '/'],
  ['javascript:alert(1)', '/'],
  ['orders', '/'],
])('after signing in, %s leads to %s', (asked, path) => {
  expect(pathAfter(asked, 'https://crm.example')).toBe(path);
});

test.each([
  ['', ['length', 'variety', 'own']],
  ['short', ['length']],
  ['aaaaaaaaaaaa', ['variety']],
  ['lantern tea 1', ['own']],
  ['Ann.Field2026!', ['own']],
  ['correct horse battery', []],
  ['正确的马电池订书钉号', []],
  ['x'.repeat(201), ['length', 'variety']],
])('%s breaks %j', (password, rules) => {
  expect(broken(password, ['ann.field@shop.example', 'Lantern Tea'])).toEqual(rules);
});
