import { useQuery } from '@tanstack/react-query';
import { answer, api } from '../api/client';
import { type Noun, type User, useGrowing } from '../api/records';
import { current } from '../api/session';

/** Who is signed in, and to which firm. */
export function useMe() {
  return useQuery({
    queryKey: ['me'],
    queryFn: () => answer(api.GET('/v1/me')),
    staleTime: 300_000,
    enabled: current() !== null,
    refetchInterval: ({ state }) => (state.data?.account === 'moving_in' ? 5_000 : false),
  });
}

type Right = 'read' | 'write';

/** Whether scopes such as `contacts:write` permit something. */
export const permits = (scopes: string[], noun: Noun | string, right: Right): boolean =>
  scopes.some((scope) => {
    const [area, given] = scope.split(':');
    // Companies are permitted with contacts; who may write may read.
    const fits = area === '*' || area === (noun === 'companies' ? 'contacts' : noun);
    return fits && (given === right || given === '*' || (right === 'read' && given === 'write'));
  });

/** The firm's account with the service, for those who may know of it. */
export function useAccount() {
  const scopes = useMe().data?.scopes ?? [];
  return useQuery({
    queryKey: ['account'],
    queryFn: () => answer(api.GET('/v1/account')),
    staleTime: 60_000,
    enabled: permits(scopes, 'account', 'read'),
    refetchInterval: ({ state }) => (state.data?.status === 'moving_in' ? 2_000 : false),
  });
}

/**
 * Whether the caller may do something, such as `contacts:write`. Unknown while loading: then nothing is offered. While the
 * account is not open, nothing is changed but what is done about the account.
 */
export function useMay(): (noun: Noun | string, right: Right) => boolean {
  const me = useMe().data;
  const scopes = me?.scopes ?? [];
  const open = (useAccount().data?.status ?? me?.account ?? 'open') === 'open';
  return (noun, right) => (open || right === 'read' || noun === 'account') && permits(scopes, noun, right);
}

/** The firm's people, to name owners and assignees. */
export function usePeople(): { people: User[]; name(id: string | null | undefined): string } {
  const may = useMay();
  const { rows } = useGrowing<User>(['users', 'list', {}], '/v1/users', {}, may('users', 'read'));
  return { people: rows, name: (id) => rows.find((user) => user.id === id)?.name ?? '' };
}
