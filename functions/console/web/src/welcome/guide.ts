/** The guide of the first days: what is done already, and whether it is still wanted. */
import { useLocalStorage } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { call, type Page, records } from '../api/records';
import { current } from '../api/session';
import { useMay } from '../ui/me';

export type Step = 'customers' | 'products' | 'colleagues' | 'connect' | 'surveys';
export const STEPS: Step[] = ['customers', 'products', 'colleagues', 'connect', 'surveys'];

/** Whether this reader has put the guide away, for the firm that is open. */
export function useDismissed() {
  return useLocalStorage<boolean>({ key: `rapport.welcome.${current()?.tenant ?? ''}`, defaultValue: false, getInitialValueInEffect: false });
}

/** What one must be allowed to change to take a step. */
const AREAS: Record<Step, string> = { customers: 'contacts', products: 'products', colleagues: 'users', connect: 'webhooks', surveys: 'settings' };

const some = async (path: string, signal: AbortSignal, more = 0) => (await call<Page<unknown>>('GET', path, { signal })).data.length > more;

/** How each step is seen to be done: there is at least one of it. */
const DONE: Record<Step, (signal: AbortSignal) => Promise<boolean>> = {
  customers: async (signal) => (await records.page('contacts', { limit: 1 }, signal)).data.length > 0,
  products: async (signal) => (await records.page('products', { limit: 1 }, signal)).data.length > 0,
  colleagues: async (signal) => (await some('/v1/users?limit=2', signal, 1)) || some('/v1/invitations', signal),
  connect: async (signal) => some('/v1/webhook-sources?limit=1', signal),
  surveys: async (signal) => (await call<{ survey: { enabled: boolean } }>('GET', '/v1/settings', { signal })).survey.enabled,
};

/** The steps that one may take, and which of them are done. */
export function useGuide() {
  const may = useMay();
  const steps = STEPS.filter((step) => may(AREAS[step], 'write'));
  return useQuery({
    queryKey: ['guide', steps],
    queryFn: ({ signal }) => Promise.all(steps.map(async (step) => ({ step, done: await DONE[step](signal) }))),
    enabled: steps.length > 0,
    staleTime: 0,
  });
}
