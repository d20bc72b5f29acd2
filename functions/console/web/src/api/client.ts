import createClient from 'openapi-fetch';
import { ApiError } from './error';
import type { paths } from './schema.gen';
import { forget, token } from './session';

/** A name for one attempt to do something: sent again with the same one, it is done once. */
export function attempt(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** `fetch` with the caller's token; a token that was refused is renewed once. */
export async function signedFetch(request: Request): Promise<Response> {
  try {
    const access = await token();
    const again = request.clone();
    if (access) request.headers.set('authorization', `Bearer ${access}`);
    const response = await fetch(request);
    if (response.status !== 401 || !access) return response;
    const renewed = await token(access);
    if (!renewed) {
      forget();
      return response;
    }
    again.headers.set('authorization', `Bearer ${renewed}`);
    return await fetch(again);
  } catch {
    throw ApiError.unreachable();
  }
}

/** The service's interface, typed by its OpenAPI document. A failed call throws an [ApiError]. */
export const api = createClient<paths>({
  baseUrl: globalThis.location?.origin ?? '',
  fetch: signedFetch,
});

api.use({
  onRequest({ request }) {
    const writes = request.method === 'POST' || request.method === 'PATCH';
    if (writes && !request.headers.has('idempotency-key') && !request.url.includes('/v1/auth/')) {
      request.headers.set('idempotency-key', attempt());
    }
  },
  async onResponse({ response }) {
    if (!response.ok) throw await ApiError.of(response);
  },
});

/** What a call answered. */
export async function answer<T>(call: Promise<{ data?: T }>): Promise<T> {
  return (await call).data as T;
}
