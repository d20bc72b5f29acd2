import { useElementSize } from '@mantine/hooks';
import { type ReactNode, useState } from 'react';
import classes from './Chart.module.css';
import { spread, ticks } from './scale';

export interface Geometry {
  /** The middle of the place of a name. */
  x(index: number): number;
  y(value: number): number;
  /** How wide the place of a name is. */
  step: number;
}

interface Props {
  /** What is seen, for those who do not see it; the values themselves stand in a table beside it. */
  label: string;
  names: string[];
  low: number;
  high: number;
  tick(value: number): string;
  /** What is said of the place under the pointer. */
  tip(index: number): ReactNode;
  onPick?(index: number): void;
  /** Which names are written; without, as many as there is room for. */
  written?: ReadonlySet<number>;
  /** The values are counts. */
  whole?: boolean;
  height?: number;
  children(geometry: Geometry): ReactNode;
}

const BELOW = 20;
const ABOVE = 8;

/** An axis of values, names below, and whatever is drawn between. */
export function Plot({ label, names, low, high, tick, tip, onPick, written, whole, height = 220, children }: Props) {
  const { ref, width } = useElementSize();
  const [over, setOver] = useState<number | null>(null);
  const marks = ticks(Math.min(low, 0), Math.max(high, 0), whole);
  const [bottom, top] = [marks[0]!, marks.at(-1)!];
  const left = Math.max(...marks.map((mark) => tick(mark).length)) * 6.4 + 10;
  const inner = Math.max(width - left, 1);
  const step = inner / Math.max(names.length, 1);
  const geometry: Geometry = {
    x: (index) => left + step * (index + 0.5),
    y: (value) => ABOVE + (height - ABOVE - BELOW) * (1 - (value - bottom) / (top - bottom)),
    step,
  };
  const shown = written ?? spread(names.length, Math.floor(inner / (Math.max(...names.map((name) => name.length), 4) * 6.6 + 14)));
  return (
    <div ref={ref} className={classes.plot} onMouseLeave={() => setOver(null)}>
      {width > 0 && (
        <svg height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label}>
          {marks.map((mark) => (
            <g key={mark}>
              <line className={mark === 0 ? classes.zero : classes.grid} x1={left} x2={width} y1={geometry.y(mark)} y2={geometry.y(mark)} />
              <text className={classes.name} x={left - 8} y={geometry.y(mark) + 4} textAnchor="end">{tick(mark)}</text>
            </g>
          ))}
          {children(geometry)}
          {names.map((name, index) => (
            <g key={index}>
              {shown.has(index) && (
                <text className={classes.name} x={Math.min(geometry.x(index), width - name.length * 3.2)} y={height - 4} textAnchor="middle">{name}</text>
              )}
              <rect
                className={classes.over}
                data-pick={onPick ? '' : undefined}
                x={left + step * index}
                y={ABOVE}
                width={step}
                height={height - BELOW - ABOVE}
                onMouseEnter={() => setOver(index)}
                onClick={() => onPick?.(index)}
              />
            </g>
          ))}
        </svg>
      )}
      {over !== null && over < names.length && (
        <div className={classes.tip} style={geometry.x(over) > width * 0.6 ? { right: width - geometry.x(over) + 10 } : { left: geometry.x(over) + 10 }}>
          {tip(over)}
        </div>
      )}
    </div>
  );
}

export type Swatch = 'bar' | 'down' | 'line' | 'future' | 'other' | 'band';

export function Legend({ items }: { items: Array<[Swatch, string]> }) {
  return (
    <ul className={classes.legend}>
      {items.map(([kind, name]) => (
        <li key={kind}>
          <span className={classes.swatch} data-kind={kind} />
          {name}
        </li>
      ))}
    </ul>
  );
}
