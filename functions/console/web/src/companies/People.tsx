import { Button } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { type Company, keys, useGrowing } from '../api/records';
import type { ListedContact } from '../customers/api';
import ContactForm from '../customers/Form';
import { Rows } from '../customers/Related';
import { Lifecycle } from '../customers/States';
import { useFormats } from '../ui/format';
import { useMay } from '../ui/me';
import { RecordLink } from '../ui/RecordLink';
import { EmptyState, ErrorState, Loading } from '../ui/states';
import classes from '../customers/Overview.module.css';

/** The people of a company, and the companies that belong to it. */
export function People({ id }: { id: string }) {
  const { t } = useTranslation();
  const format = useFormats();
  const write = useMay()('contacts', 'write');
  const [creating, create] = useState(false);
  const query = { company_id: id, expand: 'score', limit: 100 };
  const list = useGrowing<ListedContact>(keys.list('contacts', query), '/v1/contacts', query);
  const parts = useGrowing<Company>(keys.list('companies', { parent_id: id }), '/v1/companies', { parent_id: id, limit: 100 });
  if (list.error && list.rows.length === 0) return <ErrorState error={list.error} retry={list.retry} />;
  if (list.loading) return <Loading lines={4} />;
  const add = write && <Button variant="default" leftSection={<IconPlus size={15} />} onClick={() => create(true)}>{t('companies.addPerson')}</Button>;
  return (
    <div className={classes.columns}>
      {list.rows.length === 0 ? (
        <EmptyState title={t('companies.people.title')} action={add}>{t('companies.people.text')}</EmptyState>
      ) : (
        <section>
          <Rows
            label={t('companies.tab.people')}
            columns={[
              { title: t('customers.field.name') }, { title: t('customers.field.title'), hide: true }, { title: t('customers.field.email'), hide: true },
              { title: t('customers.field.phone') }, { title: t('customers.column.lifecycle') }, { title: t('customers.column.last'), end: true, hide: true },
            ]}
          >
            {list.rows.map((contact) => (
              <tr key={contact.id}>
                <td><RecordLink id={contact.id}>{contact.name}</RecordLink></td>
                <td className={classes.hide}>{contact.title}</td>
                <td className={classes.hide}>{contact.email}</td>
                <td className="number">{contact.phone}</td>
                <td><Lifecycle stage={contact.score?.lifecycle} /></td>
                <td data-end className={classes.hide}>{format.day(contact.score?.rfm?.last_purchase_on)}</td>
              </tr>
            ))}
          </Rows>
          <div style={{ display: 'flex', gap: 8, marginTop: 12 }}>
            {add}
            {list.hasMore && <Button variant="default" loading={list.growing} onClick={list.grow}>{t('common.history.more')}</Button>}
          </div>
        </section>
      )}
      {parts.rows.length > 0 && (
        <section>
          <h2>{t('companies.parts')}</h2>
          <ul className={classes.steps}>
            {parts.rows.map((part) => <li key={part.id} className={classes.step}><RecordLink id={part.id}>{part.name}</RecordLink></li>)}
          </ul>
        </section>
      )}
      <ContactForm opened={creating} onClose={() => create(false)} onCreated={() => create(false)} company={id} />
    </div>
  );
}
