import { useTranslation } from 'react-i18next';
import { ErrorState, Loading } from '../ui/states';
import { Tag, type Tone } from '../ui/Tag';
import { type Import, type ImportField, type PreviewRow, usePreview } from './api';
import classes from './imports.module.css';
import { valueOf } from './preview';

const TONES: Record<PreviewRow['outcome'], Tone> = { create: 'green', update: 'blue', skip: 'gray', error: 'red' };

/** What would become of the first rows; what is wrong stands in the cell it is about. */
export function Preview({ of, fields }: { of: Import; fields: ImportField[] }) {
  const { t, i18n } = useTranslation();
  const words = ({ code, detail, field: key }: PreviewRow['errors'][number]) =>
    i18n.exists(`imports.code.${code}`) ? t(`imports.code.${code}`, { choices: fields.find((field) => field.key === key)?.choices?.join(', ') }) : detail;
  const preview = usePreview(of);
  const columns = of.columns.filter((column) => column.field);
  if (columns.length === 0) return <p className="soft">{t('imports.mapping.none')}</p>;
  if (preview.error) return <ErrorState error={preview.error} retry={() => void preview.refetch()} />;
  if (!preview.data) return <Loading lines={4} />;
  const name = (key: string) => fields.find((field) => field.key === key)?.label ?? t(`imports.field.${key}`);
  return (
    <div className={classes.scroll} role="region" aria-label={t('imports.preview.title')} tabIndex={0} data-wait={preview.isPlaceholderData || undefined}>
      <table className={classes.table}>
        <thead>
          <tr>
            <th scope="col" data-end>{t('imports.preview.row')}</th>
            <th scope="col">{t('imports.preview.outcome')}</th>
            {columns.map((column) => <th key={column.index} scope="col">{name(column.field!)}</th>)}
          </tr>
        </thead>
        <tbody>
          {preview.data.data.map((row) => {
            // A fault stands in its column, which is named beside the outcome; so is what belongs to no column.
            const others = row.errors.filter((fault) => !columns.some(({ index }) => index === fault.column));
            const named = columns.filter(({ index }) => row.errors.some((fault) => fault.column === index)).map(({ field }) => name(field!));
            return (
              <tr key={row.row}>
                <td data-end>{row.row}</td>
                <td>
                  <Tag tone={TONES[row.outcome]}>{t(`imports.outcome.${row.outcome}`)}</Tag>
                  {named.length > 0 && <div className={classes.where}>{named.join(', ')}</div>}
                  {others.map((fault, at) => <div key={at} className={classes.fault} title={fault.detail}>{words(fault)}</div>)}
                </td>
                {columns.map((column) => {
                  const faults = row.errors.filter((fault) => fault.column === column.index);
                  return (
                    <td key={column.index} data-wrong={faults.length > 0 || undefined}>
                      {faults.length > 0 ? faults.map((fault, at) => <div key={at} className={classes.fault} title={fault.detail}>{words(fault)}</div>) : <div className={classes.cell}>{valueOf(row.record, column.field!)}</div>}
                    </td>
                  );
                })}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
