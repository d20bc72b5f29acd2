import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Archive, fetchFile, isMoving, linesOf, MOST_BYTES, moveIn, nameOf, PART_BYTES, partsOf, refusal } from './api';

const archive: Archive = {
  id: 'arc_1', direction: 'in', status: 'uploading', rows: {}, created_at: '2026-11-28T23:30:00Z', created_by: 'usr_1', expires_at: '2026-12-05T23:30:00Z',
};

/** What was asked of the service: each call in a line. */
let calls: string[];
let answers: (line: string) => Response;

beforeEach(() => {
  calls = [];
  vi.stubGlobal('fetch', async (request: Request) => {
    const range = request.headers.get('range');
    const length = (await request.clone().arrayBuffer()).byteLength;
    const line = [request.method, new URL(request.url).pathname, request.method === 'PUT' && length, range].filter(Boolean).join(' ');
    calls.push(line);
    return answers(line);
  });
});
afterEach(() => vi.unstubAllGlobals());

test.each([
  ['firm.zip', 10, null],
  ['FIRM.ZIP', MOST_BYTES, null],
  ['firm.zip', MOST_BYTES + 1, 'large'],
  ['firm.zip', 0, 'empty'],
  ['firm.csv', 10, 'format'],
  ['zip', 10, 'format'],
] as const)('%s of %i bytes: %s', (name, size, expected) => expect(refusal({ name, size })).toBe(expected));

test.each([
  [0, []],
  [1, [[0, 1]]],
  [PART_BYTES, [[0, PART_BYTES]]],
  [PART_BYTES + 1, [[0, PART_BYTES], [PART_BYTES, PART_BYTES + 1]]],
] as const)('%i bytes in parts', (bytes, expected) => expect(partsOf(bytes)).toEqual(expected));

test('an archive counts its lines, is called by its day, and moves while it is worked on', () => {
  expect(linesOf({ rows: { contacts: 2, orders: 3 } })).toBe(5);
  expect(nameOf(archive)).toBe('rapport-2026-11-28.zip');
  expect((['uploading', 'queued', 'running', 'done', 'failed'] as const).filter((status) => isMoving({ status }))).toEqual(['queued', 'running']);
});

test('a file is fetched by ranges and put together', async () => {
  answers = (line) => new Response(line.endsWith(`bytes=0-${PART_BYTES - 1}`) ? 'a'.repeat(PART_BYTES) : 'bc', { status: 206 });
  const told: number[] = [];
  const file = await fetchFile({ id: 'arc_1', bytes: PART_BYTES + 2 }, (share) => told.push(share));
  expect(calls).toEqual([`GET /v1/archives/arc_1/file bytes=0-${PART_BYTES - 1}`, `GET /v1/archives/arc_1/file bytes=${PART_BYTES}-${PART_BYTES + 1}`]);
  expect([file.size, file.type, await file.slice(PART_BYTES - 1).text()]).toEqual([PART_BYTES + 2, 'application/zip', 'abc']);
  expect(told.at(-1)).toBe(1);
});

const file = new File(['a'.repeat(PART_BYTES), 'b'], 'firm.zip');
const taken = (line: string) => (line.startsWith('PUT') ? new Response(null, { status: 204 }) : Response.json(archive));
const sending = (known: Archive[] = []) => ({ known, signal: new AbortController().signal, progress: vi.fn() });

test('a file is announced, sent in parts and moved in', async () => {
  answers = taken;
  const to = sending();
  await moveIn(file, to);
  expect(calls).toEqual([
    'POST /v1/archives/uploads',
    `PUT /v1/archives/arc_1/parts/1 ${PART_BYTES}`,
    'PUT /v1/archives/arc_1/parts/2 1',
    'POST /v1/archives/arc_1/move-in',
  ]);
  expect(to.progress).toHaveBeenLastCalledWith(1);
});

test('a file of which a part was sent before goes on as the same archive', async () => {
  answers = taken;
  const digest = await crypto.subtle.digest('SHA-256', await file.arrayBuffer());
  const sha256 = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
  await moveIn(file, sending([{ ...archive, id: 'arc_9', bytes: file.size, sha256 }]));
  expect(calls[0]).toMatch(/^PUT \/v1\/archives\/arc_9\/parts\/1 /);
  await moveIn(file, sending([{ ...archive, id: 'arc_9', bytes: file.size, sha256, status: 'failed' }]));
  expect(calls).toContain('POST /v1/archives/uploads');
});

test('what the service refuses is told as it says, and nothing further is sent', async () => {
  answers = (line) => (line.includes('/parts/2') ? Response.json({ code: 'part_length', detail: 'too short' }, { status: 400 }) : taken(line));
  await expect(moveIn(file, sending())).rejects.toMatchObject({ status: 400, code: 'part_length' });
  expect(calls.at(-1)).toMatch(/parts\/2/);
});
