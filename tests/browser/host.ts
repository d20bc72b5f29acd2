/** The service under test: the one-machine host, in memory, with the built console. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

const HERE = import.meta.dirname;
const CONSOLE = resolve(HERE, '../../functions/console/web/dist');
const PATIENCE = 180_000;

export interface Host {
  url: string;
  /** Where its mails lie, as `.eml` files. */
  outbox: string;
  stop(): Promise<void>;
}

function program(): string {
  const target = process.env.CARGO_TARGET_DIR ?? resolve(HERE, '../../target');
  const path = process.env.RAPPORT_HOST ?? join(target, 'debug/host');
  if (!existsSync(path)) throw new Error(`There is no host at ${path}: build it with \`cargo build -p host\`, or name it by RAPPORT_HOST.`);
  if (!existsSync(join(CONSOLE, 'index.html'))) throw new Error(`The console is not built: run \`npm run build\` in ${resolve(CONSOLE, '..')}.`);
  return path;
}

/** Starts the host on a free port; with `demo`, waits until the demo firm is complete. */
export async function startHost({ demo = false } = {}): Promise<Host> {
  const folder = await mkdtemp(join(tmpdir(), 'rapport-browser-'));
  const options = ['--memory', '--port', '0', '--console', CONSOLE, ...(demo ? ['--demo'] : [])];
  const host = spawn(program(), options, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, TMPDIR: folder } });
  const stop = async () => {
    if (host.exitCode === null && host.signalCode === null) {
      const ended = new Promise((done) => host.once('exit', done));
      host.kill('SIGTERM');
      await ended;
    }
    await rm(folder, { recursive: true, force: true });
  };
  const said: string[] = [];
  for (const stream of [host.stdout, host.stderr]) createInterface({ input: stream }).on('line', (text) => said.push(text));
  try {
    const [url] = await Promise.all([
      line(host, host.stdout, /Rapport is ready at (http\S+)/, said),
      demo ? line(host, host.stderr, /Sign in at (\S+) as/, said) : undefined,
    ]);
    return { url, outbox: join(folder, `rapport-${host.pid}`, 'outbox'), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** What a line of the host's says; an end before it is an error with everything that it has said. */
function line(host: ChildProcess, stream: Readable, pattern: RegExp, said: string[]): Promise<string> {
  return new Promise((found, fail) => {
    const give = (up: string) => fail(new Error(`${up}:\n${said.join('\n')}`));
    const late = setTimeout(() => give(`The host did not say ${pattern} in time`), PATIENCE);
    createInterface({ input: stream }).on('line', (text) => {
      const match = pattern.exec(text);
      if (!match) return;
      clearTimeout(late);
      found(match[1] ?? text);
    });
    host.once('close', (code) => {
      clearTimeout(late);
      give(`The host ended (${code})`);
    });
    host.once('error', fail);
  });
}
