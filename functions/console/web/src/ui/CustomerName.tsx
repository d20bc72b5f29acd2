import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { call } from '../api/records';
import { useMay } from './me';

type Named = { id: string; name: string };

const GATHER = 12;
const MOST = 100;
let wanted = new Map<string, Array<(name: string) => void>>();
let timer: ReturnType<typeof setTimeout> | undefined;

/** Names asked for within a moment are read together: a list of scores asks for hundreds. */
function ask(id: string): Promise<string> {
  return new Promise((resolve) => {
    wanted.set(id, [...(wanted.get(id) ?? []), resolve]);
    timer ??= setTimeout(() => void read(), GATHER);
  });
}

async function read(): Promise<void> {
  const all = [...wanted];
  wanted = new Map();
  timer = undefined;
  for (let first = 0; first < all.length; first += MOST) {
    const some = all.slice(first, first + MOST);
    const found = new Map<string, string>();
    try {
      const { results } = await call<{ results: Array<{ record?: Named }> }>('POST', '/v1/contacts/batch', {
        body: { operation: 'read', inputs: some.map(([id]) => ({ id })) },
      });
      results.forEach(({ record }, index) => record && found.set(some[index]![0], record.name));
    } catch {
      // A name that is not to be had is no reason to hide the rest: the id stands for it.
    }
    for (const [id, waiting] of some) for (const resolve of waiting) resolve(found.get(id) ?? '');
  }
}

/** What a customer is called, by id. */
export function useCustomerName(id: string): string | undefined {
  const together = useMay()('contacts', 'write');
  return useQuery({
    queryKey: ['contacts', 'name', id],
    queryFn: async () =>
      together ? ask(id) : (await call<Named>('GET', `/v1/contacts/${encodeURIComponent(id)}?fields=id,name`)).name,
    staleTime: 300_000,
  }).data;
}

/** A customer's name, which leads to the customer. */
export function CustomerName({ id }: { id: string }) {
  const { t } = useTranslation();
  const name = useCustomerName(id);
  return (
    <Link to={`/customers/${id}` as string} onClick={(event) => event.stopPropagation()}>
      {name === undefined ? '…' : name || t('common.nameless')}
    </Link>
  );
}
