import { HoverCard } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Lead } from '../api/records';
import classes from './leads.module.css';

/** How promising a lead is, 0 to 100, as a number and a bar. */
export function Score({ score }: { score: number }) {
  return (
    <span className={classes.score}>
      <span className={classes.bar} aria-hidden><i style={{ width: `${Math.max(0, Math.min(100, score))}%` }} /></span>
      <span className="number">{score}</span>
    </span>
  );
}

/** What makes up a score, in words. */
export function Reasons({ reasons }: { reasons: Lead['score_reasons'] }) {
  const { t } = useTranslation();
  if (!reasons?.length) return <span className="soft">{t('leads.noReasons')}</span>;
  return (
    <ul className={classes.reasons}>
      {reasons.map(({ reason, points }) => (
        <li key={reason}>
          <span>{t(`leads.reason.${reason}`, { defaultValue: reason })}</span>
          <span className="number">{points > 0 ? `+${points}` : `−${Math.abs(points)}`}</span>
        </li>
      ))}
    </ul>
  );
}

/** The score in a list: its reasons come up under the pointer or the focus. */
export function ScoreWithReasons({ lead }: { lead: Lead }) {
  const { t } = useTranslation();
  return (
    <HoverCard openDelay={250} shadow="md" position="left" withinPortal>
      <HoverCard.Target>
        <button type="button" tabIndex={-1} className={classes.hover} aria-label={t('leads.scoreOf', { score: lead.score })}><Score score={lead.score} /></button>
      </HoverCard.Target>
      <HoverCard.Dropdown><Reasons reasons={lead.score_reasons} /></HoverCard.Dropdown>
    </HoverCard>
  );
}
