import { SegmentedControl, VisuallyHidden } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Growing, Query, Ticket } from '../api/records';
import { useMe, usePeople } from '../ui/me';
import { useNames } from '../ui/names';
import { Page } from '../ui/Page';
import { useView } from '../ui/view';
import classes from './Board.module.css';
import { Column } from './BoardColumn';
import { nextOf, type Status, STATUSES } from './flow';
import { useStatus } from './queue';
import { useStep } from './steps';
import { ReadyViews, readyOf, Switcher } from './Views';

const DAYS = 30;

/** Tickets by status. Cards are dragged, or moved by their menu; a move that the service refuses is taken back with a word. */
export default function TicketBoard() {
  const { t } = useTranslation();
  const [view] = useView();
  const people = usePeople();
  const narrow = useMediaQuery('(max-width: 48em)', false, { getInitialValueInEffect: false });
  const [shown, setShown] = useState<Status>('new');
  const lists = useBoard(readyOf(view));
  // Where cards are on their way to, until the service has answered and the lists are read again.
  const [moving, setMoving] = useState<ReadonlyMap<string, Status>>(new Map());
  const [said, say] = useState('');
  const step = useStep();

  // After a move the columns are read again one by one: meanwhile a ticket may be in two of them, and its newer version counts.
  const latest = new Map<string, Ticket>();
  for (const ticket of STATUSES.flatMap((status) => lists[status].rows)) {
    if ((latest.get(ticket.id)?.version ?? 0) < ticket.version) latest.set(ticket.id, ticket);
  }
  const all = STATUSES.flatMap((status) => lists[status].rows.filter((ticket) => latest.get(ticket.id) === ticket));
  const name = useNames('contacts', all.map((ticket) => ticket.contact_id));
  const cards = (status: Status) => all.filter((ticket) => (moving.get(ticket.id) ?? ticket.status) === status);
  const move = (ticket: Ticket, to: Status) => {
    if (ticket.status === to) return;
    const settle = () => setMoving((now) => new Map([...now].filter(([id]) => id !== ticket.id)));
    if (nextOf(ticket.status).includes(to)) {
      setMoving((now) => new Map(now).set(ticket.id, to));
      // Said at once, as it is shown at once; a refusal is a notification, which is said too.
      say(t('tickets.board.moved', { number: ticket.number, status: t(`tickets.status.${to}`) }));
    }
    void step.mutateAsync({ ticket, to }).catch(() => say('')).finally(settle);
  };
  const column = (status: Status) => (
    <Column key={status} status={status} cards={cards(status)} list={lists[status]} move={move} customer={name} assignee={people.name} titled={!narrow} />
  );
  return (
    <Page fixed title={t('common.nav.tickets')} below={<><ReadyViews /><span className={classes.space} /><Switcher /></>}>
      <VisuallyHidden role="status" aria-live="polite">{said}</VisuallyHidden>
      {narrow ? (
        <>
          <div className={classes.choose}>
            <SegmentedControl
              fullWidth
              size="xs"
              aria-label={t('tickets.statusName')}
              value={shown}
              onChange={(status) => setShown(status as Status)}
              data={STATUSES.map((value) => ({ value, label: t(`tickets.status.${value}`) }))}
            />
          </div>
          {column(shown)}
        </>
      ) : (
        <div className={classes.board}>{STATUSES.map(column)}</div>
      )}
    </Page>
  );
}

/** The columns. What is done is shown as far as it is recent: a firm closes thousands of tickets. */
function useBoard(ready: ReturnType<typeof readyOf>): Record<Status, Growing<Ticket>> {
  const me = useMe().data?.user as { id: string } | null | undefined;
  const since = useMemo(() => new Date(Date.now() - DAYS * 86_400_000).toISOString().slice(0, 10), []);
  const now = useMemo(() => new Date().toISOString(), []);
  const query: Query = ready === 'mine' ? { assignee_id: me?.id } : ready === 'overdue' ? { due_before: now } : {};
  const enabled = ready !== 'mine' || Boolean(me);
  const lists = {
    new: useStatus('new', query, enabled),
    open: useStatus('open', query, enabled),
    waiting: useStatus('waiting', query, enabled),
    resolved: useStatus('resolved', { ...query, updated_since: since }, enabled),
    closed: useStatus('closed', { ...query, updated_since: since }, enabled),
  };
  const latest = (one: Ticket, other: Ticket) => (one.updated_at < other.updated_at ? 1 : -1);
  const fits = (ticket: Ticket) => ready !== 'unassigned' || !ticket.assignee_id;
  return {
    new: { ...lists.new, rows: lists.new.rows.filter(fits) },
    open: { ...lists.open, rows: lists.open.rows.filter(fits) },
    waiting: { ...lists.waiting, rows: lists.waiting.rows.filter(fits) },
    resolved: { ...lists.resolved, rows: lists.resolved.rows.filter(fits).toSorted(latest) },
    closed: { ...lists.closed, rows: lists.closed.rows.filter(fits).toSorted(latest) },
  };
}
