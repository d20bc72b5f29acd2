import { useMutation, useQueryClient } from '@tanstack/react-query';
import i18next from 'i18next';
import { ApiError } from '../api/error';
import { call, keys, type Ticket } from '../api/records';
import { tell, tellError } from '../ui/edit';
import { type Status, stepOf } from './flow';

interface Move {
  ticket: Ticket;
  to: Status;
  /** How it was solved. */
  note?: string;
}

/**
 * Takes tickets through their flow. The step is seen at once on the ticket's own page; it names the version it was made on,
 * and when somebody else was faster, or the flow has no such step, the ticket is shown as it is, with a word.
 */
export function useStep() {
  const client = useQueryClient();
  const key = (id: string) => keys.record('tickets', id);
  return useMutation({
    mutationFn: ({ ticket, to, note }: Move) => {
      const step = stepOf(ticket.status, to);
      if (!step) return Promise.reject(new ApiError(409, 'transition_not_allowed', refusal(ticket.status, to)));
      return call<Ticket>(step.method, `/v1/tickets/${ticket.id}${step.path}`, {
        body: to === 'resolved' && note ? { note } : (step.body ?? {}),
        version: ticket.version,
      });
    },
    onMutate: async ({ ticket, to }) => {
      await client.cancelQueries({ queryKey: key(ticket.id) });
      const before = client.getQueryData<Ticket>(key(ticket.id));
      if (before) client.setQueryData(key(ticket.id), { ...before, status: to });
      return { before };
    },
    onSuccess: (now) => client.setQueryData(key(now.id), now),
    onError: (error, { ticket, to }, context) => {
      if (context?.before) client.setQueryData(key(ticket.id), context.before);
      if (error instanceof ApiError && error.status === 412) {
        if (error.current) client.setQueryData(key(ticket.id), error.current);
        tell(i18next.t('tickets.step.stale', { number: ticket.number }));
      } else if (error instanceof ApiError && error.status === 409) {
        tell(refusal(ticket.status, to));
      } else tellError(error);
    },
    onSettled: () => client.invalidateQueries({ queryKey: keys.noun('tickets'), refetchType: 'active' }),
  });
}

const refusal = (from: Status, to: Status) =>
  i18next.t('tickets.step.refused', { from: i18next.t(`tickets.status.${from}`), to: i18next.t(`tickets.status.${to}`) });

/** Makes a ticket a matter for somebody higher up. */
export function useEscalate() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (ticket: Ticket) => call<Ticket>('POST', `/v1/tickets/${ticket.id}/escalate`, { body: {}, version: ticket.version }),
    onSuccess: (now) => {
      client.setQueryData(keys.record('tickets', now.id), now);
      tell(i18next.t('tickets.step.escalated', { number: now.number }));
    },
    onError: tellError,
    onSettled: () => client.invalidateQueries({ queryKey: keys.noun('tickets'), refetchType: 'active' }),
  });
}
