/** A window of a browser, and what goes wrong in it unseen. */
import { AxeBuilder } from '@axe-core/playwright';
import { existsSync } from 'node:fs';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import type { Firm } from './firm';

export const WIDTHS = { wide: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } } as const;

export interface Options {
  /** Whose session the browser keeps; without, nobody is signed in. */
  firm?: Firm;
  width?: keyof typeof WIDTHS;
  scheme?: 'light' | 'dark';
  language?: 'en-GB' | 'zh-CN';
}

export interface Window {
  page: Page;
  context: BrowserContext;
  /** Errors of the console and of scripts, and what the content security policy refused; a test ends without any. */
  faults: string[];
  /** Faults that a test brings about on purpose, such as a refused request. */
  expect(fault: RegExp): void;
  /** Opens an address of the console and waits until its page is there. */
  go(path: string): Promise<void>;
  settled(): Promise<void>;
}

export async function launch(): Promise<Browser> {
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
  if (!existsSync(executablePath)) {
    throw new Error(`There is no Chromium at ${executablePath}: install it (\`apt-get install chromium\`), or name it by CHROMIUM.`);
  }
  return chromium.launch({
    executablePath,
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update',
      '--disable-sync',
    ],
  });
}

export async function openContext(browser: Browser, url: string, options: Options = {}): Promise<BrowserContext> {
  const width = options.width ?? 'wide';
  const context = await browser.newContext({
    baseURL: url,
    viewport: WIDTHS[width],
    hasTouch: width === 'phone',
    isMobile: width === 'phone',
    colorScheme: options.scheme ?? 'light',
    locale: options.language ?? 'en-GB',
    timezoneId: 'Europe/London',
    reducedMotion: 'reduce',
    ...(options.firm && {
      storageState: {
        cookies: [],
        origins: [{ origin: url, localStorage: [{ name: 'rapport.session', value: JSON.stringify(options.firm.session) }] }],
      },
    }),
  });
  context.setDefaultTimeout(10_000);
  return context;
}

export async function openPage(context: BrowserContext): Promise<Window> {
  const page = await context.newPage();
  const faults: string[] = [];
  const expected: RegExp[] = [];
  const note = (fault: string) => {
    if (!expected.some((pattern) => pattern.test(fault))) faults.push(fault);
  };
  page.on('console', (message) => {
    if (message.type() === 'error') note(`${message.text()} (${message.location().url})`);
  });
  page.on('pageerror', (error) => note(`uncaught: ${error.stack ?? error.message}`));
  page.on('dialog', (dialog) => {
    // Nothing of ours opens one: it would be a script out of a record.
    note(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  let under = 0;
  page.on('request', () => (under += 1));
  page.on('requestfinished', () => (under -= 1));
  page.on('requestfailed', () => (under -= 1));
  await page.addInitScript(() => {
    addEventListener('securitypolicyviolation', (event) => console.error(`refused by policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
  });

  /** Nothing is being asked or loaded, and it stays so for three looks. */
  const settled = async () => {
    await page.locator('h1').first().waitFor();
    const late = Date.now() + 15_000;
    for (let quiet = 0; quiet < 3; ) {
      if (Date.now() > late) throw new Error(`${page.url()} does not come to rest`);
      const loading = await page.evaluate(
        () =>
          new Promise<boolean>((tell) =>
            requestAnimationFrame(() => setTimeout(() => tell([...document.querySelectorAll('main [role=status], #root > [role=status]')].some((it) => it.querySelector('[class*=Skeleton]'))), 0)),
          ),
      );
      quiet = under > 0 || loading ? 0 : quiet + 1;
    }
  };
  return {
    page,
    context,
    faults,
    expect: (fault) => void expected.push(fault),
    go: async (path) => {
      under = 0;
      await page.goto(path);
      await settled();
    },
    settled,
  };
}

/** What axe finds, in words: the rule, and the elements that break it. */
export async function barriers(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page })
    // The page has no frames; this spares a second window for each look.
    .setLegacyMode(true)
    .options({ rules: { 'target-size': { enabled: true } } })
    .analyze();
  return violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.slice(0, 3).map((node) => `${node.target.join(' ')} ${node.any[0]?.message ?? ''}`).join(' | ')}`);
}

/** By how many pixels the page, or its main part where that scrolls, is wider than the window. */
export const overflow = (page: Page): Promise<number> =>
  page.evaluate(() => {
    const scrolling = [...document.querySelectorAll('main')].filter((it) => getComputedStyle(it).overflowX !== 'visible');
    return Math.max(...[document.documentElement, ...scrolling].map((it) => it.scrollWidth - it.clientWidth));
  });
