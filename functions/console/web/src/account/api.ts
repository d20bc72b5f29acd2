import { useQueryClient } from '@tanstack/react-query';
import { answer, api } from '../api/client';

/** Closes the account, or opens it again; every page follows at once. */
export function useClosing() {
  const client = useQueryClient();
  const follow = async (done: Promise<unknown>) => {
    await done;
    await Promise.all(['account', 'me'].map((key) => client.invalidateQueries({ queryKey: [key] })));
  };
  return {
    close: (password: string) => follow(answer(api.POST('/v1/account/close', { body: { password } }))),
    reopen: () => follow(answer(api.POST('/v1/account/reopen'))),
  };
}
