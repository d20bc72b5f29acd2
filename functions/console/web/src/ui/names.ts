import { useQueries, useQuery } from '@tanstack/react-query';
import { call, type Noun } from '../api/records';
import { useMay } from './me';

/** The nouns whose records are named where other records mention them. */
type Named = Extract<Noun, 'contacts' | 'companies' | 'products'>;

interface Batch {
  results: Array<{ record?: { name: string } }>;
}

const GATHER = 12;
const MOST = 100;
const wanted = new Map<Named, Map<string, Array<(name: string) => void>>>();

/** Names asked for within a moment are read together: a list asks for hundreds. */
function ask(noun: Named, id: string): Promise<string> {
  return new Promise((resolve) => {
    let some = wanted.get(noun);
    if (!some) {
      wanted.set(noun, (some = new Map()));
      setTimeout(() => void read(noun), GATHER);
    }
    some.set(id, [...(some.get(id) ?? []), resolve]);
  });
}

async function read(noun: Named): Promise<void> {
  const all = [...(wanted.get(noun) ?? [])];
  wanted.delete(noun);
  for (let first = 0; first < all.length; first += MOST) {
    const some = all.slice(first, first + MOST);
    const found = new Map<string, string>();
    try {
      const inputs = some.map(([id]) => ({ id }));
      const { results } = await call<Batch>('POST', `/v1/${noun}/batch`, { body: { operation: 'read', inputs } });
      // A record that was merged into another answers under the other's id.
      results.forEach(({ record }, index) => record && found.set(some[index]![0], record.name));
    } catch {
      // A name that is not to be had is no reason to hide the rest.
    }
    for (const [id, waiting] of some) for (const resolve of waiting) resolve(found.get(id) ?? '');
  }
}

/** Many are read together where the caller may use the batch call, which needs the right to write; else one by one. */
const named = (noun: Named, id: string, together: boolean) => ({
  queryKey: [noun, 'name', id],
  queryFn: async () =>
    together ? ask(noun, id) : (await call<{ name: string }>('GET', `/v1/${noun}/${encodeURIComponent(id)}?fields=id,name`)).name,
  staleTime: 300_000,
});

/** What a record is called, by id; undefined until it is known, empty where it cannot be. */
export function useName(noun: Named, id: string): string | undefined {
  return useQuery(named(noun, id, useMay()(noun, 'write'))).data;
}

/** The names of records by id: for lists that say whose an order or a ticket is. */
export function useNames(noun: Named, ids: ReadonlyArray<string | null | undefined>): (id: string | null | undefined) => string {
  const together = useMay()(noun, 'write');
  const all = [...new Set(ids)].filter((id) => id !== null && id !== undefined);
  return useQueries({
    queries: all.map((id) => named(noun, id, together)),
    combine: (results) => {
      const names = new Map(results.map(({ data }, index) => [all[index], data]));
      return (id: string | null | undefined) => (id && names.get(id)) || '';
    },
  });
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
