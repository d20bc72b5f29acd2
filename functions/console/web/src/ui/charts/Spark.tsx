import classes from './Chart.module.css';

interface Props {
  values: number[];
  /** The same in words, for those who do not see it. */
  label: string;
  /** The last value's time is not over yet. */
  open?: boolean;
}

/** A series at a glance, as small columns. */
export function Spark({ values, label, open }: Props) {
  const top = Math.max(...values, 0) || 1;
  return (
    <svg className={classes.spark} viewBox={`0 0 ${values.length * 10} 28`} preserveAspectRatio="none" role="img" aria-label={label}>
      {values.map((value, index) => {
        const height = Math.max((Math.max(value, 0) / top) * 28, 1);
        return (
          <rect
            key={index}
            className={`${classes.bar} ${open && index === values.length - 1 ? classes.open : ''}`}
            x={index * 10 + 1}
            y={28 - height}
            width={8}
            height={height}
          />
        );
      })}
    </svg>
  );
}
