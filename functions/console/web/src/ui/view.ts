import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback } from 'react';

export type View = Record<string, string | undefined>;

/** The state of a page, which lies in its address: filters, the open record, the tab. */
export function useView(): [View, (change: View, options?: { push?: boolean }) => void] {
  const view = useSearch({ strict: false }) as View;
  const navigate = useNavigate();
  const change = useCallback(
    (change: View, options: { push?: boolean } = {}) =>
      void navigate({
        to: '.',
        search: ((old: View) => ({ ...old, ...change })) as never,
        replace: !options.push,
      }),
    [navigate],
  );
  return [view, change];
}
