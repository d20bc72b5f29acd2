import { useTranslation } from 'react-i18next';
import classes from './Scores.module.css';

/** Three scores of one to five, as steps. */
export function Fifths({ scores }: { scores: Array<{ label: string; value: number; note: string }> }) {
  const { t } = useTranslation();
  return (
    <ul className={classes.fifths}>
      {scores.map(({ label, value, note }) => (
        <li key={label}>
          <span>{label}</span>
          <span className={classes.steps} role="img" aria-label={t('customers.score.ofFive', { value })}>
            {[1, 2, 3, 4, 5].map((step) => <i key={step} data-full={step <= value || undefined} />)}
          </span>
          <b className="number" aria-hidden>{value}</b>
          <span className={classes.note}>{note}</span>
        </li>
      ))}
    </ul>
  );
}

/** A share as a bar, in the tone of what it means. */
export function Alive({ share, text }: { share: number; text: string }) {
  return (
    <div className={classes.alive}>
      <strong className={classes.big}>{text}</strong>
      <svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden>
        <rect width="100" height="8" className={classes.ground} />
        <rect width={Math.max(1, Math.min(100, share * 100))} height="8" data-tone={share < 0.3 ? 'red' : share < 0.6 ? 'yellow' : 'green'} />
      </svg>
    </div>
  );
}

interface IntervalProps {
  value: number;
  from: number;
  to: number;
  text: string;
  fromText: string;
  toText: string;
}

/** A value between the ends of its interval, from nought. */
export function Interval({ value, from, to, text, fromText, toText }: IntervalProps) {
  const most = Math.max(to, value, 1) * 1.1;
  const at = (amount: number) => (Math.max(0, amount) / most) * 100;
  return (
    <div className={classes.alive}>
      <strong className={classes.big}>{text}</strong>
      <svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden>
        <rect y="3" width="100" height="2" className={classes.ground} />
        <rect y="1" x={at(from)} width={Math.max(0.5, at(to) - at(from))} height="6" className={classes.band} />
        <rect x={at(value) - 0.4} width="0.8" height="8" className={classes.mark} />
      </svg>
      {fromText && <span className={classes.ends}>{fromText} – {toText}</span>}
    </div>
  );
}
