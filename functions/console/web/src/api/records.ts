/** What all records have in common: read, list, create, change, remove, restore. Each noun's `api.ts` adds what is its own. */
import { type QueryKey, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { signedFetch } from './client';
import { ApiError, type FieldFault } from './error';
import type { components } from './schema.gen';

type Schemas = components['schemas'];
export type Meta = Schemas['Meta'];
export type Money = Schemas['Money'];
export type Contact = Meta & Schemas['Contact'];
export type Company = Meta & Schemas['Company'];
export type Lead = Meta & Schemas['Lead'];
export type Product = Meta & Schemas['Product'];
export type Order = Meta & Schemas['Order'];
export type Ticket = Meta & Schemas['Ticket'];
export type Survey = Meta & Schemas['Survey'];
export type User = Meta & Schemas['User'];

/** The records of each noun. */
export interface Nouns {
  contacts: Contact;
  companies: Company;
  leads: Lead;
  products: Product;
  orders: Order;
  tickets: Ticket;
  surveys: Survey;
  users: User;
}
export type Noun = keyof Nouns;
export type Query = Record<string, string | number | undefined>;

export interface Page<T> {
  data: T[];
  has_more: boolean;
  next_cursor?: string;
}

interface Options {
  body?: unknown;
  /** The version that the caller saw: the change is refused if the record has moved on. */
  version?: number;
  /** The same for each repetition of one attempt. */
  attempt?: string;
  allowDuplicate?: boolean;
  signal?: AbortSignal;
}

/** One JSON call by address, for what all nouns do alike; the typed client `api` is for the rest. */
export async function call<T>(method: string, path: string, options: Options = {}): Promise<T> {
  const headers = new Headers();
  if (options.body !== undefined) headers.set('content-type', 'application/json');
  if (options.version !== undefined) headers.set('if-match', `"${options.version}"`);
  if (options.attempt) headers.set('idempotency-key', options.attempt);
  if (options.allowDuplicate) headers.set('rapport-allow-duplicate', 'true');
  const response = await signedFetch(
    new Request(new URL(path, location.origin), {
      method,
      headers,
      ...(options.body !== undefined && { body: JSON.stringify(options.body) }),
      ...(options.signal && { signal: options.signal }),
    }),
  );
  if (!response.ok) throw await ApiError.of(response);
  return response.status === 204 ? (undefined as T) : ((await response.json()) as T);
}

export function withQuery(path: string, query: Query): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  return given.length ? `${path}?${new URLSearchParams(given.map(([key, value]) => [key, String(value)]))}` : path;
}

interface BatchResult {
  status: number;
  error?: { code: string; title: string; detail?: string; errors?: FieldFault[] };
}

export const records = {
  get: <N extends Noun>(noun: N, id: string, query: Query = {}, signal?: AbortSignal) =>
    call<Nouns[N]>('GET', withQuery(`/v1/${noun}/${encodeURIComponent(id)}`, query), { signal }),
  page: <N extends Noun>(noun: N, query: Query, signal?: AbortSignal) =>
    call<Page<Nouns[N]>>('GET', withQuery(`/v1/${noun}`, query), { signal }),
  create: <N extends Noun>(noun: N, body: object, options: Pick<Options, 'attempt' | 'allowDuplicate'> = {}) =>
    call<Nouns[N]>('POST', `/v1/${noun}`, { body, ...options }),
  change: <N extends Noun>(noun: N, id: string, change: object, version?: number) =>
    call<Nouns[N]>('PATCH', `/v1/${noun}/${encodeURIComponent(id)}`, { body: change, version }),
  remove: (noun: Noun, id: string) => call<void>('DELETE', `/v1/${noun}/${encodeURIComponent(id)}`),
  /** Many at once, a hundred in a call; answers with what could not be done, by id. */
  batch: async (noun: Noun, operation: 'update' | 'delete', inputs: Array<{ id: string; patch?: object }>) => {
    const failed = new Map<string, ApiError>();
    for (let start = 0; start < inputs.length; start += 100) {
      const part = inputs.slice(start, start + 100);
      const { results } = await call<{ results: BatchResult[] }>('POST', `/v1/${noun}/batch`, { body: { operation, inputs: part } });
      for (const [index, { status, error }] of results.entries()) {
        if (status >= 400) failed.set(part[index]!.id, new ApiError(status, error?.code ?? 'unknown', error?.detail ?? error?.title ?? '', error?.errors ?? []));
      }
    }
    return failed;
  },
  restore: <N extends Noun>(noun: N, id: string) => call<Nouns[N]>('POST', `/v1/${noun}/${encodeURIComponent(id)}/restore`),
};

/** Where the cache keeps things. Everything of a noun lies under its name, so that one word invalidates it. */
export const keys = {
  noun: (noun: string): QueryKey => [noun],
  lists: (noun: string): QueryKey => [noun, 'list'],
  list: (noun: string, query: Query): QueryKey => [noun, 'list', query],
  record: (noun: string, id: string): QueryKey => [noun, 'record', id],
};

export function useRecord<N extends Noun>(noun: N, id: string | undefined) {
  return useQuery({
    queryKey: keys.record(noun, id ?? ''),
    queryFn: ({ signal }) => records.get(noun, id ?? '', {}, signal),
    enabled: Boolean(id),
  });
}

/** A list that grows as it is scrolled. */
export interface Growing<T> {
  rows: T[];
  loading: boolean;
  error: Error | null;
  hasMore: boolean;
  growing: boolean;
  grow(): void;
  retry(): void;
}

/** Any list page by address, following cursors. */
export function useGrowing<T>(queryKey: QueryKey, path: string, query: Query, enabled = true): Growing<T> {
  const result = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam, signal }) =>
      call<Page<T>>('GET', withQuery(path, { limit: 200, ...query, cursor: pageParam || undefined }), { signal }),
    initialPageParam: '',
    getNextPageParam: (last) => (last.has_more ? last.next_cursor : undefined),
    enabled,
  });
  const rows = useMemo(() => result.data?.pages.flatMap((page) => page.data) ?? [], [result.data]);
  return {
    rows,
    loading: result.isPending && enabled,
    error: result.error,
    hasMore: result.hasNextPage,
    growing: result.isFetchingNextPage,
    grow: () => {
      if (!result.isFetching) void result.fetchNextPage();
    },
    retry: () => void result.refetch(),
  };
}

export const useList = <N extends Noun>(noun: N, query: Query): Growing<Nouns[N]> =>
  useGrowing<Nouns[N]>(keys.list(noun, query), `/v1/${noun}`, query);
