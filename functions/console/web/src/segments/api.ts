/** Segments, scores, alerts, win-back cases: what is known of customers as a whole. */
import { useQuery } from '@tanstack/react-query';
import { call, type Meta, type Money, type Page, type Query, useGrowing, withQuery } from '../api/records';
import type { components } from '../api/schema.gen';

type Schemas = components['schemas'];
export type Segments = Omit<Schemas['Segments'], 'model'> & { model?: Model | null };
export type Recompute = Schemas['Recompute'];
export type Effect = Omit<Schemas['WinBackEffect'], 'explain'>;
export type EffectGroup = Schemas['WinBackGroup'];

interface Fit {
  basis?: string;
  log_likelihood?: number;
}

/** What all scores were computed with. */
export interface Model {
  until: string;
  customers: number;
  bg_nbd?: (Fit & { r: number; alpha: number; a: number; b: number; repeaters?: number }) | null;
  gamma_gamma?: (Fit & { p: number; q: number; v: number; mean_spend: number }) | null;
  pareto?: { top_20_percent_share: number; customers_for_80_percent: number; gini: number } | null;
  frequency_spend_correlation?: number | null;
  common_rhythm_days?: number | null;
}

interface Silence {
  text: string;
  days_since_last: number;
  usual_days?: number | null;
  rhythm_days?: number | null;
}

/** A score as the service answers it. */
export interface Score {
  /** The customer: a list has one row for each. */
  contact_id: string;
  rfm?: {
    recency_days: number;
    frequency: number;
    monetary: Money;
    last_purchase_on: string;
    r: number;
    f: number;
    m: number;
    cell: string;
    segment: string;
  } | null;
  pareto?: { grade: string; share_rank: number } | null;
  value?: { p_alive: number; expected_orders_12m: number; clv_12m: Money; interval: Money[] } | null;
  churn?: { risk: number; alert: boolean; reason?: string; detail?: Silence } | null;
  lifecycle?: string | null;
}

export interface WinBack extends Meta {
  contact_id: string;
  status: 'found' | 'acted' | 'returned' | 'not_returned' | 'dismissed';
  stage: 'at_risk' | 'lost';
  detail?: Silence | null;
  value_at_stake: Money;
  found_on: string;
  last_purchase_on: string;
  window_ends_on: string;
  left_alone_on_purpose: boolean;
  actions?: Array<{ kind: string; note?: string | null; cost?: Money | null; on: string }>;
  returned_on?: string | null;
  revenue?: Money | null;
  dismiss_reason?: string | null;
}

export const ACTIONS = ['call', 'mail', 'visit', 'offer', 'other'] as const;

export function useSegments(enabled = true) {
  return useQuery({
    queryKey: ['segments', 'model'],
    queryFn: ({ signal }) => call<Segments>('GET', '/v1/segments', { signal }),
    enabled,
  });
}

export const useAlerts = (stage: 'at_risk' | 'lost', enabled = true) =>
  useGrowing<Score>(['segments', 'alerts', stage], '/v1/segments/alerts', { stage, limit: 100 }, enabled);

export const useWinBacks = (query: Query, enabled = true) =>
  useGrowing<WinBack>(['win-backs', 'list', query], '/v1/win-backs', { limit: 100, ...query }, enabled);

export function useEffectOfWinBacks() {
  return useQuery({
    queryKey: ['win-backs', 'effect'],
    queryFn: ({ signal }) => call<Effect>('GET', '/v1/win-backs/effect', { signal }),
  });
}

const MOST = 10_000;

/** All customers' scores, segment by segment; of firms with more than 10,000 customers those who bought most of each. */
export function useScores(keys: string[] | undefined) {
  return useQuery({
    queryKey: ['segments', 'scores', keys],
    enabled: keys !== undefined,
    staleTime: 300_000,
    queryFn: async ({ signal }) => {
      const scores: Score[] = [];
      let complete = true;
      for (const key of keys ?? []) {
        let left = Math.floor(MOST / (keys?.length || 1));
        let cursor: string | undefined;
        do {
          const page: Page<Score> = await call('GET', withQuery(`/v1/segments/${key}/members`, { limit: 200, cursor }), { signal });
          scores.push(...page.data);
          left -= page.data.length;
          cursor = page.has_more ? page.next_cursor : undefined;
        } while (cursor && left > 0);
        complete &&= !cursor;
      }
      return { scores, complete };
    },
  });
}
