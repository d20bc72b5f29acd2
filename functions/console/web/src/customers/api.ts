import { useQuery, useQueryClient } from '@tanstack/react-query';
import { answer, api } from '../api/client';
import { call, type Company, type Contact, keys, type Meta, type Money, type Order, type Ticket } from '../api/records';
import type { components } from '../api/schema.gen';

type Schemas = components['schemas'];

/** What is expected of a customer in the next twelve months. */
export interface Value {
  p_alive: number;
  expected_orders_12m: number;
  clv_12m?: Money | null;
  interval?: [Money, Money] | null;
  model: Schemas['Basis'];
}
export type Score = Omit<Schemas['Score'], 'value' | 'explain'> & { value?: Value | null; explain?: Record<string, string> };
export type Loyalty = Schemas['Loyalty'];
export type Invitation = Meta & Schemas['SurveyInvitation'];

/** A contact as the list shows it. */
export type ListedContact = Contact & { score?: Score | null; company?: Company | null };

/** What happened to a record, as the timeline and the feed of events tell it. */
export interface Happening {
  id: string;
  type: string;
  time: string;
  subject: string;
  version: number;
  data: Record<string, unknown>;
  previous: Record<string, unknown>;
}

export interface Overview {
  contact: Contact;
  company?: Company;
  score?: Score;
  open_tickets?: Ticket[];
  orders?: Order[];
  surveys?: Invitation[];
  timeline: { data: Happening[]; has_more: boolean };
}

const about = (id: string, what: string) => ({
  queryKey: [...keys.record('contacts', id), what],
  queryFn: <T>({ signal }: { signal: AbortSignal }) => call<T>('GET', `/v1/contacts/${encodeURIComponent(id)}/${what}`, { signal }),
});

export const useOverview = (id: string) => useQuery<Overview>(about(id, 'overview'));
export const useScore = (id: string) => useQuery<Score>(about(id, 'score'));
export const useLoyalty = (id: string) => useQuery<Loyalty>(about(id, 'loyalty'));
/** That a person is erased, or about to be; nothing where nobody asked for it. Read again until it is done. */
export const useErasure = (id: string, enabled: boolean) =>
  useQuery<Schemas['Erasure']>({
    ...about(id, 'erasure'),
    enabled,
    refetchInterval: ({ state }) => (state.data && !state.data.done_at ? 10_000 : false),
  });

/** Asks for a person to be erased; the page of that person knows at once. */
export function useErase() {
  const client = useQueryClient();
  return async (id: string) => {
    const erasure = await answer(api.POST('/v1/contacts/{id}/erasure', { params: { path: { id } } }));
    client.setQueryData([...keys.record('contacts', id), 'erasure'], erasure);
    // Orders and tickets of that person change too.
    for (const noun of ['contacts', 'leads', 'orders', 'tickets']) void client.invalidateQueries({ queryKey: keys.lists(noun) });
  };
}

export const useSuggestions = (id: string) => useQuery<Schemas['Suggestions']>(about(id, 'suggestions'));
