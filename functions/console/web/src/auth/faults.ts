import type { TFunction } from 'i18next';

/** Faults of these forms in the reader's language; others in the words of the service. */
export const faultWords =
  (t: TFunction) =>
  (code: string, detail: string): string => {
    const known = t(`auth.faults.${code}`, { defaultValue: '' });
    return known || detail;
  };
