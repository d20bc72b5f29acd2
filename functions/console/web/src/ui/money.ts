import type { Money } from '../api/records';

/** What a person types as an amount, as the service takes it: `1.250,00` and `1,250.00` are both 1250.00. Null when it is none. */
export function parseAmount(text: string): string | null {
  const bare = text.replace(/[\s\u00a0'’]/g, '').replace(/^[^\d+-.,]+|[^\d.,]+$/g, '');
  if (!bare) return null;
  const last = Math.max(bare.lastIndexOf('.'), bare.lastIndexOf(','));
  const separators = bare.replace(/[^.,]/g, '');
  // One kind of separator that repeats, or that stands before exactly three digits, groups thousands; a point alone never does.
  const decimal =
    last >= 0 && (new Set(separators).size > 1 || (separators.length === 1 && (bare[last] === '.' || bare.length - last - 1 !== 3)))
      ? last
      : -1;
  // Where both occur, the last one marks the decimals, and there is but one of it.
  if (new Set(separators).size > 1 && separators.split(separators.at(-1)!).length > 2) return null;
  const plain =
    decimal >= 0
      ? `${bare.slice(0, decimal).replace(/[.,]/g, '')}.${bare.slice(decimal + 1)}`
      : bare.replace(/[.,]/g, '');
  return /^[+-]?(\d+\.?\d*|\.\d+)$/.test(plain) ? plain.replace(/^\+/, '').replace(/^(-?)\./, '$10.').replace(/\.$/, '') : null;
}

export const money = (text: string, currency: string): Money | null => {
  const amount = parseAmount(text);
  return amount === null ? null : ({ amount, currency } as Money);
};
