import classes from './Chart.module.css';
import { Legend, Plot } from './Plot';

export interface Column {
  /** Below the axis. */
  name: string;
  /** In full, where the name is short. */
  title?: string;
  value: number;
  text: string;
  /** What went the other way in the same time: drawn below the axis. */
  less?: number;
  lessText?: string;
  /** This time is not over yet. */
  open?: boolean;
}

interface Props {
  label: string;
  columns: Column[];
  tick(value: number): string;
  /** The names of the columns above and below the axis, where there are both. */
  legend?: [string, string];
  onPick?(index: number): void;
  whole?: boolean;
  height?: number;
}

/** One column for each time. */
export function Columns({ label, columns, tick, legend, onPick, whole, height }: Props) {
  const low = Math.min(0, ...columns.map((column) => Math.min(column.value, -(column.less ?? 0))));
  const high = Math.max(0, ...columns.map((column) => column.value));
  return (
    <>
      <Plot
        label={label}
        names={columns.map((column) => column.name)}
        low={low}
        high={high}
        tick={tick}
        onPick={onPick}
        height={height}
        whole={whole}
        tip={(index) => {
          const column = columns[index]!;
          return (
            <>
              <strong>{column.title ?? column.name}</strong>
              {legend ? `${legend[0]} ${column.text} · ${legend[1]} ${column.lessText}` : column.text}
            </>
          );
        }}
      >
        {({ x, y, step }) => {
          const width = Math.max(Math.min(step * 0.66, 44), 1);
          const column = (index: number, value: number, kind: string) => (
            <rect
              className={`${kind} ${columns[index]!.open ? classes.open : ''}`}
              x={x(index) - width / 2}
              y={Math.min(y(value), y(0))}
              width={width}
              height={Math.abs(y(value) - y(0))}
              rx={Math.min(2, width / 4)}
            />
          );
          return columns.map(({ value, less }, index) => (
            <g key={index}>
              {column(index, value, value < 0 ? classes.down! : classes.bar!)}
              {less ? column(index, -less, classes.down!) : null}
            </g>
          ));
        }}
      </Plot>
      {legend && <Legend items={[['bar', legend[0]], ['down', legend[1]]]} />}
    </>
  );
}
