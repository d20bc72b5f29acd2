import { Select } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Import, ImportField } from './api';
import classes from './imports.module.css';

interface Props {
  of: Import;
  fields: ImportField[];
  write: boolean;
  busy: boolean;
  onMap(mapping: Record<string, string | null>): void;
}

/** Which column fills which field, beside what is in it. */
export function Mapping({ of, fields, write, busy, onMap }: Props) {
  const { t } = useTranslation();
  const name = (field: ImportField) => field.label ?? t(`imports.field.${field.key}`);
  const taken = new Map(of.columns.flatMap(({ field, index }) => (field ? [[field, index]] : [])));
  const choose = (column: number, key: string | null) => {
    const before = key === null ? undefined : taken.get(key);
    // A field is filled by one column: it moves here from where it was.
    onMap({ ...(before !== undefined && before !== column && { [before]: null }), [column]: key });
  };
  const options = fields.map((field) => ({ value: field.key, label: field.required ? `${name(field)} *` : name(field) }));
  return (
    <div className={classes.scroll}>
      <table className={`${classes.table} ${classes.mapping}`} aria-busy={busy}>
        <thead>
          <tr>
            <th scope="col">{t('imports.mapping.column')}</th>
            <th scope="col">{t('imports.mapping.samples')}</th>
            <th scope="col">{t('imports.mapping.field')}</th>
          </tr>
        </thead>
        <tbody>
          {of.columns.map((column) => (
            <tr key={column.index} data-off={!column.field || undefined}>
              <th scope="row">{column.name || t('imports.mapping.unnamed', { number: column.index + 1 })}</th>
              <td className={classes.samples}>{column.samples.map((sample, at) => <span key={at} className="cut">{sample}</span>)}</td>
              <td className={classes.choice}>
                <Select
                  size="xs"
                  aria-label={t('imports.mapping.label', { name: column.name || column.index + 1 })}
                  data={options}
                  value={column.field ?? null}
                  placeholder={t('imports.mapping.skip')}
                  searchable
                  clearable
                  disabled={!write}
                  clearButtonProps={{ 'aria-label': t('imports.mapping.skip') }}
                  nothingFoundMessage={t('common.palette.none')}
                  renderOption={({ option }) => (
                    <span>
                      {option.label}
                      {taken.has(option.value) && taken.get(option.value) !== column.index && <span className="label"> · {t('imports.mapping.used')}</span>}
                    </span>
                  )}
                  onChange={(key) => key !== (column.field ?? null) && choose(column.index, key)}
                />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
