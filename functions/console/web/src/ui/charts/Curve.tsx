import classes from './Chart.module.css';
import { Plot } from './Plot';
import { path } from './scale';

interface Point {
  name: string;
  /** The part of customers up to this one, and the part of sales they make. */
  customers: number;
  sales: number;
}

interface Props {
  label: string;
  points: Point[];
  percent(share: number): string;
  /** The parts of sales at which grades part. */
  cuts: number[];
  tip(point: Point): string;
  onPick?(index: number): void;
  height?: number;
}

/** How much of the sales how many customers make: the pareto curve, with the cuts between grades. */
export function Curve({ label, points, percent, cuts, tip, onPick, height }: Props) {
  // The places where round fifths are reached.
  const fifths = Array.from({ length: 5 }, (_, fifth) => points.findIndex((point) => point.customers >= (fifth + 1) / 5 - 1e-9));
  return (
    <Plot
      label={label}
      names={points.map((point) => percent(Math.floor(point.customers * 5 + 1e-9) / 5))}
      written={new Set(fifths)}
      low={0}
      high={1}
      tick={percent}
      onPick={onPick}
      height={height}
      tip={(index) => (
        <>
          <strong>{points[index]!.name}</strong>
          {tip(points[index]!)}
        </>
      )}
    >
      {({ x, y, step }) => {
        const start = x(0) - step / 2;
        const places = [[start, y(0)] as const, ...points.map((point, index) => [x(index) + step / 2, y(point.sales)] as const)];
        const end = x(points.length - 1) + step / 2;
        return (
          <>
            <path className={classes.area} d={`${path(places)}L${end} ${y(0)}Z`} />
            <path className={classes.line} d={path(places)} />
            <line className={classes.mark} x1={start} y1={y(0)} x2={end} y2={y(1)} />
            {cuts.map((cut) => {
              const at = points.findIndex((point) => point.sales >= cut - 1e-9);
              if (at < 0) return null;
              const right = x(at) + step / 2;
              return (
                <g key={cut}>
                  <path className={classes.mark} fill="none" d={`M${start} ${y(cut)}L${right} ${y(cut)}L${right} ${y(0)}`} />
                  <circle className={classes.dot} cx={right} cy={y(points[at]!.sales)} r={4.5} />
                </g>
              );
            })}
          </>
        );
      }}
    </Plot>
  );
}
