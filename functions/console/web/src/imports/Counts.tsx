import { useTranslation } from 'react-i18next';
import { useFormats } from '../ui/format';
import type { Import } from './api';
import classes from './imports.module.css';

const KEYS = ['created', 'updated', 'skipped', 'failed', 'reverted', 'kept'] as const;

/** What became of the rows, or would. */
export function Counts({ of }: { of: Import }) {
  const { t } = useTranslation();
  const format = useFormats();
  const shown = KEYS.filter((key) => (key === 'reverted' || key === 'kept' ? of.status === 'reverting' || of.status === 'reverted' : true));
  return (
    <dl className={classes.counts}>
      {shown.map((key) => (
        <div key={key} data-bad={(key === 'failed' && of.counts.failed > 0) || undefined}>
          <dt>{of.dry_run ? t(`imports.would.${key}`) : t(`imports.did.${key}`)}</dt>
          <dd>{format.number(of.counts[key] ?? 0)}</dd>
        </div>
      ))}
    </dl>
  );
}
