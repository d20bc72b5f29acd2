import { useQuery, useQueryClient } from '@tanstack/react-query';
import { signedFetch } from '../api/client';
import { ApiError } from '../api/error';
import { call, useGrowing, withQuery } from '../api/records';
import type { components } from '../api/schema.gen';

type Schemas = components['schemas'];
export type Import = Schemas['Import'];
export type ImportKind = Schemas['ImportKind'];
export type ImportStatus = Schemas['ImportStatus'];
export type ImportOptions = Schemas['ImportOptions'];
export type ImportField = Schemas['ImportField'];

export const KINDS: ImportKind[] = ['contacts', 'companies', 'leads', 'products', 'orders'];

export interface PreviewRow {
  row: number;
  outcome: Schemas['ImportOutcome'];
  /** Null where cells could not be read. */
  record: Record<string, unknown> | null;
  errors: Schemas['ImportFault'][];
}

/** Where the records of a kind are. */
export const PLACES: Record<ImportKind, string> = { contacts: '/customers', companies: '/companies', leads: '/leads', products: '/products', orders: '/orders' };

export const isMoving = (status: ImportStatus) => status === 'queued' || status === 'running' || status === 'reverting';
export const isOver = (status: ImportStatus) => status === 'done' || status === 'failed' || status === 'cancelled';

const key = (id: string) => ['imports', 'record', id];

/** One import; while the service works on it, read again each second. */
export const useImport = (id: string) =>
  useQuery({
    queryKey: key(id),
    queryFn: ({ signal }) => call<Import>('GET', `/v1/imports/${encodeURIComponent(id)}`, { signal }),
    refetchInterval: ({ state }) => (state.data && isMoving(state.data.status) ? 1_000 : false),
  });

export const useImports = () => useGrowing<Import>(['imports', 'list'], '/v1/imports', { limit: 50 });

export const useFields = (kind: ImportKind) =>
  useQuery({
    queryKey: ['imports', 'fields', kind],
    queryFn: () => call<{ data: ImportField[] }>('GET', withQuery('/v1/imports/fields', { kind })),
    staleTime: 300_000,
  });

/** What would become of the first rows, by the mapping and options of this version. */
export const usePreview = (of: Import) =>
  useQuery({
    queryKey: ['imports', 'preview', of.id, of.version],
    queryFn: ({ signal }) => call<{ data: PreviewRow[] }>('GET', `/v1/imports/${of.id}/preview?limit=20`, { signal }),
    placeholderData: (before) => before,
  });

/** The cache takes what a change of an import answered. */
export function useKeep() {
  const client = useQueryClient();
  return (now: Import | undefined, id: string) => {
    if (now) client.setQueryData(key(id), now);
    void client.invalidateQueries({ queryKey: now ? ['imports', 'list'] : ['imports'] });
  };
}

export const imports = {
  change: (of: Import, body: { mapping?: Record<string, string | null>; options?: Partial<ImportOptions> }) =>
    call<Import>('PATCH', `/v1/imports/${of.id}`, { body, version: of.version }),
  start: (of: Import, dryRun: boolean) => call<Import>('POST', `/v1/imports/${of.id}/start`, { body: { dry_run: dryRun } }),
  cancel: (of: Import) => call<Import>('POST', `/v1/imports/${of.id}/cancel`),
  revert: (of: Import) => call<Import>('POST', `/v1/imports/${of.id}/revert`),
  remove: (of: Import) => call<void>('DELETE', `/v1/imports/${of.id}`),
};

const TYPES: Record<string, string> = {
  csv: 'text/csv',
  tsv: 'text/tab-separated-values',
  txt: 'text/csv',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  vcf: 'text/vcard',
};
export const MOST_BYTES = 4 * 1024 * 1024;

/** Why a file cannot be sent, before it is; null when it can. */
export function refusal(file: Pick<File, 'name' | 'size'>, kind: ImportKind): 'empty' | 'large' | 'format' | 'vcard' | null {
  const ending = endingOf(file.name);
  if (!TYPES[ending]) return 'format';
  if (ending === 'vcf' && kind !== 'contacts') return 'vcard';
  if (file.size === 0) return 'empty';
  return file.size > MOST_BYTES ? 'large' : null;
}

const endingOf = (name: string) => name.slice(name.lastIndexOf('.') + 1).toLowerCase();

/** Sends a file. `attempt` is the same for repetitions, so that it is taken once. */
export async function send(file: File, kind: ImportKind, attempt: string): Promise<Import> {
  const path = withQuery('/v1/imports', { kind, name: file.name.slice(0, 200) });
  const headers = { 'content-type': TYPES[endingOf(file.name)] ?? 'text/csv', 'idempotency-key': attempt };
  const response = await signedFetch(new Request(new URL(path, location.origin), { method: 'POST', headers, body: file }));
  if (!response.ok) throw await ApiError.of(response);
  return (await response.json()) as Import;
}

/** Saves the rows that failed, with the reasons, as a file. */
export async function saveErrors(of: Import): Promise<void> {
  const response = await signedFetch(new Request(new URL(`/v1/imports/${of.id}/errors.csv`, location.origin)));
  if (!response.ok) throw await ApiError.of(response);
  saveAs(await response.blob(), `${of.name.replace(/\.\w+$/, '')}-errors.csv`);
}

export function saveAs(blob: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
