/** What a new password must be, as far as it can be said before it is sent; the service also knows the most common ones. */
export const LEAST = 10;
export const MOST = 200;

export type Rule = 'length' | 'variety' | 'own';
export const RULES: Rule[] = ['length', 'variety', 'own'];

const squeezed = (text: string) => text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');

/** The rules that a password breaks. `own` are the person's address, name and firm. */
export function broken(password: string, own: string[]): Rule[] {
  const length = [...password].length;
  const plain = password.toLowerCase();
  const stem = squeezed(plain.replace(/[\d!-/:-@[-`{-~]+$/, ''));
  const names = own.flatMap((text) => [text, text.split('@')[0]!]).map(squeezed).filter(Boolean);
  const rules: Record<Rule, boolean> = {
    length: length >= LEAST && length <= MOST,
    variety: new Set(plain).size >= 4,
    own: length > 0 && !names.some((name) => name === squeezed(plain) || name === stem),
  };
  return RULES.filter((rule) => !rules[rule]);
}
