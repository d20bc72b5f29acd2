import { draggable } from '@atlaskit/pragmatic-drag-and-drop/element/adapter';
import { ActionIcon, Menu } from '@mantine/core';
import { IconArrowRight, IconDots } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Ticket } from '../api/records';
import { useMay } from '../ui/me';
import classes from './Board.module.css';
import { nextOf, type Status } from './flow';
import { Due, Escalation, PriorityTag } from './State';

interface Props {
  ticket: Ticket;
  move(ticket: Ticket, to: Status): void;
  customer: string;
  assignee: string;
}

export function Card({ ticket, move, customer, assignee }: Props) {
  const { t } = useTranslation();
  const write = useMay()('tickets', 'write');
  const handle = useRef<HTMLElement>(null);
  const [dragged, setDragged] = useState(false);
  const next = nextOf(ticket.status);
  const movable = write && next.length > 0;
  useEffect(() => {
    const element = handle.current;
    if (!element || !movable) return;
    return draggable({
      element,
      getInitialData: () => ({ ticket }),
      onDragStart: () => setDragged(true),
      onDrop: () => setDragged(false),
    });
  }, [ticket, movable]);
  return (
    <article ref={handle} className={classes.card} data-dragged={dragged || undefined} data-movable={movable || undefined}>
      <div className={classes.cardHead}>
        <Link to="/tickets/$id" params={{ id: ticket.id }} className={classes.subject} draggable={false}>
          <span className="soft number">#{ticket.number}</span> {ticket.subject}
        </Link>
        {movable && (
          <Menu position="bottom-end" shadow="md">
            <Menu.Target>
              <ActionIcon size="sm" variant="subtle" color="gray" aria-label={t('tickets.board.menu', { number: ticket.number })}><IconDots size={15} /></ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              {next.map((to) => (
                <Menu.Item key={to} leftSection={<IconArrowRight size={14} />} onClick={() => move(ticket, to)}>
                  {t('tickets.board.moveTo', { status: t(`tickets.status.${to}`) })}
                </Menu.Item>
              ))}
            </Menu.Dropdown>
          </Menu>
        )}
      </div>
      {customer && <Link to="/customers/$id" params={{ id: ticket.contact_id! }} className={`${classes.customer} cut`} draggable={false}>{customer}</Link>}
      <div className={classes.cardFoot}>
        {ticket.priority !== 'normal' && <PriorityTag priority={ticket.priority} />}
        <Escalation ticket={ticket} />
        <Due ticket={ticket} />
        {assignee && <span className={`${classes.assignee} cut`}>{assignee}</span>}
      </div>
    </article>
  );
}
