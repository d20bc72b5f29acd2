/** Reports as they are read: the catalogue, one report, the rows behind a number, files and schedules. */
import { useQuery } from '@tanstack/react-query';
import { attempt, signedFetch } from '../api/client';
import { ApiError } from '../api/error';
import { call, type Meta, type Page, type Query, useGrowing, withQuery } from '../api/records';
import type { components } from '../api/schema.gen';

type Schemas = components['schemas'];
export type Entry = Schemas['ReportEntry'];
export type Row = Schemas['ReportRow'];
export type Export = Schemas['ReportExport'];
export type Schedule = Meta & Schemas['ReportSchedule'];
export type Format = Schemas['ReportFormat'];

export interface ReportNumber extends Omit<Schemas['ReportNumber'], 'of'> {
  of?: Record<string, ReportNumber>;
}
export type Numbers = Record<string, ReportNumber>;
export interface Group {
  key: string;
  title: string;
  numbers: Numbers;
}
export interface Part extends Omit<Schemas['ReportPart'], 'totals' | 'groups'> {
  totals: Numbers;
  groups: Group[];
}
export interface Report extends Omit<Schemas['Report'], 'parts'> {
  parts: Part[];
}

export function useCatalogue() {
  return useQuery({
    queryKey: ['reports', 'catalogue'],
    queryFn: ({ signal }) => call<{ data: Entry[] }>('GET', '/v1/reports', { signal }),
    staleTime: 3_600_000,
  });
}

export function useReport(name: string, query: Query, enabled = true) {
  return useQuery({
    queryKey: ['reports', 'report', name, query],
    queryFn: ({ signal }) => call<Report>('GET', withQuery(`/v1/reports/${encodeURIComponent(name)}`, query), { signal }),
    enabled,
    // A change of the span keeps the page in place until the new numbers are there; another report is another page.
    placeholderData: (before, query) => (query?.queryKey[2] === name ? before : undefined),
    // Sums that are being made anew are there within seconds.
    refetchInterval: (query) => (query.state.data?.settling ? 3_000 : false),
  });
}

/** The rows behind a number, by the address that it gives. */
export function useRows(address: string) {
  const url = new URL(address, location.origin);
  return useGrowing<Row>(['reports', 'rows', address], url.pathname, Object.fromEntries(url.searchParams));
}

/** Where a record behind a number is shown here. */
export function placeOf(href: string): string | undefined {
  const [, noun, id] = /^\/v1\/(\w+)\/(\w+)$/.exec(href) ?? [];
  if (noun === 'contacts') return `/customers/${id}`;
  return noun && ['companies', 'orders', 'products', 'tickets', 'leads'].includes(noun) ? `/${noun}/${id}` : undefined;
}

/** Where the record that a group stands for is shown. */
export function placeOfKey(key: string): string | undefined {
  const folder = { con: 'customers', com: 'companies', prd: 'products' }[key.split('_')[0]!];
  return folder && key.includes('_') ? `/${folder}/${key}` : undefined;
}

/** Saves what an address answers as a file. */
export async function download(address: string, name: string): Promise<void> {
  const response = await signedFetch(new Request(new URL(address, location.origin)));
  if (!response.ok) throw await ApiError.of(response);
  const url = URL.createObjectURL(await response.blob());
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** The most rows that one file takes at once; more are made in the background. */
const AT_ONCE = 10_000;

/** The rows behind a number as a file: now, or in the background where they are many. Says whether it was saved. */
export async function keepRows(address: string, rows: number): Promise<boolean> {
  if (rows <= AT_ONCE) {
    await download(`${address}&format=csv`, 'rows.csv');
    return true;
  }
  await call<Export>('POST', `${new URL(address, location.origin).pathname.replace(/\/rows$/, '')}/exports`, { body: rowsWanted(address), attempt: attempt() });
  return false;
}

/** The words of an address of rows, as the body of an export takes them. */
export function rowsWanted(address: string): Record<string, string | number | boolean> {
  const words = [...new URL(address, location.origin).searchParams].map(([key, value]): [string, string | number | boolean] => [
    key,
    key === 'convert' ? value === 'true' : /^(rank_from|rank_to|orders_from)$/.test(key) ? Number(value) : value,
  ]);
  return { ...Object.fromEntries(words), rows: true, format: 'csv' };
}

export function useExports() {
  return useQuery({
    queryKey: ['report-exports', 'list'],
    queryFn: ({ signal }) => call<Page<Export>>('GET', '/v1/report-exports', { signal }),
    refetchInterval: (query) =>
      query.state.data?.data.some((file) => file.status === 'queued' || file.status === 'running') ? 2_000 : false,
  });
}

export const useSchedules = () => useGrowing<Schedule>(['report-schedules', 'list'], '/v1/report-schedules', { limit: 50 });
