import { useEffect, useMemo } from 'react';
import { type Growing, keys, type Query, type Ticket, useGrowing } from '../api/records';
import { latestOf, mergeByDue, type Status } from './flow';

/** The tickets of one status, what is due first at the top. */
export function useStatus(status: Status, query: Query, enabled = true): Growing<Ticket> {
  const asked = { ...query, status };
  return useGrowing<Ticket>(keys.list('tickets', asked), '/v1/tickets', asked, enabled);
}

/** Everything that somebody has to do something about, what is due first at the top; waiting tickets come last. */
export function useQueue(query: Query, enabled: boolean, keep?: (ticket: Ticket) => boolean): Growing<Ticket> {
  const fresh = useStatus('new', query, enabled);
  const open = useStatus('open', query, enabled);
  const waiting = useStatus('waiting', query, enabled);
  const parts = [fresh, open, waiting];
  const rows = useMemo(() => {
    const merged = latestOf(mergeByDue([fresh, open, waiting]));
    return keep ? merged.filter(keep) : merged;
  }, [fresh.rows, open.rows, waiting.rows, fresh.hasMore, open.hasMore, waiting.hasMore, keep]);
  const error = parts.find((part) => part.error)?.error ?? null;
  const hasMore = parts.some((part) => part.hasMore);
  const growing = parts.some((part) => part.growing);
  const grow = () => parts.filter((part) => part.hasMore).forEach((part) => part.grow());
  // Where what was read so far has none to show, one reads on.
  const sparse = enabled && rows.length === 0 && hasMore && !growing && !error;
  useEffect(() => {
    if (sparse) grow();
  });
  return {
    rows,
    loading: parts.some((part) => part.loading) || (rows.length === 0 && hasMore && !error),
    error,
    hasMore,
    growing,
    grow,
    retry: () => parts.filter((part) => part.error).forEach((part) => part.retry()),
  };
}
