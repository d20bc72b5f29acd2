import { Button, Progress as Bar } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { tellError } from '../ui/edit';
import { useFormats } from '../ui/format';
import { useMay } from '../ui/me';
import { type Import, imports, useKeep } from './api';
import { Counts } from './Counts';
import classes from './imports.module.css';

/** An import at work. It goes on when this page is left. */
export function Progress({ of }: { of: Import }) {
  const { t } = useTranslation();
  const format = useFormats();
  const write = useMay()('imports', 'write');
  const keep = useKeep();
  const [busy, setBusy] = useState(false);
  const { counts } = of;
  const all = of.status === 'reverting' ? counts.created + counts.updated : of.rows;
  const done = of.status === 'reverting' ? counts.reverted + (counts.kept ?? 0) : counts.done;
  const share = all > 0 ? Math.min(100, (done / all) * 100) : 0;
  const stop = async () => {
    setBusy(true);
    try {
      keep(await imports.cancel(of), of.id);
    } catch (error) {
      tellError(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <section className={classes.progress} aria-live="polite">
      <h2>{of.status === 'queued' ? t('imports.run.queued') : of.status === 'reverting' ? t('imports.run.reverting') : of.dry_run ? t('imports.run.dry') : t('imports.run.running')}</h2>
      <Bar value={share} animated={of.status !== 'queued'} aria-label={t('imports.run.progress')} />
      <p className="number soft">{t('imports.list.progress', { done: format.number(done), rows: format.number(all) })}</p>
      <Counts of={of} />
      <p className="soft">{t('imports.run.leave')}</p>
      {write && of.status !== 'reverting' && <Button variant="default" loading={busy} onClick={() => void stop()}>{t('imports.run.stop')}</Button>}
    </section>
  );
}
