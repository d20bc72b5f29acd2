import { useTranslation } from 'react-i18next';
import type { Ticket } from '../api/records';
import { useFormats } from '../ui/format';
import { Tag, type Tone } from '../ui/Tag';
import classes from './Record.module.css';
import { type ClockState, clockOf, urgencyOf } from './flow';
import { useNow } from './State';

/** The two promises made for a ticket, how each stands, and what the clocks count. */
export function Clocks({ ticket }: { ticket: Ticket }) {
  const { t } = useTranslation();
  const format = useFormats();
  const stopped = ticket.status === 'waiting' || ticket.status === 'resolved';
  return (
    <section className={classes.section}>
      <h2>{t('tickets.clock.title')}</h2>
      <Clock ticket={ticket} clock="first_response" />
      <Clock ticket={ticket} clock="resolution" />
      <p className={classes.small}>
        {stopped && ticket.clock_stopped_at
          ? t('tickets.clock.stoppedSince', { at: format.moment(ticket.clock_stopped_at) })
          : t('tickets.clock.counts')}
        {ticket.waited_seconds > 0 && ` ${t('tickets.clock.waited', { time: spell(ticket.waited_seconds, format) })}`}
      </p>
    </section>
  );
}

function spell(seconds: number, format: ReturnType<typeof useFormats>): string {
  const hours = Math.floor(seconds / 3_600);
  const minutes = Math.round((seconds % 3_600) / 60);
  const unit = (value: number, unit: string) => format.number(value, { style: 'unit', unit, unitDisplay: 'short' });
  return [hours > 0 && unit(hours, 'hour'), (minutes > 0 || hours === 0) && unit(minutes, 'minute')].filter(Boolean).join(' ');
}

function Clock({ ticket, clock }: { ticket: Ticket; clock: 'first_response' | 'resolution' }) {
  const { t } = useTranslation();
  const format = useFormats();
  const now = useNow();
  const { state, due, at } = clockOf(ticket, clock);
  const urgency = state === 'running' && due ? urgencyOf(due, now) : null;
  const tones: Record<ClockState, Tone> = { kept: 'green', late: 'red', stopped: 'gray', none: 'gray', running: urgency === 'overdue' ? 'red' : urgency === 'soon' ? 'yellow' : 'gray' };
  const words =
    urgency === 'overdue' ? t('tickets.overdue', { ago: format.ago(due, now) }) : urgency ? t('tickets.clock.dueIn', { ago: format.ago(due, now) }) : t(`tickets.clock.state.${state}`);
  return (
    <div className={classes.clock}>
      <span className="label">{t(`tickets.clock.${clock}`)}</span>
      <Tag tone={tones[state]}>{words}</Tag>
      {(due || at) && (
        <span className={classes.small}>
          {at ? t('tickets.clock.doneAt', { at: format.moment(at) }) : t('tickets.clock.by', { at: format.moment(due) })}
        </span>
      )}
    </div>
  );
}
