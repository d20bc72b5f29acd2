// @vitest-environment node
import { expect, test } from 'vitest';
// @ts-expect-error a script without types
import { current, generated } from '../../scripts/generate.mjs';

test('the generated client is that of openapi.json; `npm run generate` makes it so', async () => {
  expect((await generated()) === (await current())).toBe(true);
});
