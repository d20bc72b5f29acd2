import { Button } from '@mantine/core';
import { IconAddressBook, IconPlus } from '@tabler/icons-react';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { keys, useGrowing } from '../api/records';
import { BulkEdit } from '../ui/BulkEdit';
import type { Column } from '../ui/DataTable';
import { type Filter, filtersOf } from '../ui/Filters';
import { useFormats } from '../ui/format';
import { ListPage } from '../ui/ListPage';
import { useMay, usePeople } from '../ui/me';
import { RecordLink } from '../ui/RecordLink';
import { EmptyState } from '../ui/states';
import { useView } from '../ui/view';
import type { ListedContact } from './api';
import { contactField } from './fields';
import ContactForm from './Form';
import { ContactPanel } from './Panel';
import { Grade, Lifecycle, lifecycles, Segment } from './States';

export default function CustomerList() {
  const { t } = useTranslation();
  const format = useFormats();
  const may = useMay();
  const { people, name } = usePeople();
  const [view, change] = useView();
  const field = contactField(t);
  const filters: Filter[] = [
    { key: 'lifecycle', label: t('customers.column.lifecycle'), kind: 'choice', options: lifecycles.map((value) => ({ value, label: t(`customers.lifecycle.${value}`) })) },
    { key: 'owner_id', label: field('owner_id'), kind: 'choice', options: people.map((user) => ({ value: user.id, label: user.name })) },
    { key: 'tag', label: field('tags'), kind: 'text' },
    { key: 'company_id', label: field('company_id'), kind: 'record', records: ['company'] },
    { key: 'email', label: field('email'), kind: 'text' },
    { key: 'phone', label: field('phone'), kind: 'text' },
    { key: 'created_since', label: t('customers.filter.created_since'), kind: 'day' },
    { key: 'created_before', label: t('customers.filter.created_before'), kind: 'day' },
  ];
  const query = { expand: 'score,company', ...filtersOf(filters, view) };
  const list = useGrowing<ListedContact>(keys.list('contacts', query), '/v1/contacts', query);
  const filtered = filters.some(({ key }) => view[key]);
  const columns: Column<ListedContact>[] = [
    { key: 'name', title: field('name'), render: (contact) => contact.name },
    { key: 'company', title: field('company_id'), width: 180, render: ({ company }) => company && <RecordLink id={company.id}>{company.name}</RecordLink> },
    { key: 'lifecycle', title: t('customers.column.lifecycle'), width: 110, render: ({ score }) => <Lifecycle stage={score?.lifecycle} /> },
    { key: 'segment', title: t('customers.column.segment'), width: 150, render: ({ score }) => <Segment segment={score?.rfm?.segment} /> },
    { key: 'grade', title: t('customers.column.grade'), width: 70, render: ({ score }) => <Grade grade={score?.pareto?.grade} /> },
    { key: 'value', title: t('customers.column.value'), width: 120, align: 'end', render: ({ score }) => format.roundMoney(score?.value?.clv_12m) },
    { key: 'spent', title: t('customers.column.spent'), width: 120, align: 'end', optional: true, render: ({ score }) => format.roundMoney(score?.rfm?.monetary) },
    { key: 'last', title: t('customers.column.last'), width: 136, align: 'end', render: ({ score }) => format.day(score?.rfm?.last_purchase_on) },
    { key: 'owner', title: field('owner_id'), width: 150, render: (contact) => name(contact.owner_id) },
    { key: 'tags', title: field('tags'), width: 160, optional: true, render: (contact) => contact.tags?.join(', ') },
    { key: 'email', title: field('email'), width: 230, optional: true, render: (contact) => contact.email },
    { key: 'phone', title: field('phone'), width: 150, optional: true, render: (contact) => contact.phone },
    { key: 'created', title: t('customers.column.created'), width: 130, optional: true, align: 'end', render: (contact) => format.dayOf(contact.created_at) },
  ];
  const byId = useMemo(() => new Map(list.rows.map((row) => [row.id, row])), [list.rows]);
  const create = may('contacts', 'write') && (
    <Button leftSection={<IconPlus size={15} />} onClick={() => change({ create: '1' })}>{t('common.create.customer')}</Button>
  );
  return (
    <>
      <ListPage
        name="contacts"
        title={t('common.nav.customers')}
        columns={columns}
        list={list}
        filters={filters}
        actions={create}
        phone={(contact) => (
          <>
            <span style={{ display: 'flex', gap: 8, alignItems: 'center', minWidth: 0 }}>
              <span className="cut" style={{ flex: 1 }}>{contact.name}</span>
              <Lifecycle stage={contact.score?.lifecycle} />
            </span>
            <span className="soft cut">{[contact.company?.name, format.roundMoney(contact.score?.value?.clv_12m), format.day(contact.score?.rfm?.last_purchase_on)].filter(Boolean).join(' · ')}</span>
          </>
        )}
        empty={
          filtered ? (
            <EmptyState title={t('customers.none.title')}>{t('customers.none.text')}</EmptyState>
          ) : (
            <EmptyState icon={<IconAddressBook />} title={t('customers.empty.title')} action={create}>{t('customers.empty.text')}</EmptyState>
          )
        }
        panel={(id) => ({ content: <ContactPanel id={id} />, to: `/customers/${id}` })}
        bulk={(ids, done) =>
          may('contacts', 'write') && <BulkEdit noun="contacts" rows={ids.flatMap((id) => byId.get(id) ?? [])} done={done} />
        }
      />
      <ContactForm opened={view.create === '1'} onClose={() => change({ create: undefined })} onCreated={(contact) => change({ create: undefined, open: contact.id })} />
    </>
  );
}
