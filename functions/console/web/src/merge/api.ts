import { useQuery } from '@tanstack/react-query';
import { call, keys, type Meta, type Page } from '../api/records';
import type { components } from '../api/schema.gen';

export type Mergeable = 'contacts' | 'companies';
export type Doc = Meta & Record<string, unknown>;

export interface Candidate {
  id: string;
  /** How alike they are, 0 to 1. */
  score: number;
  record: Doc;
}

/** Fields in which records differ, each with its value in each of them. */
export interface Conflict {
  field: string;
  values: Record<string, unknown>;
  chosen: string;
}

export interface Outcome {
  record: Doc;
  merged: string[];
  conflicts: Conflict[];
  job?: components['schemas']['Job'];
}

/** Records that look like this one. */
export const useDuplicates = (noun: Mergeable | 'leads', id: string) =>
  useQuery({
    queryKey: [...keys.record(noun, id), 'duplicates'],
    queryFn: ({ signal }) => call<Page<Candidate>>('GET', `/v1/${noun}/${encodeURIComponent(id)}/duplicates`, { signal }),
  });

interface Merge {
  from: string[];
  /** For single fields the record whose value is taken. */
  fields: Record<string, string>;
  dry_run: boolean;
}

export const merge = (noun: Mergeable, id: string, body: Merge, version?: number, attempt?: string) =>
  call<Outcome>('POST', `/v1/${noun}/${encodeURIComponent(id)}/merge`, { body, version, attempt });

export const unmerge = (noun: Mergeable, id: string, job: string) =>
  call<Outcome>('POST', `/v1/${noun}/${encodeURIComponent(id)}/unmerge`, { body: { merge: job } });
