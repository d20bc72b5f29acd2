import type { ReactNode } from 'react';
import classes from './Chart.module.css';

interface Item {
  key: string;
  name: ReactNode;
  value: number;
  text: ReactNode;
}

/** The greatest first, each as long as it is great. The values stand beside the bars, so that nothing hangs on the picture. */
export function Rank({ items, label }: { items: Item[]; label: string }) {
  const top = Math.max(...items.map((item) => Math.abs(item.value)), 0) || 1;
  return (
    <ul className={classes.rank} aria-label={label}>
      {items.map((item) => (
        <li key={item.key}>
          <span className="cut">{item.name}</span>
          <span className={classes.track} aria-hidden>
            {item.value !== 0 && (
              <span className={classes.fill} data-negative={item.value < 0 || undefined} style={{ width: `${(Math.abs(item.value) / top) * 100}%` }} />
            )}
          </span>
          <span className={classes.amount}>{item.text}</span>
        </li>
      ))}
    </ul>
  );
}
