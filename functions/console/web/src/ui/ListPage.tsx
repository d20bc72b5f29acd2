import { ActionIcon, Button, Checkbox, Popover, Stack } from '@mantine/core';
import { useLocalStorage, useMediaQuery } from '@mantine/hooks';
import { IconColumns3, IconX } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { type ReactNode, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Growing } from '../api/records';
import { type Column, DataTable } from './DataTable';
import { type Filter, Filters } from './Filters';
import classes from './ListPage.module.css';
import { Page } from './Page';
import { SideDrawer } from './SideDrawer';
import { Views } from './Views';
import { useView } from './view';

interface Props<T extends { id: string }> {
  /** The noun: under it the reader's columns and views are kept. */
  name: string;
  title: string;
  columns: Column<T>[];
  list: Growing<T>;
  filters?: Filter[];
  actions?: ReactNode;
  /** Views that everybody needs, before the reader's own. */
  ready?: ReactNode;
  /** Another way to see the same records, such as a board. */
  switcher?: ReactNode;
  phone(row: T): ReactNode;
  empty: ReactNode;
  /** What opens beside the list; `to` is the record's own page. */
  panel?(id: string): { content: ReactNode; to: string };
  /** What can be done with all chosen rows. */
  bulk?(ids: string[], done: () => void): ReactNode;
}

/** A list of records: filters, columns and views of the reader's choice, a panel beside it, and work on many at once. */
export function ListPage<T extends { id: string }>(props: Props<T>) {
  const { t } = useTranslation();
  const [view, change] = useView();
  const [chosen, choose] = useState<ReadonlySet<string>>(new Set());
  const wide = useMediaQuery('(min-width: 75em)', true, { getInitialValueInEffect: false });
  const [columns, setColumns] = useLocalStorage<string[]>({
    key: `rapport.columns.${props.name}`,
    defaultValue: props.columns.filter((column) => !column.optional).map((column) => column.key),
    getInitialValueInEffect: false,
  });
  const shown = useMemo(
    () => props.columns.filter((column, index) => index === 0 || columns.includes(column.key)),
    [props.columns, columns],
  );
  const ids = useMemo(() => [...chosen], [chosen]);
  const close = () => change({ open: undefined });
  const panel = view.open && props.panel ? props.panel(view.open) : null;
  const content = panel && (
    <>
      <div className={classes.panelHead}>
        <Button component={Link} to={panel.to} variant="default" size="xs">{t('common.panel.full')}</Button>
        <ActionIcon variant="subtle" color="gray" aria-label={t('common.close')} onClick={close} ml="auto"><IconX size={18} /></ActionIcon>
      </div>
      <div className={classes.panelBody}>{panel.content}</div>
    </>
  );

  return (
    <Page
      fixed
      title={props.title}
      actions={props.actions}
      below={
        <>
          {props.ready}
          <Views name={props.name} />
          {props.filters && <Filters filters={props.filters} />}
          <span className={classes.space} />
          {props.switcher}
          <Popover position="bottom-end" shadow="md" trapFocus>
            <Popover.Target>
              <ActionIcon variant="default" size="md" aria-label={t('common.table.columns')} className={classes.columns}><IconColumns3 size={16} /></ActionIcon>
            </Popover.Target>
            <Popover.Dropdown>
              <Stack gap="xs">
                {props.columns.slice(1).map((column) => (
                  <Checkbox
                    key={column.key}
                    size="xs"
                    label={column.title}
                    checked={columns.includes(column.key)}
                    onChange={(event) =>
                      setColumns(event.currentTarget.checked ? [...columns, column.key] : columns.filter((key) => key !== column.key))
                    }
                  />
                ))}
              </Stack>
            </Popover.Dropdown>
          </Popover>
        </>
      }
    >
      <div className={classes.split}>
        <div className={classes.list}>
          <DataTable
            label={props.title}
            columns={shown}
            list={props.list}
            open={view.open}
            onOpen={props.panel && ((row) => change({ open: row.id }, { push: !view.open }))}
            phone={props.phone}
            empty={props.empty}
            selection={props.bulk && { chosen, choose }}
          />
          {props.bulk && chosen.size > 0 && (
            <div className={classes.bulk} role="toolbar" aria-label={t('common.bulk.label')}>
              <span>{t('common.bulk.count', { count: chosen.size })}</span>
              {props.bulk(ids, () => choose(new Set()))}
              <ActionIcon variant="subtle" color="gray" aria-label={t('common.bulk.clear')} onClick={() => choose(new Set())}><IconX size={16} /></ActionIcon>
            </div>
          )}
        </div>
        {panel && wide && (
          <aside className={classes.panel} aria-label={t('common.panel.label')} onKeyDown={(event) => event.key === 'Escape' && close()}>
            {content}
          </aside>
        )}
      </div>
      {panel && !wide && (
        <SideDrawer label={t('common.panel.label')} opened onClose={close} size="min(480px, 100vw)">
          {content}
        </SideDrawer>
      )}
    </Page>
  );
}
