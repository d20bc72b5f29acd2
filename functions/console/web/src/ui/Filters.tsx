import { ActionIcon, Button, CloseButton, Menu, Select, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { IconFilter, IconX } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import classes from './Filters.module.css';
import { type Kind, RecordSelect } from './RecordSelect';
import { useView } from './view';

/** What a list can be narrowed by; `key` is the query parameter of the interface. */
export interface Filter {
  key: string;
  label: string;
  kind: 'choice' | 'text' | 'day' | 'record';
  /** What kinds of record may be chosen. */
  records?: readonly Kind[];
  options?: Array<{ value: string; label: string }>;
}

/** The values of these filters in a page's address, for the query of its list. */
export const filtersOf = (filters: Filter[], view: Record<string, string | undefined>): Record<string, string> =>
  Object.fromEntries(filters.flatMap(({ key }) => (view[key] ? [[key, view[key]]] : [])));

/** The filters in force, each with its value, and a menu of the others. */
export function Filters({ filters }: { filters: Filter[] }) {
  const { t } = useTranslation();
  const [view, change] = useView();
  const [added, setAdded] = useState<string[]>([]);
  const shown = filters.filter((filter) => view[filter.key] || added.includes(filter.key));
  const others = filters.filter((filter) => !shown.includes(filter));
  const drop = (key: string) => {
    setAdded(added.filter((other) => other !== key));
    change({ [key]: undefined });
  };
  return (
    <>
      {shown.map((filter) => (
        <div key={filter.key} className={classes.filter}>
          <span className={classes.name}>{filter.label}</span>
          {filter.kind === 'choice' ? (
            <Select
              size="xs"
              variant="unstyled"
              aria-label={filter.label}
              data={filter.options ?? []}
              value={view[filter.key] ?? null}
              defaultDropdownOpened={!view[filter.key]}
              searchable={(filter.options?.length ?? 0) > 8}
              onChange={(value) => change({ [filter.key]: value ?? undefined })}
              className={classes.value}
            />
          ) : filter.kind === 'record' ? (
            <RecordSelect
              size="xs"
              variant="unstyled"
              label={filter.label}
              hideLabel
              kinds={filter.records ?? []}
              value={view[filter.key] ?? null}
              clearable={false}
              autoFocus={!view[filter.key]}
              onChange={(id) => change({ [filter.key]: id ?? undefined })}
              className={classes.value}
            />
          ) : (
            <Typed filter={filter} value={view[filter.key] ?? ''} onValue={(value) => change({ [filter.key]: value || undefined })} />
          )}
          <CloseButton size="xs" aria-label={t('common.filters.drop', { name: filter.label })} onClick={() => drop(filter.key)} />
        </div>
      ))}
      {others.length > 0 && (
        <Menu position="bottom-start" shadow="md">
          <Menu.Target>
            <Button variant="subtle" color="gray" size="xs" leftSection={<IconFilter size={14} />}>{t('common.filters.add')}</Button>
          </Menu.Target>
          <Menu.Dropdown>
            {others.map((filter) => (
              <Menu.Item key={filter.key} onClick={() => setAdded([...added, filter.key])}>{filter.label}</Menu.Item>
            ))}
          </Menu.Dropdown>
        </Menu>
      )}
      {shown.length > 1 && (
        <ActionIcon
          variant="subtle"
          color="gray"
          aria-label={t('common.filters.clear')}
          onClick={() => {
            setAdded([]);
            change(Object.fromEntries(filters.map(({ key }) => [key, undefined])));
          }}
        >
          <IconX size={14} />
        </ActionIcon>
      )}
    </>
  );
}

/** A typed value goes to the address when the typing rests. */
function Typed({ filter, value, onValue }: { filter: Filter; value: string; onValue(value: string): void }) {
  const [text, setText] = useState(value);
  const tell = useDebouncedCallback(onValue, 350);
  return (
    <TextInput
      size="xs"
      variant="unstyled"
      type={filter.kind === 'day' ? 'date' : 'text'}
      aria-label={filter.label}
      value={text}
      autoFocus={!value}
      onChange={(event) => {
        setText(event.currentTarget.value);
        tell(event.currentTarget.value);
      }}
      className={classes.value}
    />
  );
}
