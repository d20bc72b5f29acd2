import { Button, Radio } from '@mantine/core';
import { IconChevronLeft, IconFileSpreadsheet } from '@tabler/icons-react';
import { Link, useNavigate } from '@tanstack/react-router';
import { useQueryClient } from '@tanstack/react-query';
import { type DragEvent, type ReactNode, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { attempt } from '../api/client';
import { ApiError } from '../api/error';
import { useMay, useMe } from '../ui/me';
import { Page } from '../ui/Page';
import backClasses from '../ui/RecordPage.module.css';
import { EmptyState, Loading } from '../ui/states';
import { useView } from '../ui/view';
import { type ImportKind, KINDS, refusal, saveAs, send } from './api';
import classes from './imports.module.css';
import { templateOf } from './template';

export default function NewImport() {
  const { t } = useTranslation();
  const me = useMe();
  const may = useMay()('imports', 'write');
  return (
    <Page
      narrow
      title={t('imports.new.title')}
      above={<Link to="/imports" className={backClasses.back} aria-label={t('common.nav.imports')}><IconChevronLeft size={16} /></Link>}
    >
      {!me.data ? <Loading /> : may ? <Choose /> : <EmptyState title={t('common.forbidden.title')}>{t('common.forbidden.text')}</EmptyState>}
    </Page>
  );
}

function Choose() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const client = useQueryClient();
  const may = useMay();
  const [view, change] = useView();
  const input = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const [busy, setBusy] = useState<string>();
  const [failure, setFailure] = useState<ReactNode>();
  // A file that got no answer is sent again as the same one.
  const [waiting, setWaiting] = useState<{ file: File; name: string }>();
  const kinds = KINDS.filter((kind) => may(kind, 'write'));
  const kind: ImportKind = kinds.find((kind) => kind === view.kind) ?? kinds[0] ?? 'contacts';

  const take = async (file: File, name = attempt()) => {
    setWaiting(undefined);
    const wrong = refusal(file, kind);
    if (wrong) return setFailure(t(`imports.refused.${wrong}`, { name: file.name }));
    setFailure(undefined);
    setBusy(file.name);
    try {
      const made = await send(file, kind, name);
      void client.invalidateQueries({ queryKey: ['imports', 'list'] });
      void navigate({ to: `/imports/${made.id}` });
    } catch (error) {
      const problem = error instanceof ApiError ? error : new ApiError(-1, 'unknown', String(error));
      if (problem.status === 0) setWaiting({ file, name });
      setFailure(problem.status === 0 ? t('common.offline.text') : [problem.message, ...problem.faults.map(({ detail }) => detail)].filter(Boolean).join(' · '));
    } finally {
      setBusy(undefined);
    }
  };
  const onDrop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    const file = event.dataTransfer.files[0];
    if (file && !busy) void take(file);
  };

  return (
    <div className={classes.steps}>
      <section>
        <h2>{t('imports.new.what')}</h2>
        <Radio.Group value={kind} onChange={(kind) => change({ kind })} aria-label={t('imports.new.what')}>
          <div className={classes.kinds}>
            {kinds.map((kind) => (
              <Radio key={kind} value={kind} size="sm" label={t(`imports.kind.${kind}`)} description={t(`imports.about.${kind}`)} />
            ))}
          </div>
        </Radio.Group>
      </section>
      <section>
        <h2>{t('imports.new.file')}</h2>
        <div
          className={classes.drop}
          data-over={over || undefined}
          onDragOver={(event) => {
            event.preventDefault();
            setOver(true);
          }}
          onDragLeave={() => setOver(false)}
          onDrop={onDrop}
        >
          <IconFileSpreadsheet size={24} stroke={1.5} />
          <div>{busy ? t('imports.new.sending', { name: busy }) : t('imports.new.drop')}</div>
          <Button loading={Boolean(busy)} onClick={() => input.current?.click()}>{t('imports.new.choose')}</Button>
          <input
            ref={input}
            type="file"
            hidden
            aria-label={t('imports.new.file')}
            accept=".csv,.tsv,.txt,.xlsx,.vcf"
            onChange={(event) => {
              const file = event.currentTarget.files?.[0];
              event.currentTarget.value = '';
              if (file) void take(file);
            }}
          />
          <div className="label">{kind === 'contacts' ? t('imports.new.limitsContacts') : t('imports.new.limits')}</div>
        </div>
        {failure && (
          <div role="alert" className={classes.failure}>
            <span>{failure}</span>
            {waiting && <Button size="xs" variant="default" onClick={() => void take(waiting.file, waiting.name)}>{t('common.retry')}</Button>}
          </div>
        )}
        <p className="soft">
          {t('imports.new.next')}{' '}
          <button type="button" className={classes.link} onClick={() => saveAs(new Blob([templateOf(kind)], { type: 'text/csv' }), `${kind}.csv`)}>{t('imports.new.template')}</button>
        </p>
      </section>
    </div>
  );
}
