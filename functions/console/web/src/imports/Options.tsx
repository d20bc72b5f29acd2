import { Select } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Import, ImportField, ImportOptions } from './api';
import classes from './imports.module.css';

interface Props {
  of: Import;
  fields: ImportField[];
  write: boolean;
  onChange(options: Partial<ImportOptions>): void;
}

/** How rows are understood: what is there already, and how days and amounts are written. */
export function Options({ of, fields, write, onChange }: Props) {
  const { t } = useTranslation();
  const { options } = of;
  const chosen = new Set(of.columns.map(({ field }) => field));
  const matches = fields.filter((field) => field.match);
  const has = (...types: string[]) => fields.some((field) => chosen.has(field.key) && types.includes(field.type));
  const choice = <K extends keyof ImportOptions>(key: K, data: Array<{ value: string; label: string }>) => (
    <Select
      size="xs"
      label={t(`imports.options.${key}.label`)}
      data={data}
      value={options[key]}
      allowDeselect={false}
      disabled={!write}
      onChange={(value) => value && value !== options[key] && onChange({ [key]: value } as Partial<ImportOptions>)}
    />
  );
  return (
    <div className={classes.options}>
      {choice('match', matches.map((field) => ({ value: field.key, label: field.label ?? t(`imports.field.${field.key}`) })))}
      {choice('existing', (['update', 'skip', 'create'] as const).map((value) => ({ value, label: t(`imports.options.existing.${value}`) })))}
      {has('date') && choice('day_order', (['dmy', 'mdy', 'ymd'] as const).map((value) => ({ value, label: t(`imports.options.day_order.${value}`) })))}
      {has('amount', 'number', 'paid') && choice('decimal', [{ value: '.', label: t('imports.options.decimal.point') }, { value: ',', label: t('imports.options.decimal.comma') }])}
    </div>
  );
}
