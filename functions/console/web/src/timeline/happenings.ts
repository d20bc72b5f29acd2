import type { Happening } from '../customers/api';

/** What happened to one record in one change: its events together, as people would tell it. */
export interface Episode {
  id: string;
  time: string;
  subject: string;
  noun: string;
  /** Parts of event types after the noun, in the order they came about: `placed`, `paid`. */
  verbs: string[];
  data: Record<string, unknown>;
  previous: Record<string, unknown>;
}

const NOUNS: Record<string, string> = {
  con: 'contact', com: 'company', lead: 'lead', ord: 'order', tkt: 'ticket', svi: 'survey', wbk: 'win_back', sur: 'survey',
};

/** Joins the events of one change; what is particular (`paid`) stands for what is general (`updated`). */
export function episodes(happenings: readonly Happening[]): Episode[] {
  const told: Episode[] = [];
  for (const { id, type, time, subject, version, data, previous } of happenings) {
    const verb = type.startsWith('payment.') ? `payment_${type.slice('payment.'.length)}` : type.slice(type.indexOf('.') + 1);
    const last = told.at(-1);
    if (last && last.subject === subject && last.time === time && last.id.endsWith(`@${version}`)) {
      last.verbs.unshift(verb);
      continue;
    }
    const noun = NOUNS[subject.split('_')[0]!] ?? type.split('.')[0]!;
    told.push({ id: `${id}@${version}`, time, subject, noun, verbs: [verb], data, previous });
  }
  for (const episode of told) {
    const particular = episode.verbs.filter((verb) => verb !== 'created' && verb !== 'updated');
    if (particular.length) episode.verbs = particular;
    // Money that pays an order in full is one thing to tell.
    if (episode.verbs.includes('paid')) episode.verbs = episode.verbs.filter((verb) => verb !== 'payment_received');
  }
  return told;
}

const BOOKKEEPING = new Set(['version', 'updated_at', 'updated_by', 'updated_via', 'email', 'phone', 'score_reasons']);

/** The fields that a change touched, without those that follow from others. */
export const touched = (previous: Record<string, unknown>): string[] => {
  const fields = Object.keys(previous).filter((field) => !BOOKKEEPING.has(field));
  return fields.length ? fields : Object.keys(previous).filter((field) => field === 'email' || field === 'phone');
};
