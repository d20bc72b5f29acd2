import { useQuery, useQueryClient } from '@tanstack/react-query';
import { call, keys, type Meta, type Noun } from '../api/records';

interface Batch {
  results: Array<{ status: number; record?: Meta & { name: string } }>;
}

const MOST = 100;

/** The names of records by id, read a hundred at a time: for lists that say whose an order or a ticket is. */
export function useNames(noun: Extract<Noun, 'contacts' | 'companies' | 'products'>, ids: ReadonlyArray<string | null | undefined>) {
  const client = useQueryClient();
  const wanted = [...new Set(ids)].filter((id) => id !== null && id !== undefined).sort();
  const { data } = useQuery({
    queryKey: [noun, 'names', wanted],
    queryFn: async ({ signal }) => {
      const names = new Map<string, string>();
      for (let from = 0; from < wanted.length; from += MOST) {
        const inputs = wanted.slice(from, from + MOST).map((id) => ({ id }));
        const { results } = await call<Batch>('POST', `/v1/${noun}/batch`, { body: { operation: 'read', inputs }, signal });
        results.forEach(({ record }, index) => {
          if (!record) return;
          // A record that was merged into another answers under the other's id.
          names.set(inputs[index]!.id, record.name);
          client.setQueryData(keys.record(noun, record.id), record);
        });
      }
      return names;
    },
    enabled: wanted.length > 0,
    staleTime: 60_000,
    placeholderData: (before) => before,
  });
  return (id: string | null | undefined): string => (id ? (data?.get(id) ?? '') : '');
}

/** A country's or a language's name in the reader's language; the code itself where it is none. */
export function nameOf(kind: 'region' | 'language', code: string | null | undefined, language: string): string {
  if (!code) return '';
  try {
    return new Intl.DisplayNames(language, { type: kind }).of(code) ?? code;
  } catch {
    return code;
  }
}
