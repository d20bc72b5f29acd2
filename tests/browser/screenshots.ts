/** Pictures of every page, for people to look at: target/screenshots/<language>-<scheme>-<width>/<route>.png. */
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { DEMO, signIn } from './firm';
import { type Host, startHost } from './host';
import { type Place, places } from './places';
import { expect, test } from './test';
import { openContext, openPage, WIDTHS } from './window';

const TARGET = resolve(import.meta.dirname, '../../target/screenshots');
const LANGUAGES = { en: 'en-GB', zh: 'zh-CN' } as const;

let host: Host;
let known: Place[];

beforeAll(async () => {
  host = await startHost({ demo: true });
  known = await places(await signIn(host.url, DEMO.email, DEMO.password));
});
afterAll(() => host?.stop());

/** `/orders/$id/print` as a file's name: `orders-id-print`. */
const named = (route: string) => route.replace(/^\//, '').replaceAll('/', '-').replaceAll('$', '') || 'today';

for (const [short, language] of Object.entries(LANGUAGES)) {
  for (const scheme of ['light', 'dark'] as const) {
    for (const width of Object.keys(WIDTHS) as Array<keyof typeof WIDTHS>) {
      test(`${short}-${scheme}-${width}`, { timeout: 600_000 }, async ({ browser }) => {
        const folder = resolve(TARGET, `${short}-${scheme}-${width}`);
        await mkdir(folder, { recursive: true });
        const firm = await signIn(host.url, DEMO.email, DEMO.password);
        const inside = await openPage(await openContext(browser, host.url, { firm, language, scheme, width }));
        const outside = await openPage(await openContext(browser, host.url, { language, scheme, width }));
        for (const place of known) {
          const window = place.outside ? outside : inside;
          await window.go(place.path);
          await window.page.screenshot({ path: resolve(folder, `${named(place.route)}.png`) });
        }
        for (const { context } of [inside, outside]) await context.close();
        expect([...inside.faults, ...outside.faults]).toEqual([]);
      });
    }
  }
}
