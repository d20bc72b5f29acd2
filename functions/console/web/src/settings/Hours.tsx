import { ActionIcon, Button, TextInput } from '@mantine/core';
import { IconX } from '@tabler/icons-react';
import { Fragment } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormats } from '../ui/format';
import { hoursOf, type Interval, isDay, parseClock } from './clock';
import classes from './Hours.module.css';

export const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Week = Record<string, Interval[]>;

interface Props {
  week: Week;
  onChange(week: Week): void;
}

/** When the firm works: for each day its spans, with the breaks between them. */
export function Hours({ week, onChange }: Props) {
  const { t, i18n } = useTranslation();
  const format = useFormats();
  const names = new Intl.DateTimeFormat(i18n.language, { weekday: 'long', timeZone: 'UTC' });
  const set = (day: string, spans: Interval[]) => onChange({ ...week, [day]: spans });
  const more = (spans: Interval[]): Interval => {
    const end = parseClock(spans.at(-1)?.[1] ?? '');
    return end && end < '22:00' ? [`${String(Number(end.slice(0, 2)) + 1).padStart(2, '0')}${end.slice(2)}`, ''] : ['09:00', '17:00'];
  };
  return (
    <div className={classes.week}>
      {DAYS.map((day, index) => {
        const spans = week[day] ?? [];
        // The fifth of January 1970 was a Monday.
        const name = names.format(new Date(Date.UTC(1970, 0, 5 + index)));
        const edit = (n: number, side: 0 | 1, text: string) =>
          set(day, spans.map((span, at) => (at === n ? (side ? [span[0], text] : [text, span[1]]) : span)));
        return (
          <div role="group" aria-label={name} key={day} className={classes.day}>
            <div className={classes.name}>{name}</div>
            <div className={classes.spans}>
              {spans.length === 0 && <span className={classes.closed}>{t('settings.firm.hours.closed')}</span>}
              {spans.map((span, n) => (
                <span key={n} className={classes.span}>
                  {([0, 1] as const).map((side) => (
                    <Fragment key={side}>
                    {side === 1 && <span className="soft" aria-hidden>–</span>}
                    <TextInput
                      size="xs"
                      className={classes.time}
                      inputMode="numeric"
                      maxLength={5}
                      aria-label={side ? t('settings.firm.hours.to', { day: name }) : t('settings.firm.hours.from', { day: name })}
                      value={span[side]}
                      onChange={(event) => edit(n, side, event.currentTarget.value)}
                      onBlur={() => edit(n, side, parseClock(span[side]) ?? span[side])}
                    />
                    </Fragment>
                  ))}
                  <ActionIcon variant="subtle" color="gray" size="sm" aria-label={t('settings.firm.hours.drop', { day: name })} onClick={() => set(day, spans.filter((_, at) => at !== n))}>
                    <IconX size={14} />
                  </ActionIcon>
                </span>
              ))}
              {spans.length < 4 && (
                <Button size="compact-xs" variant="subtle" color="gray" onClick={() => set(day, [...spans, more(spans)])}>
                  {spans.length ? t('settings.firm.hours.add') : t('settings.firm.hours.open')}
                </Button>
              )}
              {index > 0 && spans.length === 0 && (week[DAYS[index - 1]!]?.length ?? 0) > 0 && (
                <Button size="compact-xs" variant="subtle" color="gray" onClick={() => set(day, week[DAYS[index - 1]!]!)}>{t('settings.firm.hours.same')}</Button>
              )}
              {!isDay(spans) && <span className={classes.fault} role="alert">{t('settings.firm.hours.fault')}</span>}
            </div>
          </div>
        );
      })}
      <p className="soft number">{t('settings.firm.hours.sum', { hours: format.number(hoursOf(DAYS.map((day) => week[day] ?? [])), { maximumFractionDigits: 2 }) })}</p>
    </div>
  );
}
