/** Archives: all that a firm recorded as one file, made here and fetched, or sent from elsewhere and moved in. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { attempt, signedFetch } from '../api/client';
import { ApiError } from '../api/error';
import { call, type Page } from '../api/records';
import type { components } from '../api/schema.gen';

export type Archive = components['schemas']['Archive'];

/** A file is sent and fetched in parts of so many bytes. */
export const PART_BYTES = 4 * 1024 * 1024;
export const MOST_BYTES = 200 * 1024 * 1024;

const KEY = ['archives'];

export const isMoving = ({ status }: Pick<Archive, 'status'>) => status === 'queued' || status === 'running';

/** Those of the last seven days, newest first; while the service works on one, read again each second. */
export const useArchives = () =>
  useQuery({
    queryKey: KEY,
    queryFn: async ({ signal }) => (await call<Page<Archive>>('GET', '/v1/archives', { signal })).data,
    refetchInterval: ({ state }) => (state.data?.some(isMoving) ? 1_000 : false),
  });

/** The list takes what a change of an archive answered. */
export function useKeep() {
  const client = useQueryClient();
  return (now: Archive) => {
    client.setQueryData<Archive[]>(KEY, (known = []) => [now, ...known.filter(({ id }) => id !== now.id)]);
    void client.invalidateQueries({ queryKey: KEY });
  };
}

export const make = (): Promise<Archive> => call('POST', '/v1/archives', { attempt: attempt() });

export const linesOf = ({ rows }: Pick<Archive, 'rows'>): number => Object.values(rows).reduce((sum, lines) => sum + lines, 0);

/** Where each part of so many bytes begins and ends, the end not included. */
export const partsOf = (bytes: number): Array<[number, number]> =>
  Array.from({ length: Math.ceil(bytes / PART_BYTES) }, (_, part) => [part * PART_BYTES, Math.min((part + 1) * PART_BYTES, bytes)]);

/** Called with how much of a file has gone its way, from 0 to 1. */
type Progress = (share: number) => void;

/** The file of an archive, fetched part by part. */
export async function fetchFile({ id, bytes }: Pick<Archive, 'id' | 'bytes'>, progress?: Progress): Promise<Blob> {
  const length = bytes ?? 0;
  const parts: Blob[] = [];
  for (const [from, end] of partsOf(length)) {
    const headers = { range: `bytes=${from}-${end - 1}` };
    const response = await signedFetch(new Request(new URL(`/v1/archives/${id}/file`, location.origin), { headers }));
    if (!response.ok) throw await ApiError.of(response);
    parts.push(await response.blob());
    progress?.(end / length);
  }
  return new Blob(parts, { type: 'application/zip' });
}

/** What the file of an archive is called. */
export const nameOf = ({ created_at }: Pick<Archive, 'created_at'>): string => `rapport-${created_at.slice(0, 10)}.zip`;

/** Why a file cannot be sent, before it is; null when it can. */
export function refusal(file: Pick<File, 'name' | 'size'>): 'empty' | 'large' | 'format' | 'insecure' | null {
  if (!file.name.toLowerCase().endsWith('.zip')) return 'format';
  if (file.size === 0) return 'empty';
  if (file.size > MOST_BYTES) return 'large';
  // Browsers compute digests over a secure connection alone.
  return globalThis.crypto?.subtle ? null : 'insecure';
}

async function digestOf(file: Blob): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', await file.arrayBuffer());
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

interface Sending {
  /** Archives that are known: a file of which a part was sent before goes on as that one. */
  known: Archive[];
  signal: AbortSignal;
  progress: Progress;
}

/** Announces a file, sends its parts, and has it moved in. */
export async function moveIn(file: File, { known, signal, progress }: Sending): Promise<Archive> {
  const sha256 = await digestOf(file);
  const begun = known.find((one) => one.status === 'uploading' && one.sha256 === sha256 && one.bytes === file.size);
  const archive = begun ?? (await call<Archive>('POST', '/v1/archives/uploads', { body: { bytes: file.size, sha256 }, attempt: attempt(), signal }));
  for (const [part, [from, end]] of partsOf(file.size).entries()) {
    const url = new URL(`/v1/archives/${archive.id}/parts/${part + 1}`, location.origin);
    const headers = { 'content-type': 'application/octet-stream' };
    const response = await signedFetch(new Request(url, { method: 'PUT', headers, body: await file.slice(from, end).arrayBuffer(), signal }));
    if (!response.ok) throw await ApiError.of(response);
    progress(end / file.size);
  }
  return call<Archive>('POST', `/v1/archives/${archive.id}/move-in`, { attempt: attempt(), signal });
}
