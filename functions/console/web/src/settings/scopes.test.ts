import { expect, test } from 'vitest';
import { everywhere, most, scopesOf } from './scopes';

test.each([
  [['leads:write'], 'leads', 'write'],
  [['leads:read'], 'leads', 'read'],
  [['orders:write'], 'leads', ''],
  [['*:read', 'orders:write'], 'leads', 'read'],
  [['*:read', 'orders:write'], 'orders', 'write'],
  [['*'], 'users', 'write'],
] as const)('with %j one can permit of %s: %s', (scopes, area, right) => {
  expect(most([...scopes], area)).toBe(right);
});

test('nobody permits more than he may', () => {
  expect(scopesOf(everywhere('write', ['leads:write', 'orders:read']))).toEqual(['leads:write', 'orders:read']);
  expect(scopesOf(everywhere('read', ['leads:write', 'orders:read']))).toEqual(['leads:read', 'orders:read']);
  expect(scopesOf(everywhere('', ['leads:write']))).toEqual([]);
  expect(scopesOf({ tickets: 'read', contacts: 'write' })).toEqual(['contacts:write', 'tickets:read']);
});
