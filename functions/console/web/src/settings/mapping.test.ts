import { expect, test } from 'vitest';
import { linesOf, mappingPatch } from './mapping';

test.each([
  [[], {}, {}],
  [[{ field: 'email', path: '$.mail' }], {}, { email: '$.mail' }],
  [[{ field: 'email', path: ' $.contact.mail ' }], { email: '$.mail', name: 'who' }, { email: '$.contact.mail', name: null }],
  [[{ field: '', path: '$.x' }, { field: 'note', path: ' ' }], { note: '$.text' }, { note: null }],
  [[{ field: 'source', path: '=fair' }, { field: 'source', path: '=shop' }], {}, { source: '=shop' }],
])('lines %j over %j are the patch %j', (lines, before, patch) => {
  expect(mappingPatch(lines, before)).toEqual(patch);
});

test('a mapping comes back as it was', () => {
  const mapping = { email: '$.mail', source: '=fair' };
  expect(mappingPatch(linesOf(mapping), {})).toEqual(mapping);
});
