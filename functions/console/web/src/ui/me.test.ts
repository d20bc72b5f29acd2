import { expect, test } from 'vitest';
import { permits } from './me';

test.each([
  ['contacts:read', 'contacts', 'read', true],
  ['contacts:read', 'contacts', 'write', false],
  ['contacts:write', 'contacts', 'read', true],
  ['contacts:write', 'companies', 'write', true],
  ['contacts:write', 'orders', 'read', false],
  ['orders:*', 'orders', 'write', true],
  ['*:read', 'account', 'read', true],
  ['*:read', 'account', 'write', false],
  ['*:*', 'account', 'write', true],
  ['leads:read account:write', 'account', 'write', true],
  ['', 'leads', 'read', false],
] as const)('%s permits %s:%s: %s', (scopes, noun, right, expected) => expect(permits(scopes.split(' '), noun, right)).toBe(expected));
