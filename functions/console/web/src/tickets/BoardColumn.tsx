import { dropTargetForElements } from '@atlaskit/pragmatic-drag-and-drop/element/adapter';
import { Button, Skeleton } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Growing, Ticket } from '../api/records';
import { ErrorState } from '../ui/states';
import classes from './Board.module.css';
import { Card } from './BoardCard';
import { nextOf, type Status } from './flow';

interface Props {
  status: Status;
  cards: Ticket[];
  list: Growing<Ticket>;
  move(ticket: Ticket, to: Status): void;
  customer(id: string | null | undefined): string;
  assignee(id: string | null | undefined): string;
  /** Whether the column says its own name: not where a switch above it does. */
  titled: boolean;
}

type Over = 'takes' | 'refuses' | null;

export function Column({ status, cards, list, move, customer, assignee, titled }: Props) {
  const { t } = useTranslation();
  const target = useRef<HTMLElement>(null);
  const drop = useRef(move);
  const [over, setOver] = useState<Over>(null);
  const loading = list.loading;
  useEffect(() => {
    drop.current = move;
  });
  useEffect(() => {
    const element = target.current;
    if (!element) return;
    const ticket = (source: { data: Record<string | symbol, unknown> }) => source.data.ticket as Ticket | undefined;
    return dropTargetForElements({
      element,
      canDrop: ({ source }) => ticket(source) !== undefined,
      onDragEnter: ({ source }) => {
        const from = ticket(source)!.status;
        setOver(from === status ? null : nextOf(from).includes(status) ? 'takes' : 'refuses');
      },
      onDragLeave: () => setOver(null),
      onDrop: ({ source }) => {
        setOver(null);
        drop.current(ticket(source)!, status);
      },
    });
  }, [status]);
  const name = t(`tickets.status.${status}`);
  const count = `${cards.length}${list.hasMore ? '+' : ''}`;
  const done = status === 'resolved' || status === 'closed';
  return (
    <section ref={target} className={classes.column} data-over={over ?? undefined} aria-label={t('tickets.board.column', { status: name, count: cards.length })}>
      {titled && (
        <h2 className={classes.title}>
          {name} <span className="soft number">{count}</span>
        </h2>
      )}
      <div className={classes.cards} tabIndex={-1}>
        {done && <p className={classes.recent}>{t('tickets.board.recent')}</p>}
        {loading && [0, 1, 2].map((line) => <Skeleton key={line} height={72} radius={6} />)}
        {list.error && <ErrorState error={list.error} retry={list.retry} />}
        {!loading && !list.error && cards.length === 0 && <p className={classes.empty}>{t('tickets.board.empty')}</p>}
        {cards.map((ticket) => (
          <Card key={ticket.id} ticket={ticket} move={move} customer={customer(ticket.contact_id)} assignee={assignee(ticket.assignee_id)} />
        ))}
        {list.hasMore && <Button variant="default" loading={list.growing} onClick={list.grow}>{t('tickets.board.more')}</Button>}
      </div>
    </section>
  );
}
