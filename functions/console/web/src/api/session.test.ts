import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { signedFetch } from './client';
import { ApiError } from './error';
import { begin, current, end, token, watch } from './session';

const tokens = (access: string, refresh: string, expires_in = 900) => ({
  access_token: access, refresh_token: refresh, expires_in, user_id: 'usr_1', tenant_id: 'tnt_1',
});
const json = (status: number, body: unknown) =>
  new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json', 'request-id': 'req_1' } });

let calls: Array<{ path: string; authorization: string | null; body: string }>;
let answers: (path: string, authorization: string | null) => Response | Promise<Response>;

beforeEach(() => {
  localStorage.clear();
  calls = [];
  vi.stubGlobal('fetch', async (input: Request | string, init?: RequestInit) => {
    const request = new Request(input instanceof Request ? input : new URL(input, 'http://firm.example'), init);
    const path = new URL(request.url).pathname;
    const authorization = request.headers.get('authorization');
    calls.push({ path, authorization, body: await request.text() });
    return answers(path, authorization);
  });
});
afterEach(() => vi.unstubAllGlobals());

const get = () => new Request('http://firm.example/v1/me');

test('a good token is used as it is', async () => {
  begin(tokens('a1', 'r1'));
  answers = () => json(200, {});
  await signedFetch(get());
  expect(calls).toMatchObject([{ path: '/v1/me', authorization: 'Bearer a1' }]);
});

test('many calls at once renew an old token once', async () => {
  begin(tokens('a1', 'r1', 0));
  answers = (path) => (path === '/v1/auth/token' ? json(200, tokens('a2', 'r2')) : json(200, {}));
  await Promise.all(Array.from({ length: 5 }, () => signedFetch(get())));
  expect(calls.filter((call) => call.path === '/v1/auth/token').map((call) => JSON.parse(call.body).refresh_token)).toEqual(['r1']);
  expect(calls.filter((call) => call.authorization === 'Bearer a2')).toHaveLength(5);
  expect(current()).toMatchObject({ access: 'a2', refresh: 'r2' });
});

test('a token that is refused is renewed, and the call repeated once', async () => {
  begin(tokens('a1', 'r1'));
  answers = (path, authorization) =>
    path === '/v1/auth/token' ? json(200, tokens('a2', 'r2')) : json(authorization === 'Bearer a2' ? 200 : 401, {});
  expect((await signedFetch(get())).status).toBe(200);
  expect(calls.map((call) => call.path)).toEqual(['/v1/me', '/v1/auth/token', '/v1/me']);
});

test('a session that the service has ended is forgotten, and watchers hear of it', async () => {
  begin(tokens('a1', 'r1', 0));
  const heard = vi.fn();
  const stop = watch(heard);
  answers = () => json(401, { code: 'refresh_token_invalid' });
  expect(await token()).toBeNull();
  expect(current()).toBeNull();
  expect(heard).toHaveBeenLastCalledWith(null);
  stop();
});

test('a service that is away ends nothing', async () => {
  begin(tokens('a1', 'r1', 0));
  answers = () => json(503, {});
  await expect(signedFetch(get())).rejects.toMatchObject({ status: 0, code: 'unreachable' });
  expect(current()?.refresh).toBe('r1');
});

test('signing out revokes the session and forgets it even when the service is away', async () => {
  begin(tokens('a1', 'r1'));
  answers = () => Promise.reject(new TypeError('offline'));
  await end();
  expect(calls).toMatchObject([{ path: '/v1/auth/revoke', body: '{"token":"r1"}' }]);
  expect(current()).toBeNull();
});

test('a problem names its fields as forms do', async () => {
  const error = await ApiError.of(
    json(422, { code: 'validation_failed', detail: '1 field is wrong', request_id: 'req_9', errors: [{ pointer: '#/lines/0/quantity', code: 'required', detail: 'is needed' }] }),
  );
  expect(error).toMatchObject({ status: 422, requestId: 'req_9', message: '1 field is wrong' });
  expect(error.fields()).toEqual({ 'lines.0.quantity': 'is needed' });
});

test('an answer that is no problem document is still an error with its request', async () => {
  expect(await ApiError.of(new Response('<html>', { status: 502, statusText: 'Bad Gateway', headers: { 'request-id': 'req_7' } }))).toMatchObject({
    status: 502, requestId: 'req_7', message: 'Bad Gateway',
  });
});
