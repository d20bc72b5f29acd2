import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { ErrorState, Loading } from '../ui/states';
import classes from './Today.module.css';

interface Props {
  title: string;
  /** How many there are; `more` when there may be more than were read. */
  count: number | undefined;
  more?: boolean;
  /** The list that holds all of them. */
  to: string;
  search?: Record<string, string>;
  loading: boolean;
  error?: Error | null;
  retry?(): void;
  /** A word of calm, where there is nothing to do. */
  calm: string;
  children: ReactNode;
}

/** One kind of thing that needs doing: how many, the first of them, and the way to all. */
export function Section({ title, count, more, to, search, loading, error, retry, calm, children }: Props) {
  const { t } = useTranslation();
  return (
    <section className={classes.section}>
      <div className={classes.sectionHead}>
        <h2>{title}</h2>
        {count !== undefined && count > 0 && <span className={classes.count}>{count}{more && '+'}</span>}
        {count !== undefined && count > 0 && (
          <Link to={to as string} search={(search ?? {}) as never} className={classes.all}>{t('today.all')}</Link>
        )}
      </div>
      {error ? (
        <ErrorState error={error} retry={retry} />
      ) : loading ? (
        <Loading lines={2} />
      ) : count ? (
        <ul className={classes.rows}>{children}</ul>
      ) : (
        <p className={classes.calm}>{calm}</p>
      )}
    </section>
  );
}

interface RowProps {
  to: string;
  search?: Record<string, string>;
  name: ReactNode;
  about: ReactNode;
  end: ReactNode;
}

/** One record to see to. The whole row leads to it. */
export function Row({ to, search, name, about, end }: RowProps) {
  return (
    <li>
      <Link to={to as string} search={(search ?? {}) as never} className={classes.row}>
        <span className={`${classes.name} cut`}>{name}</span>
        <span className={`${classes.about} cut`}>{about}</span>
        <span className={classes.end}>{end}</span>
      </Link>
    </li>
  );
}
