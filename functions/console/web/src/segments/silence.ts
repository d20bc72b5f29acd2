import { useTranslation } from 'react-i18next';

interface Silence {
  text: string;
  days_since_last?: number;
  usual_days?: number | null;
}

/** Why a customer is at risk, in words: how long ago the last order was, and how often there usually is one. */
export function useSilence(): (detail: Silence | null | undefined) => string {
  const { t } = useTranslation();
  return (detail) => {
    if (!detail) return '';
    if (detail.days_since_last === undefined) return detail.text;
    const last = t('segments.silence.last', { count: detail.days_since_last });
    return detail.usual_days ? t('segments.silence.usual', { last, count: Math.round(detail.usual_days) }) : last;
  };
}
