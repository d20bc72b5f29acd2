import { ActionIcon, Button, Menu } from '@mantine/core';
import { IconDots, IconPlus } from '@tabler/icons-react';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useRecord } from '../api/records';
import { Orders, Tickets } from '../customers/Related';
import { useDuplicates } from '../merge/api';
import { Duplicates } from '../merge/Duplicates';
import { Merge } from '../merge/Merge';
import { Timeline } from '../timeline/Timeline';
import { useRemove } from '../ui/edit';
import { History } from '../ui/History';
import { useMay } from '../ui/me';
import { RecordPage } from '../ui/RecordPage';
import { ErrorState, Loading } from '../ui/states';
import { Tag } from '../ui/Tag';
import { CompanyFields } from './CompanyFields';
import { companyField } from './fields';
import { People } from './People';

export default function CompanyRecord() {
  const { t } = useTranslation();
  const { id } = useParams({ strict: false }) as { id: string };
  const navigate = useNavigate();
  const may = useMay();
  const remove = useRemove('companies');
  const [merging, setMerging] = useState(false);
  const { data: company, error, refetch } = useRecord('companies', id);
  const duplicates = useDuplicates('companies', id);
  const label = companyField(t);
  if (error) return <ErrorState error={error} retry={() => void refetch()} />;
  if (!company) return <Loading />;
  const self = company.id;
  const of = { company_id: self };
  return (
    <>
      <RecordPage
        title={company.name}
        back={{ to: '/companies', label: t('common.nav.companies') }}
        beside={<Tag>{t(`companies.kind.${company.kind as string}`)}</Tag>}
        actions={
          <>
            {may('orders', 'write') && (
              <Button component={Link} to="/orders/new" search={{ company_id: self } as never} leftSection={<IconPlus size={15} />}>{t('common.create.order')}</Button>
            )}
            {may('companies', 'write') && (
              <Menu position="bottom-end" shadow="md">
                <Menu.Target>
                  <ActionIcon variant="default" size={30} aria-label={t('customers.more')}><IconDots size={16} /></ActionIcon>
                </Menu.Target>
                <Menu.Dropdown>
                  <Menu.Item onClick={() => setMerging(true)}>{t('merge.with')}</Menu.Item>
                  <Menu.Item onClick={() => remove.mutate([self], { onSuccess: () => void navigate({ to: '/companies' }) })}>{t('common.remove')}</Menu.Item>
                </Menu.Dropdown>
              </Menu>
            )}
          </>
        }
        fields={<CompanyFields company={company} />}
        tabs={[
          { key: 'people', label: t('companies.tab.people'), content: <People id={self} /> },
          ...(may('orders', 'read') ? [{ key: 'orders', label: t('common.nav.orders'), content: <Orders of={of} /> }] : []),
          ...(may('tickets', 'read') ? [{ key: 'tickets', label: t('common.nav.tickets'), content: <Tickets of={of} /> }] : []),
          { key: 'timeline', label: t('customers.tab.timeline'), content: <Timeline noun="companies" id={self} label={label} /> },
          { key: 'duplicates', label: t('customers.tab.duplicates'), count: duplicates.data?.data.length, content: <Duplicates noun="companies" id={self} label={label} /> },
          { key: 'history', label: t('common.history.title'), content: <History noun="companies" id={self} label={label} /> },
        ]}
      />
      {merging && <Merge noun="companies" id={self} label={label} onClose={() => setMerging(false)} />}
    </>
  );
}

/** A company beside a list. */
export function CompanyPanel({ id }: { id: string }) {
  const { t } = useTranslation();
  const { data: company, error, refetch } = useRecord('companies', id);
  if (error) return <ErrorState error={error} retry={() => void refetch()} />;
  if (!company) return <Loading />;
  return (
    <>
      <h2>{company.name}</h2>
      <CompanyFields company={company} />
      <h2 style={{ marginTop: 20 }}>{t('companies.tab.people')}</h2>
      <People id={company.id} />
    </>
  );
}
