/** What a record of a preview holds in a field, as text: the record is as the interface takes it, the field is flat. */
export function valueOf(record: Record<string, unknown> | null, field: string): string {
  if (!record) return '';
  const [first, ...rest] = field.split('.') as [string, ...string[]];
  if (first === 'address') return text(part(part(record.addresses, '0'), rest[0]!));
  if (first === 'consent') return text(part(part(record.consent, rest[0]!), 'status'));
  if (rest.length) return text(rest.reduce<unknown>(part, record[first]));
  const line = part(record.lines, '0');
  const others: Record<string, () => unknown> = {
    email: () => part(part(record.emails, '0'), 'address'),
    phone: () => part(part(record.phones, '0'), 'number'),
    external_id: () => Object.values((record.external_ids as object) ?? {})[0],
    number: () => Object.values((record.external_ids as object) ?? {})[0],
    customer_email: () => part(record.contact_ref, 'value'),
    customer_external_id: () => part(record.contact_ref, 'value'),
    sku: () => part(line, 'sku'),
    product_name: () => part(line, 'name'),
    quantity: () => part(line, 'quantity'),
    unit_price: () => part(line, 'unit_price'),
    amount: () => part(line, 'unit_price'),
    paid: () => part(part(record.payments, '0'), 'amount'),
    currency: () => [record.price, record.value, record.credit_limit].map((money) => part(money, 'currency')).find(Boolean),
  };
  return text(record[first] ?? others[first]?.());
}

const part = (value: unknown, name: string): unknown =>
  value !== null && typeof value === 'object' ? (value as Record<string, unknown>)[name] : undefined;

function text(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (Array.isArray(value)) return value.map(text).join(', ');
  if (typeof value === 'object') {
    const { amount, currency } = value as { amount?: string; currency?: string };
    return amount ? [amount, currency].filter(Boolean).join(' ') : '';
  }
  return String(value);
}
