import { Button, Menu } from '@mantine/core';
import { IconInbox, IconPlus, IconProgress } from '@tabler/icons-react';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { type Lead, useList } from '../api/records';
import { BulkEdit, useBulkEdit } from '../ui/BulkEdit';
import type { Column } from '../ui/DataTable';
import { type Filter, filtersOf } from '../ui/Filters';
import { useFormats } from '../ui/format';
import { ListPage } from '../ui/ListPage';
import { useMay, usePeople } from '../ui/me';
import { EmptyState } from '../ui/states';
import { useView } from '../ui/view';
import { leadField, leadName, OPEN, RATINGS, SOURCES, STATUSES } from './fields';
import LeadForm from './Form';
import { LeadPanel } from './Panel';
import { Score, ScoreWithReasons } from './Score';
import { Rating, Status } from './States';

export default function LeadList() {
  const { t } = useTranslation();
  const format = useFormats();
  const may = useMay();
  const { people, name } = usePeople();
  const [view, change] = useView();
  const edit = useBulkEdit('leads');
  const field = leadField(t);
  const source = (key: string | null | undefined) => (key ? t(`leads.source.${key}`, { defaultValue: key }) : '');
  const filters: Filter[] = [
    { key: 'status', label: field('status'), kind: 'choice', options: STATUSES.map((value) => ({ value, label: t(`leads.status.${value}`) })) },
    { key: 'owner_id', label: field('owner_id'), kind: 'choice', options: people.map((user) => ({ value: user.id, label: user.name })) },
    { key: 'source', label: field('source'), kind: 'choice', options: [...new Set([...SOURCES, ...(view.source ? [view.source] : [])])].map((value) => ({ value, label: source(value) })) },
    { key: 'rating', label: field('rating'), kind: 'choice', options: RATINGS.map((value) => ({ value, label: t(`leads.rating.${value}`) })) },
    { key: 'tag', label: field('tags'), kind: 'text' },
    { key: 'created_since', label: t('leads.since'), kind: 'day' },
  ];
  const list = useList('leads', filtersOf(filters, view));
  const columns: Column<Lead>[] = [
    { key: 'name', title: field('name'), render: (lead) => leadName(lead) },
    { key: 'company', title: field('company_name'), width: 190, render: (lead) => lead.company_name },
    { key: 'score', title: field('score'), width: 110, align: 'end', render: (lead) => <ScoreWithReasons lead={lead} /> },
    { key: 'status', title: field('status'), width: 120, render: (lead) => <Status status={lead.status} /> },
    { key: 'rating', title: field('rating'), width: 80, render: (lead) => <Rating rating={lead.rating} /> },
    { key: 'source', title: field('source'), width: 120, render: (lead) => source(lead.source) },
    { key: 'value', title: field('value'), width: 110, align: 'end', render: (lead) => format.roundMoney(lead.value) },
    { key: 'owner', title: field('owner_id'), width: 150, render: (lead) => name(lead.owner_id) },
    { key: 'age', title: t('leads.age'), width: 110, align: 'end', render: (lead) => <span title={format.moment(lead.created_at)}>{format.ago(lead.created_at)}</span> },
    { key: 'email', title: field('email'), width: 220, optional: true, render: (lead) => lead.email },
    { key: 'phone', title: field('phone'), width: 150, optional: true, render: (lead) => lead.phone },
    { key: 'tags', title: field('tags'), width: 160, optional: true, render: (lead) => lead.tags?.join(', ') },
  ];
  const byId = useMemo(() => new Map(list.rows.map((row) => [row.id, row])), [list.rows]);
  const create = may('leads', 'write') && (
    <Button leftSection={<IconPlus size={15} />} onClick={() => change({ create: '1' })}>{t('common.create.lead')}</Button>
  );
  return (
    <>
      <ListPage
        name="leads"
        title={t('common.nav.leads')}
        columns={columns}
        list={list}
        filters={filters}
        actions={create}
        phone={(lead) => (
          <>
            <span style={{ display: 'flex', gap: 8, alignItems: 'center', minWidth: 0 }}>
              <span className="cut" style={{ flex: 1 }}>{leadName(lead)}</span>
              <Status status={lead.status} />
            </span>
            <span className="soft" style={{ display: 'flex', gap: 8, alignItems: 'center', minWidth: 0 }}>
              <span className="cut" style={{ flex: 1 }}>{[lead.name && lead.company_name, source(lead.source), format.ago(lead.created_at)].filter(Boolean).join(' · ')}</span>
              <Score score={lead.score} />
            </span>
          </>
        )}
        empty={
          filters.some(({ key }) => view[key]) ? (
            <EmptyState title={t('leads.none.title')}>{t('leads.none.text')}</EmptyState>
          ) : (
            <EmptyState icon={<IconInbox />} title={t('leads.empty.title')} action={create}>{t('leads.empty.text')}</EmptyState>
          )
        }
        panel={(id) => ({ content: <LeadPanel id={id} />, to: `/leads/${id}` })}
        bulk={(ids, done) => {
          const rows = ids.flatMap((id) => byId.get(id) ?? []);
          return may('leads', 'write') && (
            <>
              <Menu position="top" shadow="md">
                <Menu.Target>
                  <Button variant="default" leftSection={<IconProgress size={14} />} loading={edit.isPending}>{field('status')}</Button>
                </Menu.Target>
                <Menu.Dropdown>
                  {OPEN.map((status) => (
                    <Menu.Item key={status} onClick={() => edit.mutate(rows.map(({ id }) => ({ id, patch: { status } })), { onSuccess: done })}><Status status={status} /></Menu.Item>
                  ))}
                </Menu.Dropdown>
              </Menu>
              <BulkEdit noun="leads" rows={rows} done={done} />
            </>
          );
        }}
      />
      <LeadForm opened={view.create === '1'} onClose={() => change({ create: undefined })} onCreated={(lead) => change({ create: undefined, open: lead.id })} />
    </>
  );
}
