/** Inputs for figures that the service keeps in one unit and people say in another. */
import { NumberInput, Select } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { minutesOf, type Span, spanOf } from './clock';
import classes from './inputs.module.css';

interface ShareProps {
  label: ReactNode;
  description?: ReactNode;
  'aria-label'?: string;
  /** Between 0 and 1. */
  value: number;
  onChange(value: number): void;
  error?: ReactNode;
}

/** A share of a whole, typed in percent. */
export function Percent({ value, onChange, ...input }: ShareProps) {
  return (
    <NumberInput
      {...input}
      inputWrapperOrder={['label', 'input', 'description', 'error']}
      min={0}
      max={100}
      decimalScale={2}
      hideControls
      rightSection={<span className="label">%</span>}
      value={Math.round(value * 10_000) / 100}
      onChange={(next) => onChange(Math.round(Number(next) * 100) / 10_000)}
    />
  );
}

interface DurationProps {
  label: string;
  /** Shown above the input; else only heard. */
  labelled?: boolean;
  units: Span[];
  /** In minutes. */
  value: number;
  onChange(minutes: number): void;
  error?: ReactNode;
}

/** A length of time, in the unit that fits. */
export function Duration({ label, labelled, units, value, onChange, error }: DurationProps) {
  const { t } = useTranslation();
  const [unit, setUnit] = useState<Span>(() => spanOf(value, units).unit);
  // A value that came from elsewhere may not be whole in the unit chosen here.
  const shown = minutesOf(Math.round(value / minutesOf(1, unit)), unit) === value ? unit : spanOf(value, units).unit;
  return (
    <div className={classes.duration}>
      <NumberInput
        label={labelled ? label : undefined}
        aria-label={labelled ? undefined : label}
        min={0}
        allowDecimal={false}
        hideControls
        error={error}
        className={classes.count}
        value={value / minutesOf(1, shown)}
        onChange={(next) => onChange(minutesOf(Number(next), shown))}
      />
      <Select
        aria-label={t('settings.unit', { name: label })}
        allowDeselect={false}
        className={classes.unit}
        data={units.map((unit) => ({ value: unit, label: t(`settings.units.${unit}`) }))}
        value={shown}
        onChange={(next) => {
          if (!next) return;
          setUnit(next as Span);
          onChange(minutesOf(Math.round(value / minutesOf(1, shown)), next as Span));
        }}
      />
    </div>
  );
}
