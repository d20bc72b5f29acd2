import type { ReactNode } from 'react';
import classes from './Tag.module.css';

export type Tone = 'gray' | 'blue' | 'green' | 'yellow' | 'red' | 'violet';

/** A word about a record's state. The colour only underlines what the word says. */
export function Tag({ tone = 'gray', children, title }: { tone?: Tone; children: ReactNode; title?: string }) {
  return (
    <span className={classes.tag} data-tone={tone} title={title}>
      {children}
    </span>
  );
}
