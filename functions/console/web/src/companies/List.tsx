import { Button } from '@mantine/core';
import { IconBuilding, IconPlus } from '@tabler/icons-react';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { type Company, useList } from '../api/records';
import { BulkEdit } from '../ui/BulkEdit';
import type { Column } from '../ui/DataTable';
import { type Filter, filtersOf } from '../ui/Filters';
import { useFormats } from '../ui/format';
import { ListPage } from '../ui/ListPage';
import { useMay, usePeople } from '../ui/me';
import { nameOf } from '../ui/names';
import { countryOptions } from '../ui/places';
import { EmptyState } from '../ui/states';
import { useView } from '../ui/view';
import { companyField, KINDS } from './fields';
import CompanyForm from './Form';
import { CompanyPanel } from './Record';

export default function CompanyList() {
  const { t, i18n } = useTranslation();
  const format = useFormats();
  const may = useMay();
  const { people, name } = usePeople();
  const [view, change] = useView();
  const field = companyField(t);
  const countries = useMemo(() => countryOptions(i18n.language), [i18n.language]);
  const filters: Filter[] = [
    { key: 'kind', label: field('kind'), kind: 'choice', options: KINDS.map((value) => ({ value, label: t(`companies.kind.${value}`) })) },
    { key: 'owner_id', label: field('owner_id'), kind: 'choice', options: people.map((user) => ({ value: user.id, label: user.name })) },
    { key: 'industry', label: field('industry'), kind: 'text' },
    { key: 'country', label: field('country'), kind: 'choice', options: countries },
    { key: 'region', label: field('region'), kind: 'text' },
    { key: 'tag', label: field('tags'), kind: 'text' },
    { key: 'parent_id', label: field('parent_id'), kind: 'record', records: ['company'] },
  ];
  const list = useList('companies', filtersOf(filters, view));
  const columns: Column<Company>[] = [
    { key: 'name', title: field('name'), render: (company) => company.name },
    { key: 'kind', title: field('kind'), width: 120, render: (company) => t(`companies.kind.${company.kind as string}`) },
    { key: 'industry', title: field('industry'), width: 150, render: (company) => company.industry },
    { key: 'city', title: t('companies.city'), width: 130, render: (company) => (company.addresses?.find(({ primary }) => primary) ?? company.addresses?.[0])?.city },
    { key: 'country', title: field('country'), width: 150, render: (company) => nameOf('region', company.country, i18n.language) },
    { key: 'phone', title: field('phone'), width: 150, render: (company) => company.phone },
    { key: 'owner', title: field('owner_id'), width: 150, render: (company) => name(company.owner_id) },
    { key: 'email', title: field('email'), width: 220, optional: true, render: (company) => company.email },
    { key: 'size', title: field('size'), width: 100, optional: true, render: (company) => company.size },
    { key: 'terms', title: field('terms_days'), width: 120, align: 'end', optional: true, render: (company) => company.terms_days },
    { key: 'credit', title: field('credit_limit'), width: 130, align: 'end', optional: true, render: (company) => format.money(company.credit_limit) },
    { key: 'tags', title: field('tags'), width: 160, optional: true, render: (company) => company.tags?.join(', ') },
    { key: 'created', title: t('companies.created'), width: 130, align: 'end', optional: true, render: (company) => format.dayOf(company.created_at) },
  ];
  const byId = useMemo(() => new Map(list.rows.map((row) => [row.id, row])), [list.rows]);
  const create = may('companies', 'write') && (
    <Button leftSection={<IconPlus size={15} />} onClick={() => change({ create: '1' })}>{t('common.create.company')}</Button>
  );
  return (
    <>
      <ListPage
        name="companies"
        title={t('common.nav.companies')}
        columns={columns}
        list={list}
        filters={filters}
        actions={create}
        phone={(company) => (
          <>
            <span className="cut">{company.name}</span>
            <span className="soft cut">{[company.industry, nameOf('region', company.country, i18n.language)].filter(Boolean).join(' · ')}</span>
          </>
        )}
        empty={
          filters.some(({ key }) => view[key]) ? (
            <EmptyState title={t('companies.none.title')}>{t('companies.none.text')}</EmptyState>
          ) : (
            <EmptyState icon={<IconBuilding />} title={t('companies.empty.title')} action={create}>{t('companies.empty.text')}</EmptyState>
          )
        }
        panel={(id) => ({ content: <CompanyPanel id={id} />, to: `/companies/${id}` })}
        bulk={(ids, done) =>
          may('companies', 'write') && <BulkEdit noun="companies" rows={ids.flatMap((id) => byId.get(id) ?? [])} done={done} />
        }
      />
      <CompanyForm opened={view.create === '1'} onClose={() => change({ create: undefined })} onCreated={(company) => change({ create: undefined, open: company.id })} />
    </>
  );
}
