import { IconChevronLeft, IconUserX } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { components } from '../api/schema.gen';
import { useFormats } from '../ui/format';
import { usePeople } from '../ui/me';
import { Page } from '../ui/Page';
import backClasses from '../ui/RecordPage.module.css';
import { EmptyState } from '../ui/states';
import { Tag } from '../ui/Tag';

/** In the place of a customer who asked to be forgotten: since when, and how far that is. */
export function Erased({ of }: { of: components['schemas']['Erasure'] }) {
  const { t } = useTranslation();
  const format = useFormats();
  const name = usePeople().name(of.asked_by);
  const moment = format.moment(of.asked_at);
  return (
    <Page
      title={t('customers.erase.erased')}
      above={<Link to="/customers" className={backClasses.back} aria-label={t('common.nav.customers')}><IconChevronLeft size={16} /></Link>}
      beside={<Tag tone={of.done_at ? 'gray' : 'yellow'}>{of.done_at ? t('customers.erase.done') : t('customers.erase.running')}</Tag>}
    >
      <div role="status">
        <EmptyState icon={<IconUserX />} title={name ? t('customers.erase.askedBy', { moment, name }) : t('customers.erase.asked', { moment })}>
          {of.done_at ? t('customers.erase.since', { moment: format.moment(of.done_at) }) : t('customers.erase.under')}
        </EmptyState>
      </div>
    </Page>
  );
}
