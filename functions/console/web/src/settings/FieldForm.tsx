import { Select, SimpleGrid, Switch, TagsInput, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client';
import { tell } from '../ui/edit';
import { FormModal } from '../ui/FormModal';
import { CUSTOM_KINDS, type CustomField, useCustomFields } from './api';
import { keyOf } from './fieldKey';

const TYPES = ['text', 'number', 'boolean', 'date', 'choice', 'multi_choice', 'email', 'phone', 'url'] as const;
const choosing = (type: string) => type === 'choice' || type === 'multi_choice';
const uniqueable = (type: string) => !choosing(type) && type !== 'boolean';

interface Props {
  /** A field to change, or of a new one only its kind. */
  field: Partial<CustomField> | null;
  onClose(): void;
}

export default function FieldForm({ field, onClose }: Props) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const known = useCustomFields().data ?? [];
  const old = field?.key !== undefined;
  return (
    <FormModal
      title={old ? t('settings.fields.change', { name: field.label }) : t('settings.fields.new')}
      opened={field !== null}
      onClose={onClose}
      initial={{
        kind: field?.kind ?? 'contact',
        label: field?.label ?? '',
        type: field?.type ?? 'text',
        required: field?.required ?? false,
        unique: field?.unique ?? false,
        choices: field?.choices ?? [],
      }}
      validate={{ label: (label: string) => (label.trim() ? null : t('settings.fields.needed')) }}
      submit={old ? t('common.save') : t('settings.fields.make')}
      fieldOf={(path) => (path === 'key' ? 'label' : path.split('.')[0]!)}
      onSubmit={async ({ kind, label, type, required, unique, choices }, attempt) => {
        const shared = { label: label.trim(), required, ...(choosing(type) && { choices }) };
        if (old) {
          await api.PATCH('/v1/fields/{kind}/{key}', { params: { path: { kind, key: field.key! } }, body: shared as unknown as Record<string, never> });
        } else {
          const key = keyOf(label, known.filter((other) => other.kind === kind).map((other) => other.key));
          await api.POST('/v1/fields', { body: { ...shared, kind, key, type, unique: unique && uniqueable(type) }, headers: { 'idempotency-key': attempt } });
        }
        await client.invalidateQueries({ queryKey: ['fields'] });
        tell(t('settings.saved'));
      }}
    >
      {(form) => (
        <>
          <TextInput label={t('settings.fields.label')} maxLength={80} data-autofocus {...form.getInputProps('label')} />
          <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
            <Select label={t('settings.fields.of')} allowDeselect={false} disabled={old} data={CUSTOM_KINDS.map((value) => ({ value, label: t(`settings.fields.kinds.${value}`) }))} {...form.getInputProps('kind')} />
            <Select label={t('settings.fields.type')} allowDeselect={false} disabled={old} data={TYPES.map((value) => ({ value, label: t(`settings.fields.types.${value}`) }))} {...form.getInputProps('type')} />
          </SimpleGrid>
          {choosing(form.values.type) && (
            <TagsInput label={t('settings.fields.choices')} description={t('settings.fields.choicesText')} maxTags={200} {...form.getInputProps('choices')} />
          )}
          <Switch label={t('settings.fields.requiredText')} {...form.getInputProps('required', { type: 'checkbox' })} />
          {uniqueable(form.values.type) && <Switch label={t('settings.fields.uniqueText')} disabled={old} {...form.getInputProps('unique', { type: 'checkbox' })} />}
        </>
      )}
    </FormModal>
  );
}
