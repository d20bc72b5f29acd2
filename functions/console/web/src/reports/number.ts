/** One number of a report by an address of its own, so that a link opens what is behind it: `part~group~measure.of…`. */
import type { Part, ReportNumber } from './api';

export interface Found {
  part: Part;
  group?: Part['groups'][number];
  /** The measures from the number in the table down to this one. */
  trail: string[];
  number: ReportNumber;
}

export const addressOf = (part: number, group: string | undefined, trail: string[]): string =>
  [part, group ?? '', trail.join('.')].join('~');

export function find(parts: Part[], address: string | undefined): Found | null {
  const [index, key, trailing] = (address ?? '').split('~');
  const part = parts[Number(index)];
  if (!address || !part || !trailing) return null;
  const group = key ? part.groups.find((group) => group.key === key) : undefined;
  if (key && !group) return null;
  const trail = trailing.split('.');
  let numbers = group?.numbers ?? part.totals;
  let number: ReportNumber | undefined;
  for (const measure of trail) {
    if (!Object.hasOwn(numbers, measure)) return null;
    number = numbers[measure];
    numbers = number?.of ?? {};
  }
  return number ? { part, group, trail, number } : null;
}

/** The measures that groups have, in the order of the service, those of the totals first. */
export function measuresOf(part: Part): string[] {
  const found = new Set<string>();
  for (const group of part.groups) for (const measure of Object.keys(group.numbers)) found.add(measure);
  return [...found];
}
