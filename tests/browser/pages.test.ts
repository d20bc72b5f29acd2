/**
 * Every page of the console in the demo firm: nothing in its way for anybody, no errors, no wider than the window, with a title.
 * `npm test` looks at each page in one of the four combinations of scheme and width, `npm run pages` at each in all.
 */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe } from 'vitest';
import { DEMO, signIn } from './firm';
import { type Host, startHost } from './host';
import { type Place, places, routes } from './places';
import { expect, test } from './test';
import { barriers, openContext, openPage, overflow, type Window } from './window';

const LOOKS = (['light', 'dark'] as const).flatMap((scheme) => (['wide', 'phone'] as const).map((width) => ({ scheme, width })));
const all = process.env.WALK === 'pages';

let host: Host;
let known: Place[];

beforeAll(async () => {
  host = await startHost({ demo: true });
  known = await places(await signIn(host.url, DEMO.email, DEMO.password));
});
afterAll(() => host?.stop());

const walked = await routes();

for (const [number, look] of LOOKS.entries()) {
  describe(`${look.scheme}, ${look.width}`, () => {
    let inside: Window;
    let outside: Window;
    const open = async (browser: Browser) => {
      if (inside) return;
      const firm = await signIn(host.url, DEMO.email, DEMO.password);
      inside = await openPage(await openContext(browser, host.url, { ...look, firm }));
      outside = await openPage(await openContext(browser, host.url, look));
    };
    afterAll(async () => {
      await inside?.context.close();
      await outside?.context.close();
    });

    for (const [index, route] of walked.entries()) {
      test.runIf(all || index % LOOKS.length === number)(route, async ({ browser }) => {
        await open(browser);
        const place = known.find((place) => place.route === route)!;
        const window = place.outside ? outside : inside;
        window.faults.length = 0;
        await window.go(place.path);
        // A printed page is called as its file should be.
        expect.soft(await window.page.title()).toMatch(place.route.endsWith('/print') ? /\S/ : /\S.* · Rapport$/);
        expect.soft(await barriers(window.page), 'accessibility').toEqual([]);
        expect.soft(await overflow(window.page), 'pixels wider than the window').toBeLessThanOrEqual(0);
        expect.soft(await window.page.locator('h1').count(), 'titles').toBe(1);
        expect.soft(window.faults, 'faults of the page').toEqual([]);
      });
    }
  });
}

