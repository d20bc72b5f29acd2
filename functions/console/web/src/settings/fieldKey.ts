/** The key under which a field with this label is kept, as the service wants keys: `a-z`, then also `0-9` and `_`. */
export function keyOf(label: string, taken: readonly string[]): string {
  const plain = label
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^[_0-9]+|_+$/g, '')
    .slice(0, 36);
  const base = plain || 'field';
  let key = plain || 'field_1';
  for (let n = plain ? 2 : 1; taken.includes(key); n += 1) key = `${base}_${n}`;
  return key;
}
