/** Every page of the console, with an address that shows something. */
import { readFile } from 'node:fs/promises';
import type { Firm, Json } from './firm';

export interface Place {
  /** The route as the console names it, such as `/orders/$id`. */
  route: string;
  path: string;
  /** For whoever is not signed in. */
  outside: boolean;
}

const OUTSIDE = ['/sign-in', '/sign-up', '/forgot-password', '/reset-password', '/accept-invitation'];
/** Links in mails carry a token; these pages look at it only when they are sent. */
const QUERIES: Record<string, string> = { '/reset-password': '?token=not-a-token', '/accept-invitation': '?token=not-a-token' };

/** The routes of the console's one list, read from its source: the module itself wants a browser. */
export async function routes(): Promise<string[]> {
  const source = await readFile(new URL('../../functions/console/web/src/routes.tsx', import.meta.url), 'utf8');
  const found = [...source.matchAll(/^\s*\['(\/[^']*)', \(\) => import\(/gm)].map((match) => match[1]!);
  const lazy = source.match(/=> import\(/g)?.length ?? 0;
  if (found.length !== lazy || found.length < OUTSIDE.length) {
    throw new Error(`routes.tsx has ${lazy} pages, of which ${found.length} were understood.`);
  }
  return found;
}

/** One address for each route, in a firm that has something of everything. */
export async function places(firm: Firm): Promise<Place[]> {
  const ids = await addresses(firm);
  return (await routes()).map((route) => {
    const parameter = /\$\w+/.exec(route)?.[0];
    const id = parameter ? ids[route.replace(/\/print$/, '')] : '';
    if (parameter && !id) throw new Error(`No record is known for the page ${route}.`);
    const path = parameter ? route.replace(parameter, id!) : route;
    return { route, path: path + (QUERIES[route] ?? ''), outside: OUTSIDE.includes(route) };
  });
}

async function addresses(firm: Firm): Promise<Record<string, string>> {
  const first = async (path: string): Promise<Json> => (await firm.get(path)).data[0] ?? {};
  // A customer with orders and tickets, and what belongs to it.
  const ticket = await first('/v1/tickets?limit=1');
  const customer = ticket.contact_id;
  const order = await first(`/v1/orders?limit=1&contact_id=${customer}`);
  const endpoint = (await firm.get('/v1/webhook-endpoints')).data[0] ?? (await firm.post('/v1/webhook-endpoints', { url: 'https://hooks.example/rapport', event_types: ['order.*'] }));
  const source = (await firm.get('/v1/webhook-sources')).data[0] ?? (await firm.post('/v1/webhook-sources', { kind: 'generic', name: 'Web form' }));
  return {
    '/leads/$id': (await first('/v1/leads?limit=1')).id,
    '/customers/$id': customer,
    '/companies/$id': (await first('/v1/companies?limit=1')).id,
    '/orders/$id': order.id ?? (await first('/v1/orders?limit=1')).id,
    '/products/$id': (await first('/v1/products?limit=1')).id,
    '/tickets/$id': ticket.id,
    '/surveys/$id': (await first('/v1/surveys')).id,
    '/reports/$name': 'sales',
    '/imports/$id': await anImport(firm),
    '/settings/webhooks/$id': endpoint.id,
    '/settings/sources/$id': source.id,
  };
}

/** An import that waits for its columns to be named. */
async function anImport(firm: Firm): Promise<string> {
  const known = (await firm.get('/v1/imports')).data[0];
  if (known) return known.id;
  const response = await fetch(`${firm.url}/v1/imports?kind=contacts&name=${encodeURIComponent('old address book.csv')}`, {
    method: 'POST',
    headers: { 'content-type': 'text/csv', authorization: `Bearer ${firm.session.access}` },
    body: 'Name,E-mail,City\nAnn Quillfeather,ann@quillfeather.example,Leith\n"Obi, Amara",amara@obi.example,Hull\n',
  });
  if (!response.ok) throw new Error(`import: ${response.status} ${await response.text()}`);
  return (await response.json()).id;
}
