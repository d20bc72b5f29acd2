import { ActionIcon, Button, Menu } from '@mantine/core';
import { IconDots, IconPlus, IconTicket } from '@tabler/icons-react';
import { Link, useNavigate, useParams } from '@tanstack/react-router';
import { lazy, Suspense, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { ApiError } from '../api/error';
import { useRecord } from '../api/records';
import { useDuplicates } from '../merge/api';
import { Duplicates } from '../merge/Duplicates';
import { Merge } from '../merge/Merge';
import { Timeline } from '../timeline/Timeline';
import { useRemove } from '../ui/edit';
import { History } from '../ui/History';
import { useMay } from '../ui/me';
import { RecordPage } from '../ui/RecordPage';
import { ErrorState, Loading } from '../ui/states';
import { useErasure, useOverview } from './api';
import { contactField } from './fields';
import { ContactFields } from './ContactFields';
import { Erased } from './Erased';
import { Overview } from './Overview';
import { Orders, Surveys, Tickets } from './Related';
import { Scores } from './Scores';
import { States } from './States';

const Erase = lazy(() => import('./Erase'));

export default function CustomerRecord() {
  const { t } = useTranslation();
  const { id } = useParams({ strict: false }) as { id: string };
  const navigate = useNavigate();
  const may = useMay();
  const remove = useRemove('contacts');
  const [merging, setMerging] = useState(false);
  const [erasing, setErasing] = useState(false);
  const { data: contact, error, refetch } = useRecord('contacts', id);
  const { data: overview } = useOverview(id);
  const duplicates = useDuplicates('contacts', id);
  const label = contactField(t);
  // Asked only where there is no such customer any more: it says whether somebody was erased.
  const missing = error instanceof ApiError && error.status === 404;
  const erasure = useErasure(id, missing && may('account', 'read'));
  if (erasure.data) return <Erased of={erasure.data} />;
  if (error && !erasure.isLoading) return <ErrorState error={error} retry={() => void refetch()} />;
  if (!contact) return <Loading />;
  const write = may('contacts', 'write');
  const erase = may('account', 'write');
  // A record that was merged answers as the one that stays: all that is asked further is asked of that.
  const self = contact.id;
  const of = { contact_id: self };
  return (
    <>
      <RecordPage
        title={contact.name}
        back={{ to: '/customers', label: t('common.nav.customers') }}
        beside={
          <States score={overview?.score} />
        }
        actions={
          <>
            {may('tickets', 'write') && (
              <Button component={Link} to="/tickets" search={{ create: '1', contact_id: self } as never} variant="default" leftSection={<IconTicket size={15} />}>{t('common.create.ticket')}</Button>
            )}
            {may('orders', 'write') && (
              <Button component={Link} to="/orders/new" search={{ contact_id: self } as never} leftSection={<IconPlus size={15} />}>{t('common.create.order')}</Button>
            )}
            {(write || erase) && (
              <Menu position="bottom-end" shadow="md">
                <Menu.Target>
                  <ActionIcon variant="default" size={30} aria-label={t('customers.more')}><IconDots size={16} /></ActionIcon>
                </Menu.Target>
                <Menu.Dropdown>
                  {write && <Menu.Item onClick={() => setMerging(true)}>{t('merge.with')}</Menu.Item>}
                  {write && <Menu.Item onClick={() => remove.mutate([self], { onSuccess: () => void navigate({ to: '/customers' }) })}>{t('common.remove')}</Menu.Item>}
                  {write && erase && <Menu.Divider />}
                  {erase && <Menu.Item onClick={() => setErasing(true)}>{t('customers.erase.open')}</Menu.Item>}
                </Menu.Dropdown>
              </Menu>
            )}
          </>
        }
        fields={<ContactFields contact={contact} />}
        tabs={[
          { key: 'overview', label: t('customers.tab.overview'), content: <Overview id={self} /> },
          { key: 'timeline', label: t('customers.tab.timeline'), content: <Timeline noun="contacts" id={self} label={label} /> },
          ...(may('orders', 'read') ? [{ key: 'orders', label: t('common.nav.orders'), content: <Orders of={of} /> }] : []),
          ...(may('tickets', 'read') ? [{ key: 'tickets', label: t('common.nav.tickets'), count: overview?.open_tickets?.length, content: <Tickets of={of} /> }] : []),
          ...(may('surveys', 'read') ? [{ key: 'surveys', label: t('customers.tab.surveys'), content: <Surveys of={of} /> }] : []),
          ...(may('segments', 'read') ? [{ key: 'scores', label: t('customers.tab.scores'), content: <Scores id={self} /> }] : []),
          { key: 'duplicates', label: t('customers.tab.duplicates'), count: duplicates.data?.data.length, content: <Duplicates noun="contacts" id={self} label={label} /> },
          { key: 'history', label: t('common.history.title'), content: <History noun="contacts" id={self} label={label} /> },
        ]}
      />
      {erasing && <Suspense fallback={null}><Erase contact={contact} onClose={() => setErasing(false)} /></Suspense>}
      {merging && <Merge noun="contacts" id={self} label={label} onClose={() => setMerging(false)} />}
    </>
  );
}
