import type { Settings } from './api';

export type Policy = Settings['sla']['policies'][number];
/** From the most to the least urgent; the last stands for all that are not named. */
export const PRIORITIES = ['urgent', 'high', 'normal', 'low', ''] as const;

const rank = (policy: Policy) => PRIORITIES.indexOf((policy.priority ?? '') as (typeof PRIORITIES)[number]);

/** The first policy that fits a ticket applies: named priorities come before the one for all others. */
export const inOrder = (policies: Policy[]): Policy[] => [...policies].sort((one, other) => rank(one) - rank(other));

/** Priorities that no policy names yet. */
export const unnamed = (policies: Policy[]): string[] => PRIORITIES.filter((priority) => !policies.some((policy) => (policy.priority ?? '') === priority));

export const isPolicy = ({ first_response_minutes: first, resolution_minutes: whole }: Policy): boolean =>
  first > 0 && whole >= first && whole <= 100_000;
