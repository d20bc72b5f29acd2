import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { answer, api } from '../api/client';
import type { components } from '../api/schema.gen';
import { type Editing, Field } from './Field';
import { useFormats } from './format';

type Declared = components['schemas']['Field'];
type Kind = components['schemas']['FieldKind'];

/** The fields that the firm has declared for a kind of record. */
export function useCustomFields(kind: Kind): Declared[] {
  const declared = useQuery({
    queryKey: ['fields'],
    queryFn: () => answer(api.GET('/v1/fields')),
    staleTime: 300_000,
  });
  return (declared.data?.data ?? []).filter((field) => field.kind === kind);
}

interface Props {
  kind: Kind;
  custom: Record<string, unknown> | undefined;
  onSave?(custom: Record<string, unknown>): void;
}

/** A record's values in the firm's own fields, changed in place. */
export function CustomFields({ kind, custom = {}, onSave }: Props) {
  const { t } = useTranslation();
  const format = useFormats();
  const fields = useCustomFields(kind);
  const yes = { true: t('common.yes'), false: t('common.no') };
  const editing = ({ type, choices = [], required }: Declared): Editing => {
    const options = choices.map((choice) => ({ value: choice, label: choice }));
    switch (type) {
      case 'boolean': return { kind: 'choice', required, options: Object.entries(yes).map(([value, label]) => ({ value, label })) };
      case 'choice': return { kind: 'choice', required, options };
      case 'multi_choice': return { kind: 'tags', required, options };
      case 'date': return { kind: 'day', required };
      case 'number': return { kind: 'number', required };
      case 'email': return { kind: 'email', required };
      case 'phone': return { kind: 'tel', required };
      default: return { kind: 'text', required };
    }
  };
  const shown = (type: Declared['type'], value: unknown) => {
    if (value === undefined || value === null) return '';
    if (type === 'boolean') return value ? yes.true : yes.false;
    if (type === 'date') return format.day(String(value));
    if (type === 'url') return <span className="cut">{String(value)}</span>;
    return Array.isArray(value) ? value.join(', ') : String(value);
  };
  const parsed = (type: Declared['type'], text: string | null): unknown => {
    if (text === null) return null;
    if (type === 'boolean') return text === 'true';
    return type === 'multi_choice' ? text.split(',') : text;
  };
  return (
    <>
      {fields.map((field) => (
        <Field
          key={field.key}
          label={field.label}
          value={Array.isArray(custom[field.key]) ? (custom[field.key] as string[]).join(',') : custom[field.key] === undefined ? '' : String(custom[field.key])}
          edit={editing(field)}
          onSave={onSave && ((text) => onSave({ ...custom, [field.key]: parsed(field.type, text) }))}
        >
          {shown(field.type, custom[field.key])}
        </Field>
      ))}
    </>
  );
}
