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
  });
}

/** Whether the caller may do something, such as `contacts:write`. Unknown while loading: then nothing is offered. */
export function useMay(): (noun: Noun | string, right: 'read' | 'write') => boolean {
  const scopes = useMe().data?.scopes ?? [];
  return (noun, right) =>
    scopes.some((scope) => {
      const [area, given] = scope.split(':');
      // Companies are permitted with contacts; who may write may read.
      const fits = area === '*' || area === (noun === 'companies' ? 'contacts' : noun);
      return fits && (given === right || given === '*' || (right === 'read' && given === 'write'));
    });
}

/** The firm's people, to name owners and assignees. */
export function usePeople(): { people: User[]; name(id: string | null | undefined): string } {
  const may = useMay();
  const { rows } = useGrowing<User>(['users', 'list', {}], '/v1/users', {}, may('users', 'read'));
  return { people: rows, name: (id) => rows.find((user) => user.id === id)?.name ?? '' };
}
