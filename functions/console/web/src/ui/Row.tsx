import { memo, type ReactNode, type RefObject } from 'react';
import { useTranslation } from 'react-i18next';
import type { Column } from './DataTable';
import classes from './DataTable.module.css';

/** What can be done to a row. Kept behind a reference, so that a row is not drawn anew when only these change. */
export interface Acts<T> {
  focus(index: number): void;
  open(row: T): void;
  toggle(id: string): void;
}

interface Props<T> {
  row: T;
  index: number;
  /** Where it lies, in pixels from the first row. */
  start: number;
  height: number;
  grid: string;
  columns: Column<T>[];
  phone(row: T): ReactNode;
  narrow: boolean;
  /** The one that the keyboard is at. */
  active: boolean;
  open: boolean;
  /** Undefined where rows cannot be chosen. */
  chosen: boolean | undefined;
  acts: RefObject<Acts<T>>;
}

function RowOf<T extends { id: string }>({ row, index, start, height, grid, columns, phone, narrow, active, open, chosen, acts }: Props<T>) {
  const { t } = useTranslation();
  return (
    <div
      role="row"
      data-index={index}
      aria-rowindex={index + 2}
      aria-selected={chosen}
      aria-current={open || undefined}
      tabIndex={active ? 0 : -1}
      className={classes.row}
      style={{ gridTemplateColumns: grid, height, transform: `translateY(${start}px)` }}
      data-narrow={narrow || undefined}
      onFocus={() => acts.current.focus(index)}
      onClick={(event) => {
        // Words being marked, and links within the row, are not the row's business.
        if ((event.target as HTMLElement).closest('a,button,input,label') || getSelection()?.toString()) return;
        acts.current.focus(index);
        acts.current.open(row);
      }}
    >
      {chosen !== undefined && (
        <div role="gridcell" className={classes.check}>
          {/* The browser's own: a row has to be cheap to draw. */}
          <input type="checkbox" tabIndex={-1} aria-label={t('common.table.one')} checked={chosen} onChange={() => acts.current.toggle(row.id)} />
        </div>
      )}
      {narrow ? (
        <div role="gridcell" aria-colspan={columns.length} className={classes.phone}>{phone(row)}</div>
      ) : (
        columns.map((column) => (
          <div role="gridcell" key={column.key} className={classes.cell} data-align={column.align}>
            {column.render(row)}
          </div>
        ))
      )}
    </div>
  );
}

/** A row of a table. While a list is scrolled only the rows that come into sight are drawn. */
export const Row = memo(RowOf) as typeof RowOf;
