import { SimpleGrid, Textarea, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { type Contact, keys, records } from '../api/records';
import { Suspected } from '../merge/Suspected';
import { tell } from '../ui/edit';
import { FormModal } from '../ui/FormModal';
import { RecordLink } from '../ui/RecordLink';
import { RecordSelect } from '../ui/RecordSelect';
import { contactField } from './fields';

interface Props {
  opened: boolean;
  onClose(): void;
  onCreated(contact: Contact): void;
  /** The company that the new contact belongs to, where that is known. */
  company?: string;
}

export default function ContactForm({ opened, onClose, onCreated, company }: Props) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const field = contactField(t);
  const anyway = useRef(false);
  const form = useRef<HTMLDivElement>(null);
  return (
    <FormModal
      title={t('common.create.customer')}
      opened={opened}
      onClose={onClose}
      initial={{ name: '', email: '', phone: '', title: '', company_id: company ?? '', note: '' }}
      submit={t('customers.form.submit')}
      onError={(error) =>
        error.code === 'duplicate_suspected' ? (
          <Suspected
            noun="contacts"
            error={error}
            anyway={() => {
              anyway.current = true;
              form.current?.closest('form')?.requestSubmit();
            }}
          />
        ) : error.holder ? (
          <RecordLink id={error.holder}>{t('customers.form.taken')}</RecordLink>
        ) : error.code === 'required' || error.faults.some(({ code, pointer }) => code === 'required' && pointer.length < 3) ? (
          t('customers.form.needed')
        ) : undefined
      }
      onSubmit={async (values, attempt) => {
        const allowDuplicate = anyway.current;
        anyway.current = false;
        const given = Object.fromEntries(Object.entries(values).filter(([, value]) => value.trim()));
        const contact = await records.create('contacts', given, { attempt, allowDuplicate });
        await client.invalidateQueries({ queryKey: keys.noun('contacts') });
        tell(t('customers.form.done', { name: contact.name }));
        onCreated(contact);
      }}
    >
      {(inputs) => (
        <div ref={form} style={{ display: 'contents' }}>
          <TextInput label={field('name')} autoComplete="off" data-autofocus {...inputs.getInputProps('name')} />
          <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
            <TextInput label={field('email')} type="email" autoComplete="off" {...inputs.getInputProps('email')} />
            <TextInput label={field('phone')} type="tel" autoComplete="off" {...inputs.getInputProps('phone')} />
            <RecordSelect
              label={field('company_id')}
              kinds={['company']}
              value={inputs.values.company_id}
              error={inputs.errors.company_id}
              onChange={(id) => inputs.setFieldValue('company_id', id ?? '')}
            />
            <TextInput label={field('title')} {...inputs.getInputProps('title')} />
          </SimpleGrid>
          <Textarea label={field('note')} autosize minRows={2} maxRows={8} {...inputs.getInputProps('note')} />
          <p className="label" style={{ margin: 0 }}>{t('customers.form.needed')}</p>
        </div>
      )}
    </FormModal>
  );
}
