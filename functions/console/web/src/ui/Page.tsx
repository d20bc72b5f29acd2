import { useDocumentTitle } from '@mantine/hooks';
import type { ReactNode } from 'react';
import classes from './Page.module.css';

interface Props {
  title: string;
  /** Before the title: where the page lies, as links. */
  above?: ReactNode;
  /** Beside the title: a count, a state. */
  beside?: ReactNode;
  actions?: ReactNode;
  /** Below the title: filters, tabs. */
  below?: ReactNode;
  /** The content fills the window and scrolls by itself. */
  fixed?: boolean;
  /** Text and forms are easier to read in a narrow column. */
  narrow?: boolean;
  children: ReactNode;
}

/** A page: its title, what can be done, and its content. */
export function Page({ title, above, beside, actions, below, fixed, narrow, children }: Props) {
  useDocumentTitle(`${title} · Rapport`);
  return (
    <div className={classes.page} data-fixed={fixed || undefined}>
      <header className={classes.head}>
        <div className={classes.line}>
          {above}
          <h1 className={classes.title}>{title}</h1>
          {beside && <div className={classes.beside}>{beside}</div>}
          {actions && <div className={`${classes.actions} no-print`}>{actions}</div>}
        </div>
        {below && <div className={`${classes.below} no-print`}>{below}</div>}
      </header>
      <div className={classes.body} data-narrow={narrow || undefined}>{children}</div>
    </div>
  );
}
