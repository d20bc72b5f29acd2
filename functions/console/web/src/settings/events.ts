/** The events that an endpoint can be told of. */
const NOUNS = ['contact', 'company', 'lead', 'order', 'payment', 'product', 'ticket', 'survey', 'survey_invitation', 'win_back'] as const;
const COMMON = ['created', 'updated', 'deleted', 'restored', 'merged'];
const PARTICULAR: Partial<Record<(typeof NOUNS)[number], string[]>> = {
  lead: ['converted'],
  order: ['placed', 'paid', 'fulfilled', 'cancelled', 'returned'],
  payment: ['received', 'refunded'],
  ticket: ['opened', 'replied', 'resolved', 'reopened', 'escalated', 'breached'],
  contact: ['segment_changed', 'churn_alert', 'lifecycle_changed'],
  survey: ['sent', 'answered'],
};

/** Types by noun: first everything of it, then what happens only to it. */
export const EVENT_TYPES: Array<{ group: string; items: string[] }> = NOUNS.map((noun) => ({
  group: noun,
  items: ['*', ...(PARTICULAR[noun] ?? []), ...(noun === 'payment' ? [] : COMMON)].map((verb) => `${noun}.${verb}`),
}));
