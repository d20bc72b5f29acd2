import { Button } from '@mantine/core';
import { modals } from '@mantine/modals';
import { IconChevronLeft, IconTrash } from '@tabler/icons-react';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { tellError } from '../ui/edit';
import { useFormats } from '../ui/format';
import { useMay } from '../ui/me';
import { Page } from '../ui/Page';
import backClasses from '../ui/RecordPage.module.css';
import { ErrorState, Loading } from '../ui/states';
import { type Import, imports, isMoving, useImport, useKeep } from './api';
import { Draft } from './Draft';
import classes from './imports.module.css';
import { Progress } from './Progress';
import { Result } from './Result';
import { ImportState } from './State';

export default function ImportRecord() {
  const { t } = useTranslation();
  const format = useFormats();
  const { id } = useParams({ strict: false }) as { id: string };
  const write = useMay()('imports', 'write');
  const { data: of, error, refetch } = useImport(id);
  if (error && !of) return <ErrorState error={error} retry={() => void refetch()} />;
  if (!of) return <Loading />;
  return (
    <Page
      title={of.name}
      above={<Link to="/imports" className={backClasses.back} aria-label={t('common.nav.imports')}><IconChevronLeft size={16} /></Link>}
      beside={<ImportState of={of} />}
      actions={write && !isMoving(of.status) && <Remove of={of} />}
    >
      <p className={`soft ${classes.facts}`}>
        {[t(`imports.kind.${of.kind}`), t('imports.rows', { count: of.rows, shown: format.number(of.rows) }), of.encoding, of.delimiter && t(`imports.delimiter.${NAMES[of.delimiter] ?? 'other'}`), format.moment(of.created_at)]
          .filter(Boolean)
          .join(' · ')}
      </p>
      {of.status === 'draft' ? <Draft of={of} write={write} /> : isMoving(of.status) ? <Progress of={of} /> : <Result of={of} />}
    </Page>
  );
}

const NAMES: Record<string, string> = { ',': 'comma', ';': 'semicolon', '\t': 'tab', '|': 'bar' };

function Remove({ of }: { of: Import }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const keep = useKeep();
  const remove = async () => {
    try {
      await imports.remove(of);
      keep(undefined, of.id);
      void navigate({ to: '/imports' });
    } catch (error) {
      tellError(error);
    }
  };
  // What was imported can be taken back by the file only.
  const ask = () =>
    modals.openConfirmModal({
      title: t('imports.remove.title'),
      children: <p className="soft">{t('imports.remove.text')}</p>,
      labels: { confirm: t('common.remove'), cancel: t('common.cancel') },
      onConfirm: () => void remove(),
    });
  return <Button variant="default" leftSection={<IconTrash size={15} />} onClick={of.status === 'draft' ? () => void remove() : ask}>{t('common.remove')}</Button>;
}
