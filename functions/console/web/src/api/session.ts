/**
 * Who is signed in, kept across reloads and shared by the windows of this browser.
 *
 * A refresh token is good once, so that only one window may use it: whoever holds the lock looks first whether another
 * window has refreshed meanwhile. The tokens lie in the browser's storage; the strict content security policy of the page
 * (no script but our own) is what guards them.
 */
const KEY = 'rapport.session';
const EARLY = 30_000;

export interface Session {
  access: string;
  refresh: string;
  /** When the access token ends, in milliseconds since 1970. */
  expires: number;
  user: string;
  tenant: string;
}

interface Tokens {
  access_token: string;
  refresh_token?: string | null;
  expires_in: number;
  user_id?: string | null;
  tenant_id: string;
}

type Listener = (session: Session | null) => void;
const listeners = new Set<Listener>();

export function current(): Session | null {
  try {
    const text = localStorage.getItem(KEY);
    return text ? (JSON.parse(text) as Session) : null;
  } catch {
    return null;
  }
}

function keep(session: Session | null): void {
  if (session) localStorage.setItem(KEY, JSON.stringify(session));
  else localStorage.removeItem(KEY);
  for (const listener of listeners) listener(session);
}

export function begin(tokens: Tokens): void {
  keep({
    access: tokens.access_token,
    refresh: tokens.refresh_token ?? '',
    expires: Date.now() + tokens.expires_in * 1000,
    user: tokens.user_id ?? '',
    tenant: tokens.tenant_id,
  });
}

/** Tells of sign-in and sign-out, also in another window. */
export function watch(listener: Listener): () => void {
  listeners.add(listener);
  const other = (event: StorageEvent) => {
    if (event.key === KEY || event.key === null) listener(current());
  };
  window.addEventListener('storage', other);
  return () => {
    listeners.delete(listener);
    window.removeEventListener('storage', other);
  };
}

/** An access token that is good for now; null when nobody is signed in. `refused` is one the service did not take. */
export async function token(refused?: string): Promise<string | null> {
  const good = (session: Session | null) =>
    session !== null && session.access !== refused && session.expires - EARLY > Date.now();
  const now = current();
  if (!now) return null;
  if (good(now)) return now.access;
  return alone(async () => {
    const meanwhile = current();
    if (!meanwhile || good(meanwhile)) return meanwhile?.access ?? null;
    const response = await fetch('/v1/auth/token', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ grant_type: 'refresh_token', refresh_token: meanwhile.refresh }),
    });
    if (response.ok) {
      begin(await response.json());
      return current()?.access ?? null;
    }
    // Only the service's word ends a session; one that is away for a moment does not.
    if (response.status === 400 || response.status === 401) {
      keep(null);
      return null;
    }
    throw new TypeError(`refresh: ${response.status}`);
  });
}

let queue: Promise<unknown> = Promise.resolve();

/** One after the other: among all windows where the browser has locks (it has none without HTTPS), else within this one. */
function alone<T>(work: () => Promise<T>): Promise<T> {
  if (navigator.locks) return navigator.locks.request(KEY, work) as Promise<T>;
  const turn = queue.then(work, work);
  queue = turn.catch(() => undefined);
  return turn;
}

/** Ends the session here and at the service. */
export async function end(): Promise<void> {
  const session = current();
  keep(null);
  if (session?.refresh) {
    await fetch('/v1/auth/revoke', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token: session.refresh }),
      keepalive: true,
    }).catch(() => undefined);
  }
}

/** Forgets a session that the service has ended. */
export const forget = (): void => keep(null);
