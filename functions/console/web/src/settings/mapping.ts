/** Which parts of a message become which fields of a record. */
export type Target = 'lead' | 'contact' | 'order';

export interface Line {
  field: string;
  /** `$.a.b[0]`, the name of a field, or `=` and a fixed text. */
  path: string;
}

/** The fields that can be filled, besides `custom.<key>`. */
export const FIELDS: Record<Target, string[]> = {
  lead: [
    'name', 'company_name', 'email', 'phone', 'title', 'industry', 'source', 'campaign_id', 'rating', 'note', 'owner_id', 'tags', 'value.amount', 'value.currency',
    'utm.source', 'utm.medium', 'utm.campaign', 'utm.term', 'utm.content', 'external_id', 'is_test',
  ],
  contact: [
    'name', 'given_name', 'family_name', 'email', 'phone', 'title', 'occupation', 'birthday', 'gender', 'company_id', 'locale', 'note', 'owner_id', 'tags', 'external_id', 'is_test',
  ],
  order: [
    'external_id', 'currency', 'placed_on', 'status', 'total', 'shipping', 'channel', 'campaign_id', 'tax_inclusive', 'owner_id', 'tags', 'contact.external_id', 'contact.name',
    'contact.email', 'contact.phone', 'lines', 'lines.sku', 'lines.name', 'lines.quantity', 'lines.unit_price', 'is_test',
  ],
};

export const linesOf = (mapping: Record<string, string> | undefined): Line[] =>
  Object.entries(mapping ?? {}).map(([field, path]) => ({ field, path }));

/** The lines as a merge patch on what was there: fields that are gone are cleared, lines without a field or path are left out. */
export function mappingPatch(lines: Line[], before: Record<string, string> | undefined): Record<string, string | null> {
  const now = lines.map(({ field, path }) => [field.trim(), path.trim()] as const).filter(([field, path]) => field && path);
  return { ...Object.fromEntries(Object.keys(before ?? {}).map((field) => [field, null])), ...Object.fromEntries(now) };
}
