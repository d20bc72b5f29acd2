import { Button } from '@mantine/core';
import { modals } from '@mantine/modals';
import { IconArrowBackUp } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { tellError } from '../ui/edit';
import { useFormats } from '../ui/format';
import { useMay } from '../ui/me';
import { type Import, imports, isOver, PLACES, useKeep } from './api';
import { Counts } from './Counts';
import { ErrorsButton } from './ErrorsButton';
import classes from './imports.module.css';

/** What an import came to, what to do about rows that failed, and the way back. */
export function Result({ of }: { of: Import }) {
  const { t } = useTranslation();
  const format = useFormats();
  const write = useMay()('imports', 'write');
  const keep = useKeep();
  const [busy, setBusy] = useState<string>();
  const { counts } = of;
  const does = async (key: string, call: () => Promise<unknown>) => {
    setBusy(key);
    try {
      await call();
    } catch (error) {
      tellError(error);
    } finally {
      setBusy(undefined);
    }
  };
  const revert = () =>
    modals.openConfirmModal({
      title: t('imports.revert.title'),
      children: (
        <ul className={classes.follows}>
          {counts.created > 0 && <li>{t('imports.revert.created', { count: counts.created, shown: format.number(counts.created) })}</li>}
          {counts.updated > 0 && <li>{t('imports.revert.updated', { count: counts.updated, shown: format.number(counts.updated) })}</li>}
          <li>{t('imports.revert.since')}</li>
        </ul>
      ),
      labels: { confirm: t('imports.revert.do'), cancel: t('common.cancel') },
      onConfirm: () => void does('revert', async () => keep(await imports.revert(of), of.id)),
    });
  return (
    <section className={classes.progress}>
      <h2>{t(`imports.result.${of.status}`)}</h2>
      {of.error && <p role="alert" className={classes.failure}>{of.error}</p>}
      <Counts of={of} />
      {of.finished_at && <p className="soft">{t('imports.result.finished', { when: format.moment(of.finished_at) })}</p>}
      <div className={classes.buttons}>
        {of.status !== 'reverted' && counts.created + counts.updated > 0 && <Button component={Link} to={PLACES[of.kind]}>{t(`imports.see.${of.kind}`)}</Button>}
        {counts.failed > 0 && <ErrorsButton of={of} />}
        {write && isOver(of.status) && counts.created + counts.updated > 0 && (
          <Button variant="default" leftSection={<IconArrowBackUp size={15} />} loading={busy === 'revert'} onClick={revert}>{t('imports.revert.open')}</Button>
        )}
        {write && <Button component={Link} to="/imports/new" search={{ kind: of.kind } as never} variant="subtle">{t('imports.another')}</Button>}
      </div>
      {counts.failed > 0 && <p className="soft">{t('imports.errorsText')}</p>}
    </section>
  );
}
