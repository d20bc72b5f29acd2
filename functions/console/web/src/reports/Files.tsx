import { Button } from '@mantine/core';
import { IconDownload, IconFile } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { tellError } from '../ui/edit';
import { useFormats } from '../ui/format';
import { EmptyState, ErrorState, Loading } from '../ui/states';
import { Tag, type Tone } from '../ui/Tag';
import { download, type Export, useExports } from './api';
import classes from './Kept.module.css';
import { useWords } from './words';

const TONES: Record<string, Tone> = { queued: 'gray', running: 'blue', done: 'green', failed: 'red' };

/** Files that were made in the background, the latest first. */
export default function Files() {
  const { t } = useTranslation();
  const files = useExports();
  if (files.error) return <ErrorState error={files.error} retry={() => void files.refetch()} />;
  if (!files.data) return <Loading lines={4} />;
  if (!files.data.data.length) return <EmptyState icon={<IconFile />} title={t('reports.files.empty.title')}>{t('reports.files.empty.text')}</EmptyState>;
  return <ul className={classes.list}>{files.data.data.map((file) => <One key={file.id} file={file} />)}</ul>;
}

function One({ file }: { file: Export }) {
  const { t } = useTranslation();
  const format = useFormats();
  const words = useWords();
  const asked = Object.fromEntries(file.query as Array<[string, string]>);
  const parts = Array.from({ length: file.parts ?? 1 }, (_, part) => part + 1);
  const name = words.report(file.report, file.report);
  return (
    <li className={classes.one}>
      <div className={classes.what}>
        <span className={classes.name}>{name}</span>
        <div className="soft">
          {[
            file.of_rows && t('reports.files.rows'),
            asked.from && asked.to && `${format.day(asked.from)} – ${format.day(asked.to)}`,
            asked.by && words.by(asked.by),
            t(`reports.format.${file.format}`),
            file.rows !== null && file.rows !== undefined && t('reports.files.lines', { count: file.rows }),
          ].filter(Boolean).join(' · ')}
        </div>
        {file.error && <div className={classes.failed}>{file.error}</div>}
      </div>
      <div className={classes.when}>
        <div className="soft">{format.ago(file.created_at)}</div>
        {file.status === 'done' && <div className="soft">{t('reports.files.until', { day: format.dayOf(file.expires_at) })}</div>}
      </div>
      <Tag tone={TONES[file.status]}>{t(`reports.files.state.${file.status}`)}</Tag>
      {file.status === 'done' && file.file && (
        <div className={classes.parts}>
          {parts.map((part) => (
            <Button
              key={part}
              variant="default"
              leftSection={<IconDownload size={14} />}
              onClick={() => void download(`${file.file}?part=${part}`, `${file.report}${parts.length > 1 ? `-${part}` : ''}.${file.format}`).catch(tellError)}
            >
              {parts.length > 1 ? t('reports.files.part', { part }) : t('reports.files.fetch')}
            </Button>
          ))}
        </div>
      )}
    </li>
  );
}
