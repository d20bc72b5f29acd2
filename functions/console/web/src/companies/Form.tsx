import { Select, SimpleGrid, Textarea, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useMemo, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { type Company, keys, records } from '../api/records';
import { Suspected } from '../merge/Suspected';
import { tell } from '../ui/edit';
import { FormModal } from '../ui/FormModal';
import { countryOptions } from '../ui/places';
import { companyField, KINDS } from './fields';

interface Props {
  opened: boolean;
  onClose(): void;
  onCreated(company: Company): void;
}

export default function CompanyForm({ opened, onClose, onCreated }: Props) {
  const { t, i18n } = useTranslation();
  const client = useQueryClient();
  const field = companyField(t);
  const countries = useMemo(() => countryOptions(i18n.language), [i18n.language]);
  const anyway = useRef(false);
  const form = useRef<HTMLDivElement>(null);
  return (
    <FormModal
      title={t('common.create.company')}
      opened={opened}
      onClose={onClose}
      initial={{ name: '', kind: 'organisation', industry: '', website: '', email: '', phone: '', country: '', note: '' }}
      validate={{ name: (name: string) => (name.trim() ? null : t('companies.form.name')) }}
      submit={t('companies.form.submit')}
      onError={(error) =>
        error.code === 'duplicate_suspected' ? (
          <Suspected
            noun="companies"
            error={error}
            anyway={() => {
              anyway.current = true;
              form.current?.closest('form')?.requestSubmit();
            }}
          />
        ) : undefined
      }
      onSubmit={async (values, attempt) => {
        const allowDuplicate = anyway.current;
        anyway.current = false;
        const given = Object.fromEntries(Object.entries(values).filter(([, value]) => value?.trim()));
        const company = await records.create('companies', given, { attempt, allowDuplicate });
        await client.invalidateQueries({ queryKey: keys.noun('companies') });
        tell(t('companies.form.done', { name: company.name }));
        onCreated(company);
      }}
    >
      {(inputs) => (
        <div ref={form} style={{ display: 'contents' }}>
          <TextInput label={field('name')} required autoComplete="off" data-autofocus {...inputs.getInputProps('name')} />
          <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
            <Select label={field('kind')} allowDeselect={false} data={KINDS.map((value) => ({ value, label: t(`companies.kind.${value}`) }))} {...inputs.getInputProps('kind')} />
            <TextInput label={field('industry')} {...inputs.getInputProps('industry')} />
            <TextInput label={field('email')} type="email" autoComplete="off" {...inputs.getInputProps('email')} />
            <TextInput label={field('phone')} type="tel" autoComplete="off" {...inputs.getInputProps('phone')} />
            <TextInput label={field('website')} type="url" autoComplete="off" {...inputs.getInputProps('website')} />
            <Select label={field('country')} searchable clearable={Boolean(inputs.values.country)} clearButtonProps={{ 'aria-label': t('common.select.clear', { name: field('country') }) }} data={countries} {...inputs.getInputProps('country')} />
          </SimpleGrid>
          <Textarea label={field('note')} autosize minRows={2} maxRows={8} {...inputs.getInputProps('note')} />
        </div>
      )}
    </FormModal>
  );
}
