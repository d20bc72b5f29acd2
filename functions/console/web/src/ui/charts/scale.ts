/** Round values that an axis from `low` to `high` is marked with; the first and the last enclose both. What is counted is marked at `whole` numbers. */
export function ticks(low: number, high: number, whole = false, about = 4): number[] {
  const span = high - low || Math.abs(high) || 1;
  const power = 10 ** Math.floor(Math.log10(span / about));
  const fitting = power * ([1, 2, 2.5, 5, 10].find((round) => power * round * (about + 1) >= span) ?? 10);
  const step = whole ? Math.max(1, Math.ceil(fitting)) : fitting;
  const first = Math.floor(low / step + 1e-9);
  const last = Math.max(Math.ceil(high / step - 1e-9), first + 1);
  return Array.from({ length: last - first + 1 }, (_, index) => Number(((first + index) * step).toPrecision(12)) + 0);
}

/** Which of `count` names have room below an axis when only `room` fit: evenly spread, the last always among them. */
export function spread(count: number, room: number): Set<number> {
  const every = Math.max(1, Math.ceil(count / Math.max(1, room)));
  const chosen = new Set<number>();
  for (let index = count - 1; index >= 0; index -= every) chosen.add(index);
  return chosen;
}

/** The points of an SVG path through these places; a hole begins a new line. */
export const path = (points: Array<readonly [number, number] | null>): string =>
  points
    .map((point, index) => point && `${index && points[index - 1] ? 'L' : 'M'}${point[0].toFixed(1)} ${point[1].toFixed(1)}`)
    .filter(Boolean)
    .join('');
