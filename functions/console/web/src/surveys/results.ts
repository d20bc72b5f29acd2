import { useQuery } from '@tanstack/react-query';
import { call, keys, withQuery } from '../api/records';
import type { Results } from './metrics';

export interface Asked {
  from?: string;
  to?: string;
  by?: string;
}

/** What the answers to a survey amount to. */
export const useResults = (id: string, { from, to, by }: Asked = {}) =>
  useQuery({
    queryKey: [...keys.noun('surveys'), 'results', id, from, to, by],
    queryFn: ({ signal }) => call<Results>('GET', withQuery(`/v1/surveys/${id}/results`, { from, to, by }), { signal }),
    placeholderData: (before) => (before?.survey_id === id ? before : undefined),
  });
