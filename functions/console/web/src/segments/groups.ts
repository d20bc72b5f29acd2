/** Scores put together: by cell of recency and frequency, by grade, by stage of life. */
import { sum } from '../ui/decimal';
import type { Score } from './api';

export interface Together {
  scores: Score[];
  members: number;
  revenue: string;
  /** What they are expected to bring in the next twelve months. */
  expected: string;
}

/** Scores by a word that each has; those without are left out. */
export function together(scores: Score[], word: (score: Score) => string | null | undefined): Map<string, Together> {
  const found = new Map<string, Score[]>();
  for (const score of scores) {
    const key = word(score);
    if (key) found.set(key, [...(found.get(key) ?? []), score]);
  }
  return new Map(
    [...found].map(([key, some]) => [
      key,
      {
        scores: some,
        members: some.length,
        revenue: sum(some.map((score) => score.rfm?.monetary.amount)),
        expected: sum(some.map((score) => score.value?.clv_12m.amount)),
      },
    ]),
  );
}

export const cellOf = ({ rfm }: Score): string | null => (rfm ? `${rfm.r}${rfm.f}` : null);

/** The word that most of these have. */
export function mostly(scores: Score[], word: (score: Score) => string | undefined): string | undefined {
  const counts = new Map<string, number>();
  for (const score of scores) {
    const key = word(score);
    if (key) counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts].sort((one, other) => other[1] - one[1])[0]?.[0];
}
