import { Button } from '@mantine/core';
import { IconUpload } from '@tabler/icons-react';
import { Link, useNavigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { type Column, DataTable } from '../ui/DataTable';
import { useFormats } from '../ui/format';
import { useMay, usePeople } from '../ui/me';
import { Page } from '../ui/Page';
import { EmptyState } from '../ui/states';
import { type Import, isMoving, useImports } from './api';
import { ImportState } from './State';

export default function ImportList() {
  const { t } = useTranslation();
  const format = useFormats();
  const navigate = useNavigate();
  const people = usePeople();
  const list = useImports();
  const create = useMay()('imports', 'write') && (
    <Button component={Link} to="/imports/new" leftSection={<IconUpload size={15} />}>{t('imports.new.title')}</Button>
  );
  const counts = (of: Import) =>
    of.status === 'draft' ? '' : isMoving(of.status) ? t('imports.list.progress', { done: format.number(of.counts.done), rows: format.number(of.rows) })
    : [['created', of.counts.created], ['updated', of.counts.updated], ['failed', of.counts.failed]]
        .filter(([, count]) => Number(count) > 0)
        .map(([key, count]) => t(`imports.list.${key}`, { count: Number(count), shown: format.number(Number(count)) }))
        .join(' · ');
  const columns: Column<Import>[] = [
    { key: 'name', title: t('imports.list.file'), render: (of) => <Link to={`/imports/${of.id}`}>{of.name}</Link> },
    { key: 'kind', title: t('imports.list.kind'), width: 120, render: (of) => t(`imports.kind.${of.kind}`) },
    { key: 'rows', title: t('imports.list.rows'), width: 90, align: 'end', render: (of) => format.number(of.rows) },
    { key: 'status', title: t('imports.list.status'), width: 130, render: (of) => <ImportState of={of} /> },
    { key: 'counts', title: t('imports.list.result'), width: 300, render: counts },
    { key: 'by', title: t('imports.list.by'), width: 150, render: (of) => people.name(of.created_by) },
    { key: 'at', title: t('imports.list.at'), width: 140, render: (of) => <span title={format.moment(of.created_at)}>{format.ago(of.created_at)}</span> },
  ];
  return (
    <Page fixed title={t('common.nav.imports')} actions={create}>
      <DataTable
        label={t('common.nav.imports')}
        columns={columns}
        list={list}
        onOpen={(of) => void navigate({ to: `/imports/${of.id}` })}
        phone={(of) => (
          <>
            <span className="cut">{of.name}</span>
            <span style={{ display: 'flex', gap: 8 }}>
              <ImportState of={of} />
              <span className="soft cut">{t(`imports.kind.${of.kind}`)} · {counts(of) || t('imports.rows', { count: of.rows, shown: format.number(of.rows) })}</span>
            </span>
          </>
        )}
        empty={
          <EmptyState icon={<IconUpload />} title={t('imports.empty.title')} action={create}>
            {t('imports.empty.text')}
          </EmptyState>
        }
      />
    </Page>
  );
}
