import type { TestProject } from 'vitest/node';
import { startHost } from './host';

declare module 'vitest' {
  export interface ProvidedContext {
    host: { url: string; outbox: string };
  }
}

/** One host in memory for all tests of a run; each test signs up a firm of its own. */
export default async function start(project: TestProject): Promise<() => Promise<void>> {
  const host = await startHost();
  project.provide('host', { url: host.url, outbox: host.outbox });
  return host.stop;
}
