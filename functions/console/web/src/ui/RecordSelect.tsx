import { Select, type SelectProps } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { type KeyboardEvent, useEffect, useEffectEvent, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { answer, api } from '../api/client';
import { keys, type Meta, type Noun, records } from '../api/records';

/** The kinds of record that the search knows, and where each lies. */
const NOUNS = {
  contact: 'contacts',
  company: 'companies',
  lead: 'leads',
  order: 'orders',
  product: 'products',
  ticket: 'tickets',
} as const satisfies Record<string, Noun>;
export type Kind = keyof typeof NOUNS;

const PREFIXES: Record<string, Noun> = {
  con: 'contacts', com: 'companies', lead: 'leads', ord: 'orders', prd: 'products', tkt: 'tickets',
};

interface Found {
  id: string;
  title: string;
  subtitle?: string;
}

interface Props
  extends Pick<
    SelectProps,
    'variant' | 'error' | 'description' | 'placeholder' | 'required' | 'clearable' | 'size' | 'autoFocus' | 'disabled' | 'className' | 'onBlur' | 'onKeyDown' | 'onDropdownClose' | 'defaultDropdownOpened'
  > {
  kinds: readonly Kind[];
  /** The id of the record that is chosen. */
  value: string | null | undefined;
  onChange(id: string | null, title: string): void;
  label: string;
  /** The label is said, but not drawn: where a field's name stands beside it. */
  hideLabel?: boolean;
  /** Records that make no sense here, such as the one itself. */
  without?: readonly string[];
}

/** Chooses a record by typing words of it. Before anything is typed, the newest are offered. */
export function RecordSelect({ kinds, value, onChange, label, hideLabel, without = [], clearable = true, ...input }: Props) {
  const { t } = useTranslation();
  const [text, setText] = useState('');
  const [open, setOpen] = useState(Boolean(input.defaultDropdownOpened));
  const [hurried, setHurried] = useState(false);
  const chosen = useTitle(value);
  // The field shows the title of what is chosen: that is no search.
  const typed = text.trim().slice(0, 200);
  const [words] = useDebouncedValue(typed === chosen?.title ? '' : typed, 150);
  const found = useQuery({
    queryKey: ['search', kinds.join(), words],
    queryFn: () => (words ? search(kinds, words) : newest(kinds[0]!)),
    enabled: open,
    placeholderData: (before) => before,
  });
  const options = (found.data ?? []).filter(({ id }) => id !== value && !without.includes(id));
  const offered = chosen && (!words || options.length === 0) ? [chosen, ...options] : options;
  const shown = chosen && !offered.includes(chosen) ? [...offered, chosen] : offered;
  // Enter takes the first that was found, also when it comes before the answer.
  const settled = words === typed && !found.isPlaceholderData && !found.isFetching;
  const takeFirst = useEffectEvent(() => {
    setHurried(false);
    if (options[0]) onChange(options[0].id, options[0].title);
  });
  useEffect(() => {
    if (hurried && settled) takeFirst();
  }, [hurried, settled]);
  // Caught before the list hears of it, which would take what it had marked among the former results.
  const onKeyDownCapture = (event: KeyboardEvent<HTMLInputElement>) => {
    const marked = event.currentTarget.getAttribute('aria-activedescendant');
    if (event.key !== 'Enter' || event.nativeEvent.isComposing || !typed || typed === chosen?.title || (marked && settled)) return;
    event.preventDefault();
    event.stopPropagation();
    setHurried(true);
  };
  const subtitles = new Map(shown.map((record) => [record.id, record.subtitle]));
  return (
    <Select
      {...input}
      {...(hideLabel ? { 'aria-label': label } : { label })}
      data={shown.map(({ id, title }) => ({ value: id, label: title }))}
      onKeyDownCapture={onKeyDownCapture}
      value={value || null}
      onChange={(id, option) => onChange(id, id ? (option?.label ?? '') : '')}
      searchable
      clearable={clearable && Boolean(value)}
      allowDeselect={false}
      clearButtonProps={{ 'aria-label': t('common.select.clear', { name: label }) }}
      searchValue={text}
      onSearchChange={setText}
      onFocus={(event) => event.currentTarget.select()}
      onDropdownOpen={() => setOpen(true)}
      // The service has found them already, by other words than those of the title too.
      filter={({ options }) => options}
      limit={30}
      maxDropdownHeight={280}
      selectFirstOptionOnChange
      nothingFoundMessage={found.isFetching ? t('common.loading') : found.isError ? t('common.failed.title') : t('common.palette.none')}
      renderOption={({ option }) => (
        <div style={{ minWidth: 0 }}>
          <div className="cut">{option.label}</div>
          {subtitles.get(option.value) && <div className="label cut">{subtitles.get(option.value)}</div>}
        </div>
      )}
    />
  );
}

async function search(kinds: readonly Kind[], words: string): Promise<Found[]> {
  return (await answer(api.GET('/v1/search', { params: { query: { q: words, kinds: kinds.join(), limit: 20 } } }))).data ?? [];
}

async function newest(kind: Kind): Promise<Found[]> {
  const page = await records.page(NOUNS[kind], { limit: 10 });
  return page.data.map((record) => ({ id: record.id, title: titleOf(record) }));
}

/** What a record is called in a sentence: its name, its number and subject, or how to reach it. */
export function titleOf(record: Meta): string {
  const { name, number, subject, company_name, email, phone } = record as unknown as Record<string, string | number | undefined>;
  return String(name ?? ([number && `#${number}`, subject].filter(Boolean).join(' ') || (company_name ?? email ?? phone ?? record.id)));
}

/** The title of the record with this id, of whatever kind. */
export function useTitle(id: string | null | undefined): Found | undefined {
  const noun = PREFIXES[id?.split('_')[0] ?? ''];
  const record = useQuery({
    queryKey: keys.record(noun ?? '', id ?? ''),
    queryFn: ({ signal }) => records.get(noun!, id!, {}, signal),
    enabled: Boolean(noun && id),
  });
  return id && record.data ? { id, title: titleOf(record.data as Meta) } : id ? { id, title: '' } : undefined;
}
