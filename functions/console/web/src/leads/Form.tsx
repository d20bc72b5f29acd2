import { Autocomplete, Select, SimpleGrid, Textarea, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { keys, type Lead, records } from '../api/records';
import { Suspected } from '../merge/Suspected';
import { tell } from '../ui/edit';
import { FormModal } from '../ui/FormModal';
import { useFormats } from '../ui/format';
import { money } from '../ui/money';
import { leadField, leadName, RATINGS, SOURCES } from './fields';

interface Props {
  opened: boolean;
  onClose(): void;
  onCreated(lead: Lead): void;
}

export default function LeadForm({ opened, onClose, onCreated }: Props) {
  const { t } = useTranslation();
  const { currency } = useFormats();
  const client = useQueryClient();
  const field = leadField(t);
  const anyway = useRef(false);
  const form = useRef<HTMLDivElement>(null);
  return (
    <FormModal
      title={t('common.create.lead')}
      opened={opened}
      onClose={onClose}
      initial={{ name: '', company_name: '', email: '', phone: '', title: '', source: '', rating: '', value: '', note: '' }}
      validate={{ value: (value: string) => (value.trim() && !money(value, currency) ? t('leads.form.value') : null) }}
      submit={t('leads.form.submit')}
      fieldOf={(path) => path.split('.')[0]!}
      onError={(error) =>
        error.code === 'duplicate_suspected' ? (
          <Suspected
            noun="leads"
            error={error}
            anyway={() => {
              anyway.current = true;
              form.current?.closest('form')?.requestSubmit();
            }}
          />
        ) : error.faults.some(({ code, pointer }) => code === 'required' && pointer.length < 3) ? (
          t('leads.form.needed')
        ) : undefined
      }
      onSubmit={async ({ value, ...values }, attempt) => {
        const allowDuplicate = anyway.current;
        anyway.current = false;
        const given = Object.fromEntries(Object.entries(values).filter(([, text]) => text?.trim()));
        const lead = await records.create('leads', { ...given, ...(value.trim() && { value: money(value, currency) }) }, { attempt, allowDuplicate });
        await client.invalidateQueries({ queryKey: keys.noun('leads') });
        tell(t('leads.form.done', { name: leadName(lead) }));
        onCreated(lead);
      }}
    >
      {(inputs) => (
        <div ref={form} style={{ display: 'contents' }}>
          <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
            <TextInput label={field('name')} autoComplete="off" data-autofocus {...inputs.getInputProps('name')} />
            <TextInput label={field('company_name')} autoComplete="off" {...inputs.getInputProps('company_name')} />
            <TextInput label={field('email')} type="email" autoComplete="off" {...inputs.getInputProps('email')} />
            <TextInput label={field('phone')} type="tel" autoComplete="off" {...inputs.getInputProps('phone')} />
            <TextInput label={field('title')} {...inputs.getInputProps('title')} />
            <Autocomplete label={field('source')} data={[...SOURCES]} renderOption={({ option }) => t(`leads.source.${option.value}`, { defaultValue: option.value })} {...inputs.getInputProps('source')} />
            <Select label={field('rating')} clearable={Boolean(inputs.values.rating)} clearButtonProps={{ 'aria-label': t('common.select.clear', { name: field('rating') }) }} data={RATINGS.map((value) => ({ value, label: t(`leads.rating.${value}`) }))} {...inputs.getInputProps('rating')} />
            <TextInput label={field('value')} inputMode="decimal" rightSection={<span className="label">{currency}</span>} rightSectionWidth={46} {...inputs.getInputProps('value')} />
          </SimpleGrid>
          <Textarea label={field('note')} autosize minRows={2} maxRows={8} {...inputs.getInputProps('note')} />
          <p className="label" style={{ margin: 0 }}>{t('leads.form.needed')}</p>
        </div>
      )}
    </FormModal>
  );
}
