/** What the frames of a page cost, from a trace of the browser. */
import type { Browser, Page } from 'playwright-core';

interface Event {
  name: string;
  pid: number;
  tid: number;
  /** Microseconds. */
  ts: number;
  dur?: number;
  /** What of it the thread was really running: the rest, others had the processor. */
  tdur?: number;
  args?: { name?: string };
}

export interface Frames {
  count: number;
  /** In milliseconds, ascending: from one frame to the next, by the clock. */
  gaps: number[];
  /** In milliseconds: the most that the page's own thread worked between two frames. */
  busiest: number;
}

/** Measures while `work` is done. */
export async function framesOf(browser: Browser, page: Page, work: () => Promise<void>): Promise<Frames> {
  await page.evaluate(() => {
    const each = () => {
      if (!document.documentElement.dataset.measured) return;
      requestAnimationFrame(each);
    };
    document.documentElement.dataset.measured = 'yes';
    requestAnimationFrame(each);
  });
  await browser.startTracing(page, { categories: ['devtools.timeline', 'disabled-by-default-devtools.timeline'] });
  await work();
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString()) as { traceEvents: Event[] };
  await page.evaluate(() => delete document.documentElement.dataset.measured);
  return read(traceEvents);
}

function read(events: Event[]): Frames {
  const frames = events.filter(({ name }) => name === 'FireAnimationFrame').sort((a, b) => a.ts - b.ts);
  const { pid, tid } = frames[0] ?? { pid: 0, tid: 0 };
  const starts = frames.filter((frame) => frame.pid === pid && frame.tid === tid).map(({ ts }) => ts)
    // Several callbacks of one frame follow each other closely.
    .filter((ts, index, all) => index === 0 || ts - all[index - 1]! > 4000);
  const work = new Array<number>(starts.length).fill(0);
  let frame = 0;
  const tasks = events.filter((event) => event.name === 'RunTask' && event.pid === pid && event.tid === tid).sort((a, b) => a.ts - b.ts);
  for (const { ts, tdur = 0 } of tasks) {
    while (frame + 1 < starts.length && starts[frame + 1]! <= ts) frame += 1;
    work[frame]! += tdur / 1000;
  }
  const gaps = starts.slice(1).map((ts, index) => (ts - starts[index]!) / 1000).sort((a, b) => a - b);
  return { count: starts.length, gaps, busiest: Math.max(...work) };
}
