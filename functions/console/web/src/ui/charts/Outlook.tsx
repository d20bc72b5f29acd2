import classes from './Chart.module.css';
import { Legend, Plot } from './Plot';
import { path } from './scale';

export interface Step {
  name: string;
  past?: number;
  forecast?: number;
  low?: number;
  high?: number;
  naive?: number;
  text: string;
}

interface Props {
  label: string;
  steps: Step[];
  tick(value: number): string;
  words: { past: string; forecast: string; band: string; naive: string };
  onPick?(index: number): void;
  height?: number;
}

/** What was, what is expected, and how far off that may be. */
export function Outlook({ label, steps, tick, words, onPick, height }: Props) {
  const all = steps.flatMap((step) => [step.past, step.high, step.forecast, step.naive].filter((value) => value !== undefined));
  return (
    <>
      <Plot
        label={label}
        names={steps.map((step) => step.name)}
        low={0}
        high={Math.max(...all, 0)}
        tick={tick}
        onPick={onPick}
        height={height}
        tip={(index) => (
          <>
            <strong>{steps[index]!.name}</strong>
            {steps[index]!.text}
          </>
        )}
      >
        {({ x, y }) => {
          const last = steps.findLastIndex((step) => step.past !== undefined);
          const line = (value: (step: Step) => number | undefined, joined = false) =>
            path(
              steps.map((step, index) => {
                const at = joined && index === last ? step.past : value(step);
                return at === undefined ? null : ([x(index), y(at)] as const);
              }),
            );
          const edge = (value: (step: Step) => number | undefined) =>
            steps.flatMap((step, index) => {
              const at = index === last ? step.past : value(step);
              return at === undefined ? [] : [[x(index), y(Math.max(at, 0))] as const];
            });
          const band = [...edge((step) => step.high), ...edge((step) => step.low).reverse()];
          return (
            <>
              {band.length > 2 && <path className={classes.band} d={`${path(band)}Z`} />}
              <path className={classes.other} d={line((step) => step.naive)} />
              <path className={classes.line} d={line((step) => step.past)} />
              <path className={classes.future} d={line((step) => step.forecast, true)} />
            </>
          );
        }}
      </Plot>
      <Legend items={[['line', words.past], ['future', words.forecast], ['band', words.band], ['other', words.naive]]} />
    </>
  );
}
