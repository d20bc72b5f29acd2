import { ActionIcon, Button, TextInput } from '@mantine/core';
import { IconPlus, IconX } from '@tabler/icons-react';
import { type ClipboardEvent, type KeyboardEvent, useLayoutEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import type { Product } from '../api/records';
import { tellError } from '../ui/edit';
import { useFormats } from '../ui/format';
import classes from './LineGrid.module.css';
import { ProductCell, productsBySku } from './ProductCell';
import { cellsOf, type Column, COLUMNS, emptyLine, isEmpty, type LineDraft, paste, plain, type Totals } from './totals';

interface Props {
  lines: LineDraft[];
  /** A change of the lines as they are by then: a product may be looked up meanwhile. */
  onLines(change: (lines: LineDraft[]) => LineDraft[]): void;
  sums: Totals;
  currency: string;
  /** What the service found wrong, by line and column. */
  faults: Record<string, string>;
  /** Whether faults of lines not yet typed to the end are shown. */
  strict: boolean;
}

/** The lines of an order, typed as in a spreadsheet. */
export function LineGrid({ lines, onLines, sums, currency, faults, strict }: Props) {
  const { t } = useTranslation();
  const format = useFormats();
  const grid = useRef<HTMLDivElement>(null);
  // A new line is taxed as the one before it.
  const tax = lines.at(-1)?.tax ?? '';

  // A cell that is about to be drawn gets the keys once it is; what is typed next must not miss it.
  const wanted = useRef<[number, string]>(null);
  const focus = (row: number, column: string) =>
    grid.current?.querySelector<HTMLInputElement>(`[data-row="${row}"][data-column="${column}"]`)?.focus();
  useLayoutEffect(() => {
    if (wanted.current) focus(...wanted.current);
    wanted.current = null;
  }, [lines]);
  const change = (key: string, over: Partial<LineDraft>) =>
    onLines((lines) => lines.map((line) => (line.key === key ? { ...line, ...over } : line)));
  const add = () => {
    onLines((lines) => [...lines, emptyLine(tax)]);
    wanted.current = [lines.length, 'sku'];
  };
  const remove = (row: number) => {
    onLines((lines) => (lines.length > 1 ? lines.filter((_, at) => at !== row) : [emptyLine(lines[0]?.tax)]));
    wanted.current = [Math.max(0, row - 1), 'sku'];
  };
  const take = (line: LineDraft, product: Product): LineDraft => ({
    ...line,
    product_id: product.id,
    sku: product.sku ?? product.name,
    name: product.name,
    price: product.price?.currency === currency ? product.price.amount : line.product_id ? '' : line.price,
    cost: undefined,
  });

  const onKey = (event: KeyboardEvent<HTMLDivElement>) => {
    const { row: at, column } = (event.target as HTMLElement).dataset;
    // A list of choices that is open has the keys first.
    if (!at || !column || event.defaultPrevented || event.nativeEvent.isComposing) return;
    const row = Number(at);
    const open = (event.target as HTMLElement).getAttribute('aria-expanded') === 'true';
    const place = COLUMNS.indexOf(column as Column);
    const does = (step: () => void) => {
      event.preventDefault();
      step();
    };
    if (event.key === 'Enter' && !event.ctrlKey && !event.metaKey) {
      does(() => {
        if (place < COLUMNS.length - 1) focus(row, COLUMNS[place + 1]!);
        else if (row < lines.length - 1) focus(row + 1, COLUMNS[0]);
        else if (!isEmpty(lines[row]!)) add();
      });
    } else if (event.key === 'Backspace' && (event.ctrlKey || event.metaKey)) does(() => remove(row));
    else if (event.key === 'ArrowDown' && !open && row < lines.length - 1) does(() => focus(row + 1, column));
    else if (event.key === 'ArrowUp' && !open && row > 0) does(() => focus(row - 1, column));
  };

  const onPaste = async (event: ClipboardEvent<HTMLDivElement>) => {
    const { row, column } = (event.target as HTMLElement).dataset;
    const text = event.clipboardData.getData('text/plain');
    if (!row || !column || !/[\t\n]./.test(text)) return;
    event.preventDefault();
    const cells = cellsOf(text);
    onLines((lines) => paste(lines, cells, Number(row), column as Column, tax).slice(0, 500));
    if (column !== 'sku') return;
    try {
      const found = await productsBySku(cells.flatMap(([sku]) => (sku ? [sku] : [])));
      onLines((lines) =>
        lines.map((line) => {
          const product = line.product_id ? undefined : found.get(line.sku);
          if (!product) return line;
          const taken = take(line, product);
          return { ...taken, name: line.name || taken.name, price: line.price || taken.price };
        }),
      );
    } catch (error) {
      tellError(error);
    }
  };

  const columns = { sku: t('orders.grid.product'), name: t('orders.grid.name'), quantity: t('orders.grid.quantity'), price: t('orders.grid.price'), discount: t('orders.grid.discount'), tax: t('orders.grid.tax') };
  return (
    <div>
      <div ref={grid} className={classes.grid} role="group" aria-label={t('orders.lines')} onKeyDown={onKey} onPaste={(event) => void onPaste(event)}>
        <div className={classes.head} aria-hidden>
          {COLUMNS.map((column) => <div key={column} data-column={column}>{columns[column]}</div>)}
          <div data-column="amount">{t('orders.grid.amount')}</div>
          <div />
        </div>
        {lines.map((line, row) => {
          const sum = sums.lines[row]!;
          const wrong = (column: Column) =>
            Boolean(faults[`${row}.${column}`]) || ((strict || !isEmpty(line)) && column !== 'sku' && sum.faults.includes(column) && (strict || line[column].trim() !== ''));
          const label = (column: Column) => t('orders.grid.cell', { name: columns[column], row: row + 1 });
          const cell = (column: Column) => ({ 'data-row': row, 'data-column': column });
          return (
            <div key={line.key} className={classes.line} role="group" aria-label={t('orders.grid.line', { row: row + 1 })}>
              <ProductCell
                label={label('sku')}
                heading={columns.sku}
                value={line.sku}
                cell={cell('sku')}
                error={wrong('sku')}
                onText={(text) => change(line.key, text === line.sku ? {} : { sku: text, product_id: undefined, cost: undefined })}
                onProduct={(product) => {
                  onLines((lines) => lines.map((other) => (other.key === line.key ? take(other, product) : other)));
                  focus(row, 'quantity');
                }}
              />
              {COLUMNS.slice(1).map((column) => (
                <TextInput
                  key={column}
                  {...cell(column)}
                  size="xs"
                  variant="unstyled"
                  label={columns[column]}
                  aria-label={label(column)}
                  error={wrong(column)}
                  maxLength={column === 'name' ? 300 : 30}
                  inputMode={column === 'name' ? undefined : 'decimal'}
                  placeholder={column === 'tax' ? '%' : undefined}
                  value={line[column]}
                  onFocus={(event) => column !== 'name' && event.currentTarget.select()}
                  onChange={(event) => change(line.key, { [column]: event.currentTarget.value })}
                />
              ))}
              <output className={classes.amount} aria-label={t('orders.grid.cell', { name: t('orders.grid.amount'), row: row + 1 })}>
                {isEmpty(line) ? '' : format.money({ amount: plain(sum.amount, sums.digits), currency })}
              </output>
              <ActionIcon variant="subtle" color="gray" size="sm" tabIndex={-1} className={classes.remove} aria-label={t('orders.grid.remove', { row: row + 1 })} onClick={() => remove(row)}>
                <IconX size={14} />
              </ActionIcon>
            </div>
          );
        })}
      </div>
      <div className={classes.foot}>
        <Button variant="subtle" size="xs" leftSection={<IconPlus size={14} />} onClick={add} disabled={lines.length >= 500}>{t('orders.grid.add')}</Button>
        <span className={`label ${classes.hint}`}>{t('orders.grid.hint')}</span>
      </div>
    </div>
  );
}

