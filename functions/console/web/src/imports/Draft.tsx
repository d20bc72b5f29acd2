import { Button } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiError } from '../api/error';
import { tellError } from '../ui/edit';
import { useFormats } from '../ui/format';
import { ErrorState, Loading } from '../ui/states';
import { type Import, imports, useFields, useImport, useKeep } from './api';
import { Counts } from './Counts';
import { ErrorsButton } from './ErrorsButton';
import classes from './imports.module.css';
import { Mapping } from './Mapping';
import { Options } from './Options';
import { Preview } from './Preview';

/** A file before it is imported: what its columns mean, what would happen, and the start. */
export function Draft({ of, write }: { of: Import; write: boolean }) {
  const { t } = useTranslation();
  const format = useFormats();
  const keep = useKeep();
  const { refetch } = useImport(of.id);
  const fields = useFields(of.kind);
  const [busy, setBusy] = useState<string>();
  const does = async (key: string, call: () => Promise<Import>) => {
    setBusy(key);
    try {
      keep(await call(), of.id);
    } catch (error) {
      // Somebody else changed it meanwhile: what they chose is shown.
      if (error instanceof ApiError && (error.status === 412 || error.status === 409)) void refetch();
      tellError(error);
    } finally {
      setBusy(undefined);
    }
  };
  if (fields.error) return <ErrorState error={fields.error} retry={() => void fields.refetch()} />;
  if (!fields.data) return <Loading />;
  const chosen = new Set(of.columns.map(({ field }) => field));
  const missing = fields.data.data.filter(({ required, key }) => required && !chosen.has(key));
  const none = of.columns.every(({ field }) => !field);
  return (
    <div className={classes.draft}>
      <section>
        <h2>{t('imports.mapping.title')}</h2>
        <p className="soft">{t('imports.mapping.text')}</p>
        <Mapping of={of} fields={fields.data.data} write={write} busy={busy === 'mapping'} onMap={(mapping) => void does('mapping', () => imports.change(of, { mapping }))} />
        {missing.length > 0 && <p role="alert" className={classes.warn}>{t('imports.mapping.missing', { fields: missing.map((field) => field.label ?? t(`imports.field.${field.key}`)).join(', ') })}</p>}
      </section>
      <section>
        <h2>{t('imports.options.title')}</h2>
        <Options of={of} fields={fields.data.data} write={write} onChange={(options) => void does('options', () => imports.change(of, { options }))} />
      </section>
      <section>
        <h2>{t('imports.preview.title')}</h2>
        <Preview of={of} fields={fields.data.data} />
      </section>
      {write && (
        <section className={classes.go}>
          {of.dry_run && of.counts.done > 0 && (
            <div className={classes.checked} role="status">
              <strong>{t('imports.dry.title')}</strong>
              <Counts of={of} />
              {of.counts.failed > 0 && <div><ErrorsButton of={of} /></div>}
            </div>
          )}
          <div className={classes.buttons}>
            <Button variant="default" disabled={none} loading={busy === 'dry'} onClick={() => void does('dry', () => imports.start(of, true))}>{t('imports.dry.start')}</Button>
            <Button disabled={none} loading={busy === 'start'} onClick={() => void does('start', () => imports.start(of, false))}>{t('imports.start', { count: of.rows, shown: format.number(of.rows) })}</Button>
          </div>
          <p className="soft">{none ? t('imports.mapping.none') : t('imports.startText')}</p>
        </section>
      )}
    </div>
  );
}
