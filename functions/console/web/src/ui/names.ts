/** A country's or a language's name in the reader's language; the code itself where it is none. */
export function nameOf(kind: 'region' | 'language', code: string | null | undefined, language: string): string {
  if (!code) return '';
  try {
    return new Intl.DisplayNames(language, { type: kind }).of(code) ?? code;
  } catch {
    return code;
  }
}
