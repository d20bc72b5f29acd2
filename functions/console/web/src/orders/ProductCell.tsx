import { Autocomplete } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { answer, api } from '../api/client';
import { type Product, records } from '../api/records';
import { tellError } from '../ui/edit';

interface Found {
  id: string;
  title: string;
  subtitle: string;
}

interface Props {
  label: string;
  /** What stands above it where there is no row of headings. */
  heading: string;
  value: string;
  onText(text: string): void;
  onProduct(product: Product): void;
  cell: { 'data-row': number; 'data-column': string };
  error?: boolean;
}

/** A product found by its words or number. What is typed stays as a number of its own when no product is chosen. */
export function ProductCell({ label, heading, value, onText, onProduct, cell, error }: Props) {
  const [open, setOpen] = useState(false);
  const [words] = useDebouncedValue(value.trim().slice(0, 200), 150);
  const found = useQuery({
    queryKey: ['search', 'product', words],
    queryFn: () => (words ? search(words) : newest()),
    enabled: open,
    placeholderData: (before) => before,
  });
  const latest = useRef<string>(undefined);
  useEffect(() => {
    latest.current = value.trim();
    return () => { latest.current = undefined; };
  }, [value]);
  const rows = new Map(open ? (found.data ?? []).map((row) => [row.id, row]) : []);
  const choose = async (id: string) => {
    try {
      onProduct(await records.get('products', id));
    } catch (failure) {
      tellError(failure);
    }
  };
  return (
    <Autocomplete
      {...cell}
      label={heading}
      aria-label={label}
      size="xs"
      variant="unstyled"
      error={error}
      value={value}
      onChange={onText}
      data={[...rows.values()].map(({ id, title }) => ({ value: id, label: title }))}
      // The service has found them already.
      filter={({ options }) => options}
      onOptionSubmit={(id) => void choose(id)}
      onDropdownOpen={() => setOpen(true)}
      onDropdownClose={() => setOpen(false)}
      onFocus={(event) => event.currentTarget.select()}
      onKeyDown={(event) => {
        const typed = value.trim();
        // Enter takes the first that fits, unless the arrows chose another.
        if (event.key !== 'Enter' || !open || !typed || event.currentTarget.getAttribute('aria-activedescendant')) return;
        if (found.isPlaceholderData || found.isPending || words !== typed) {
          // A fast typist, or a scanner, is ahead of the search and goes on: only a number that is exactly so is filled in then.
          void productsBySku([typed]).then((products) => {
            const product = products.get(typed);
            if (product && latest.current === typed) onProduct(product);
          }, tellError);
          return;
        }
        const first = (found.data ?? [])[0];
        if (!first) return;
        event.preventDefault();
        void choose(first.id);
      }}
      maxDropdownHeight={260}
      comboboxProps={{ width: 320, position: 'bottom-start' }}
      renderOption={({ option }) => (
        <div style={{ minWidth: 0 }}>
          <div className="cut">{rows.get(option.value)?.title}</div>
          <div className="label cut">{rows.get(option.value)?.subtitle}</div>
        </div>
      )}
    />
  );
}

async function search(words: string): Promise<Found[]> {
  return (await answer(api.GET('/v1/search', { params: { query: { q: words, kinds: 'product', limit: 8 } } }))).data ?? [];
}

async function newest(): Promise<Found[]> {
  const page = await records.page('products', { active: 'true', limit: 8 });
  return page.data.map(({ id, name, sku, category }) => ({ id, title: name, subtitle: [sku, category].filter(Boolean).join(' · ') }));
}

/** The products with these numbers, as far as there are any. */
export async function productsBySku(skus: string[]): Promise<Map<string, Product>> {
  const wanted = [...new Set(skus)].slice(0, 100);
  const pages = await Promise.all(wanted.map((sku) => records.page('products', { sku, limit: 1 })));
  return new Map(wanted.flatMap((sku, at) => (pages[at]!.data[0] ? [[sku, pages[at]!.data[0]]] : [])));
}
