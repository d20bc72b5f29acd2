/** `test` with a firm of its own and windows that must stay without faults. */
import { resolve } from 'node:path';
import type { Browser } from 'playwright-core';
import { expect, inject, test as base } from 'vitest';
import { type Firm, signUp } from './firm';
import { launch, openContext, openPage, type Options, type Window } from './window';

const FAILURES = resolve(import.meta.dirname, '../../target/browser-failures');

interface Fixtures {
  browser: Browser;
  firm: Firm;
  /** Opens a window; two windows of one browser are `open` and then `openPage` of its context. */
  open(options?: Options): Promise<Window>;
}

export const test = base.extend<Fixtures>({
  browser: [
    async ({}, use) => {
      const browser = await launch();
      await use(browser);
      await browser.close();
    },
    { scope: 'worker' },
  ],
  firm: async ({}, use) => use(await signUp(inject('host').url)),
  open: async ({ browser, task }, use) => {
    const windows: Window[] = [];
    await use(async (options = {}) => {
      const context = await openContext(browser, options.firm?.url ?? inject('host').url, options);
      const window = await openPage(context);
      windows.push(window);
      return window;
    });
    for (const [number, { context, page }] of windows.entries()) {
      // What was seen last tells more than a message.
      if (task.result?.state === 'fail') {
        await page.screenshot({ path: resolve(FAILURES, `${task.file.name}-${task.id}-${number}.png`) }).catch(() => undefined);
      }
      await context.close();
    }
    expect(windows.flatMap(({ faults }) => faults), 'faults of the pages').toEqual([]);
  },
});

export { expect };
