import { useTranslation } from 'react-i18next';
import { useFormats } from '../ui/format';
import { usePeople } from '../ui/me';
import { Tag, type Tone } from '../ui/Tag';
import { type Archive, isMoving, linesOf } from './api';
import classes from './archives.module.css';

const TONES: Record<Archive['status'], Tone> = { uploading: 'yellow', queued: 'gray', running: 'blue', done: 'green', failed: 'red' };

/** How far an archive is, in a word. */
export function State({ of }: { of: Archive }) {
  const { t } = useTranslation();
  return <Tag tone={TONES[of.status]}>{t(`data.state.${of.direction}.${of.status}`)}</Tag>;
}

/** What there is to know of it, and what went wrong. */
export function Facts({ of }: { of: Archive }) {
  const { t } = useTranslation();
  const format = useFormats();
  const people = usePeople();
  const lines = linesOf(of);
  const size = of.bytes ?? 0;
  const bytes = (unit: string, length: number) => format.number(size / length, { style: 'unit', unit, maximumSignificantDigits: 2 });
  return (
    <>
      <div aria-live={isMoving(of) ? 'polite' : undefined}>
        {[
          lines > 0 && t('data.lines', { count: lines, shown: format.number(lines) }),
          size > 0 && (size < 1_000_000 ? bytes('kilobyte', 1_000) : bytes('megabyte', 1_000_000)),
          people.name(of.created_by),
          of.direction === 'in' && of.signed_here !== undefined && t(`data.signed.${of.signed_here ? 'here' : 'elsewhere'}`),
          (of.direction === 'out' ? of.status === 'done' : of.status === 'uploading') && t('data.until', { day: format.dayOf(of.expires_at) }),
        ]
          .filter(Boolean)
          .join(' · ')}
      </div>
      {of.error && <div className={classes.failed}>{of.error}</div>}
    </>
  );
}
