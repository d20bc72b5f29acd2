/** A firm, and what a test puts into it through the public interface. */

export type Json = Record<string, any>;

export interface Firm {
  url: string;
  email: string;
  password: string;
  /** The session as the console keeps it in the browser. */
  session: Json;
  get(path: string): Promise<Json>;
  post(path: string, body?: Json): Promise<Json>;
  patch(path: string, body: Json): Promise<Json>;
  /** Creates records of a noun in batches, and gives them back in the order given. */
  make(noun: string, bodies: Json[]): Promise<Json[]>;
}

export const PASSWORD = 'correct horse battery staple';
let signedUp = 0;

export const unique = (word: string): string => `${word}${process.pid}x${(signedUp += 1)}`;

/** The session that the console would keep after signing in. */
export const sessionOf = (tokens: Json, now = Date.now()): Json => ({
  access: tokens.access_token,
  refresh: tokens.refresh_token,
  expires: now + tokens.expires_in * 1000,
  user: tokens.user?.id ?? tokens.user_id,
  tenant: tokens.tenant?.id ?? tokens.tenant_id,
});

async function ask(url: string, method: string, path: string, body?: Json, token?: string): Promise<Json> {
  const response = await fetch(url + path, {
    method,
    headers: { ...(body && { 'content-type': 'application/json' }), ...(token && { authorization: `Bearer ${token}` }) },
    body: body && JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text ? JSON.parse(text) : {};
}

/** The firm of a session, such as one that the console has begun. */
export function firmOf(url: string, email: string, password: string, session: Json): Firm {
  const post = (path: string, body: Json = {}) => ask(url, 'POST', path, body, session.access);
  return {
    url,
    email,
    password,
    session,
    get: (path) => ask(url, 'GET', path, undefined, session.access),
    post,
    patch: (path, body) => ask(url, 'PATCH', path, body, session.access),
    make: async (noun, bodies) => {
      const made: Json[] = [];
      for (let from = 0; from < bodies.length; from += 100) {
        const { results } = await post(`/v1/${noun}/batch`, { operation: 'create', inputs: bodies.slice(from, from + 100) });
        for (const result of results as Json[]) {
          if (!result.record) throw new Error(`${noun}: ${JSON.stringify(result)}`);
          made.push(result.record);
        }
      }
      return made;
    },
  };
}

export async function signUp(url: string, more: Json = {}): Promise<Firm> {
  const email = `${unique('owner')}@firm.example`;
  const body = { company: 'Firm', name: 'Owner', email, password: PASSWORD, country: 'GB', currency: 'GBP', time_zone: 'Europe/London', ...more };
  return firmOf(url, email, PASSWORD, sessionOf(await ask(url, 'POST', '/v1/signup', body)));
}

export async function signIn(url: string, email: string, password: string): Promise<Firm> {
  return firmOf(url, email, password, sessionOf(await ask(url, 'POST', '/v1/auth/token', { grant_type: 'password', username: email, password })));
}

/** The owner of the demo firm. */
export const DEMO = { email: 'mara@fennimore-quay.example', password: 'the kettle is always on' };
