import { Button } from '@mantine/core';
import { Children, Fragment, type ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { Growing } from '../api/records';
import { ErrorState, Loading } from '../ui/states';
import classes from './Rows.module.css';

/** A short list of things that are set up: who or what, its state, what can be done with it. */
export function Rows({ label, none, children }: { label: string; none: string; children: ReactNode }) {
  return Children.count(children) ? <ul className={classes.rows} aria-label={label}>{children}</ul> : <p className={classes.none} data-none>{none}</p>;
}

interface RowProps {
  title: ReactNode;
  /** Its state, in a word. */
  beside?: ReactNode;
  sub?: ReactNode;
  actions?: ReactNode;
}

export function Row({ title, beside, sub, actions }: RowProps) {
  return (
    <li className={classes.row}>
      <div className={classes.words}>
        <div className={classes.title}><span>{title}</span>{beside}</div>
        {sub && <div className={classes.sub}>{sub}</div>}
      </div>
      {actions && <div className={classes.actions}>{actions}</div>}
    </li>
  );
}

interface ListProps<T> {
  list: Growing<T>;
  label: string;
  none: string;
  children(row: T): ReactNode;
}

/** The same for a list that comes page by page. */
export function GrowingRows<T>({ list, label, none, children }: ListProps<T>) {
  const { t } = useTranslation();
  if (list.error && list.rows.length === 0) return <ErrorState error={list.error} retry={list.retry} />;
  if (list.loading) return <Loading lines={3} />;
  return (
    <>
      <Rows label={label} none={none}>{list.rows.map(children)}</Rows>
      {list.hasMore && <div><Button variant="default" loading={list.growing} onClick={list.grow}>{t('settings.more')}</Button></div>}
    </>
  );
}

/** Words and what they mean. */
export function Terms({ terms }: { terms: Array<{ key: string; name: ReactNode; text: ReactNode }> }) {
  return (
    <dl className={classes.terms}>
      {terms.map(({ key, name, text }) => (
        <Fragment key={key}>
          <dt>{name}</dt>
          <dd>{text}</dd>
        </Fragment>
      ))}
    </dl>
  );
}
