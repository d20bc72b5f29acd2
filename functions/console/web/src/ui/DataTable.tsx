import { Checkbox } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { useVirtualizer } from '@tanstack/react-virtual';
import { type KeyboardEvent, type ReactNode, useCallback, useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Growing } from '../api/records';
import classes from './DataTable.module.css';
import { ErrorState, Loading } from './states';

export interface Column<T> {
  key: string;
  title: string;
  /** In pixels; without, the column takes its part of what is left. */
  width?: number;
  align?: 'end';
  render(row: T): ReactNode;
  /** Not shown until chosen. */
  optional?: boolean;
}

interface Props<T extends { id: string }> {
  /** What the table lists, for those who hear it. */
  label: string;
  columns: Column<T>[];
  list: Growing<T>;
  /** The row whose record is open beside the list. */
  open?: string;
  onOpen?(row: T): void;
  /** What a narrow screen shows of a row: two lines. */
  phone(row: T): ReactNode;
  empty: ReactNode;
  selection?: { chosen: ReadonlySet<string>; choose(ids: ReadonlySet<string>): void };
}

const ROW = 40;
const PHONE_ROW = 64;

/** Rows of records: drawn as far as they are seen, loaded as far as they are scrolled, walked by the arrow keys. */
export function DataTable<T extends { id: string }>({ label, columns, list, open, onOpen, phone, empty, selection }: Props<T>) {
  const { t } = useTranslation();
  const narrow = useMediaQuery('(max-width: 48em)', false, { getInitialValueInEffect: false }) ?? false;
  const scroller = useRef<HTMLDivElement>(null);
  const [active, setActive] = useState(0);
  const { rows } = list;
  // The same function for the same rows: with another one the places of all rows are computed anew, at each turn of the wheel.
  const keyOf = useCallback((index: number) => rows[index]?.id ?? index, [rows]);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => (narrow ? PHONE_ROW : ROW),
    overscan: 12,
    getItemKey: keyOf,
  });
  useEffect(() => virtual.measure(), [narrow, virtual]);

  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  const { hasMore, growing, grow } = list;
  useEffect(() => {
    if (hasMore && !growing && last >= rows.length - 40) grow();
  }, [last, rows.length, hasMore, growing, grow]);

  if (list.error && rows.length === 0) return <ErrorState error={list.error} retry={list.retry} />;
  if (list.loading) return <Loading lines={10} />;
  if (rows.length === 0) return <>{empty}</>;

  const grid = [selection && '36px', ...columns.map((column) => (column.width ? `${column.width}px` : 'minmax(140px, 1fr)'))]
    .filter(Boolean)
    .join(' ');
  const width = columns.reduce((sum, column) => sum + (column.width ?? 140), selection ? 36 : 0);

  const toggle = (id: string) => {
    if (!selection) return;
    const next = new Set(selection.chosen);
    if (!next.delete(id)) next.add(id);
    selection.choose(next);
  };
  const walk = (to: number) => {
    const index = Math.max(0, Math.min(rows.length - 1, to));
    setActive(index);
    virtual.scrollToIndex(index);
    requestAnimationFrame(() => scroller.current?.querySelector<HTMLElement>(`[data-index="${index}"]`)?.focus());
  };
  const onKey = (event: KeyboardEvent) => {
    if ((event.target as HTMLElement).getAttribute('role') !== 'row') return;
    const row = rows[active];
    const steps: Record<string, () => void> = {
      ArrowDown: () => walk(active + 1),
      j: () => walk(active + 1),
      ArrowUp: () => walk(active - 1),
      k: () => walk(active - 1),
      Home: () => walk(0),
      End: () => walk(rows.length - 1),
      PageDown: () => walk(active + 15),
      PageUp: () => walk(active - 15),
      Enter: () => row && onOpen?.(row),
      ' ': () => row && toggle(row.id),
      x: () => row && toggle(row.id),
    };
    const step = steps[event.key];
    if (step && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      step();
    }
  };

  return (
    <div ref={scroller} className={classes.scroller} tabIndex={-1}>
      <div
        role="grid"
        aria-label={label}
        aria-rowcount={hasMore ? -1 : rows.length + 1}
        aria-multiselectable={selection ? true : undefined}
        onKeyDown={onKey}
        style={narrow ? undefined : { minWidth: width }}
      >
        <div role="row" aria-rowindex={1} className={classes.head} style={{ gridTemplateColumns: grid }} data-narrow={narrow || undefined}>
          {selection && (
            <div role="columnheader" className={classes.check}>
              <Checkbox
                size="xs"
                aria-label={t('common.table.all')}
                checked={selection.chosen.size > 0 && selection.chosen.size === rows.length}
                indeterminate={selection.chosen.size > 0 && selection.chosen.size < rows.length}
                onChange={(event) => selection.choose(new Set(event.currentTarget.checked ? rows.map((row) => row.id) : []))}
              />
            </div>
          )}
          {columns.map((column) => (
            <div role="columnheader" key={column.key} className={classes.cell} data-align={column.align}>
              {column.title}
            </div>
          ))}
        </div>
        <div role="rowgroup" className={classes.rows} style={{ height: virtual.getTotalSize() }}>
          {items.map((item) => {
            const row = rows[item.index]!;
            const chosen = selection?.chosen.has(row.id) ?? false;
            return (
              <div
                key={item.key}
                role="row"
                data-index={item.index}
                aria-rowindex={item.index + 2}
                aria-selected={selection ? chosen : undefined}
                aria-current={open === row.id || undefined}
                tabIndex={item.index === active ? 0 : -1}
                className={classes.row}
                style={{ gridTemplateColumns: grid, height: item.size, transform: `translateY(${item.start}px)` }}
                data-narrow={narrow || undefined}
                onFocus={() => setActive(item.index)}
                onClick={(event) => {
                  // Words being marked, and links within the row, are not the row's business.
                  if ((event.target as HTMLElement).closest('a,button,input,label') || getSelection()?.toString()) return;
                  setActive(item.index);
                  onOpen?.(row);
                }}
              >
                {selection && (
                  <div role="gridcell" className={classes.check}>
                    <Checkbox size="xs" tabIndex={-1} aria-label={t('common.table.one')} checked={chosen} onChange={() => toggle(row.id)} />
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
          })}
        </div>
      </div>
      {growing && <div className={classes.more} role="status">{t('common.loading')}</div>}
      {list.error && rows.length > 0 && <ErrorState error={list.error} retry={list.retry} />}
    </div>
  );
}
