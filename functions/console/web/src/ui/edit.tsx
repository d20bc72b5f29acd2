/** Changing, removing and restoring records: shown at once, taken back with a word when the service refuses. */
import { Button, Table } from '@mantine/core';
import { modals } from '@mantine/modals';
import { notifications } from '@mantine/notifications';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import i18next from 'i18next';
import { ApiError } from '../api/error';
import { keys, type Meta, type Noun, type Nouns, records } from '../api/records';
import { notOpen } from './notOpen';

/** Says what went wrong, with the number that support asks for. */
export function tellError(error: unknown): void {
  const failure = error instanceof ApiError ? error : null;
  const t = i18next.t;
  notifications.show({
    color: 'red',
    title: failure?.status === 0 ? t('common.offline.title') : t('common.failed.title'),
    message: (
      <>
        {failure?.status === 0 ? t('common.offline.text') : (failure && notOpen(failure)) || [failure?.message ?? String(error), ...(failure?.faults.map((fault) => fault.detail) ?? [])].filter(Boolean).join(' · ')}
        {failure?.requestId && <div className="soft">{t('common.request', { id: failure.requestId })}</div>}
      </>
    ),
    autoClose: 10_000,
  });
}

/** Says that the service was not reached; what was to be done is kept until it is tried again or given up. */
function tellUnreachable(what: string, again: () => void): void {
  const t = i18next.t;
  const note = notifications.show({
    color: 'red',
    title: t('common.offline.title'),
    autoClose: false,
    message: (
      <div style={{ display: 'flex', alignItems: 'center', gap: 12 }}>
        <span style={{ flex: 1, minWidth: 0 }}>{what}</span>
        <Button
          size="xs"
          variant="default"
          onClick={() => {
            notifications.hide(note);
            again();
          }}
        >
          {t('common.retry')}
        </Button>
      </div>
    ),
  });
}

export const tell = (message: string): void => {
  notifications.show({ message, autoClose: 4_000 });
};

/** How a value reads in the message about a conflict. */
function inWords(value: unknown): string {
  if (value === null || value === undefined || value === '') return '—';
  if (typeof value === 'object') {
    if ('amount' in value && 'currency' in value) return `${value.amount} ${value.currency}`;
    if (Array.isArray(value)) return value.map((part) => (typeof part === 'object' ? Object.values(part ?? {}).filter((inner) => typeof inner === 'string').join(' ') : String(part))).join(', ');
    return JSON.stringify(value);
  }
  return String(value);
}

interface Change<N extends Noun> {
  record: Nouns[N];
  change: Partial<Record<string, unknown>>;
}

/**
 * Changes fields of a record. The change is seen at once; it names the version it was made on, so that when somebody else was
 * faster, both values are shown and the user chooses.
 */
export function useEdit<N extends Noun>(noun: N, label: (field: string) => string = (field) => field) {
  const client = useQueryClient();
  const key = (id: string) => keys.record(noun, id);
  const mutation = useMutation({
    mutationFn: ({ record, change }: Change<N>) => records.change(noun, record.id, change, record.version),
    onMutate: async ({ record, change }) => {
      await client.cancelQueries({ queryKey: key(record.id) });
      const before = client.getQueryData<Nouns[N]>(key(record.id));
      if (before) client.setQueryData(key(record.id), { ...before, ...change });
      return { before };
    },
    onSuccess: (now, { record }) => {
      client.setQueryData(key(record.id), now);
      void client.invalidateQueries({ queryKey: keys.noun(noun), refetchType: 'active' });
    },
    onError: (error, { record, change }, context) => {
      if (context?.before) client.setQueryData(key(record.id), context.before);
      if (error instanceof ApiError && error.status === 412 && error.current) {
        const current = error.current as unknown as Nouns[N];
        client.setQueryData(key(record.id), current);
        askConflict(change, current as Meta, label, () => mutation.mutate({ record: current, change }));
        return;
      }
      if (error instanceof ApiError && error.status === 0) {
        const what = Object.entries(change).map(([field, value]) => `${label(field)}: ${inWords(value).slice(0, 160)}`);
        tellUnreachable(what.join(' · '), () => mutation.mutate({ record, change }));
        return;
      }
      tellError(error);
    },
  });
  return {
    change: (record: Nouns[N], change: Change<N>['change']) => mutation.mutate({ record, change }),
    changeAsync: (record: Nouns[N], change: Change<N>['change']) => mutation.mutateAsync({ record, change }),
    busy: mutation.isPending,
  };
}

function askConflict(change: Record<string, unknown>, current: object, label: (field: string) => string, again: () => void): void {
  const t = i18next.t;
  const now = current as Record<string, unknown>;
  const id = modals.open({
    title: t('common.conflict.title'),
    children: (
      <>
        <p className="soft">{t('common.conflict.text')}</p>
        <Table verticalSpacing="xs" withRowBorders>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('common.conflict.field')}</Table.Th>
              <Table.Th>{t('common.conflict.yours')}</Table.Th>
              <Table.Th>{t('common.conflict.theirs')}</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {Object.entries(change).map(([field, value]) => (
              <Table.Tr key={field}>
                <Table.Td>{label(field)}</Table.Td>
                <Table.Td data-conflict="yours">{inWords(value)}</Table.Td>
                <Table.Td data-conflict="theirs">{inWords(now[field])}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
        <div style={{ display: 'flex', gap: 8, justifyContent: 'flex-end', marginTop: 16 }}>
          <Button variant="default" onClick={() => modals.close(id)}>{t('common.conflict.keep')}</Button>
          <Button onClick={() => { modals.close(id); again(); }}>{t('common.conflict.mine')}</Button>
        </div>
      </>
    ),
  });
}

/** Removes records and offers to take it back: the service keeps what is removed for 30 days. */
export function useRemove<N extends Noun>(noun: N) {
  const client = useQueryClient();
  const refresh = () => client.invalidateQueries({ queryKey: keys.noun(noun) });
  return useMutation({
    mutationFn: async (ids: string[]) => {
      if (ids.length === 1 || noun === 'users') {
        for (const id of ids) await records.remove(noun, id);
        return ids;
      }
      const failed = await records.batch(noun, 'delete', ids.map((id) => ({ id })));
      const removed = ids.filter((id) => !failed.has(id));
      const [first] = failed.values();
      if (first && removed.length === 0) throw first;
      if (first) tellError(first);
      return removed;
    },
    onSuccess: async (ids) => {
      // What shows a removed record has yet to leave: asked for again it would not be found.
      await client.invalidateQueries({ queryKey: keys.noun(noun), predicate: ({ queryKey }) => !ids.some((id) => queryKey.includes(id)) });
      const t = i18next.t;
      const note = notifications.show({
        autoClose: 12_000,
        message: (
          <div style={{ display: 'flex', alignItems: 'center', gap: 12 }}>
            <span style={{ flex: 1 }}>{t('common.removed', { count: ids.length })}</span>
            <Button
              size="xs"
              variant="default"
              onClick={async () => {
                notifications.hide(note);
                try {
                  for (const id of ids) await records.restore(noun, id);
                  tell(t('common.restored', { count: ids.length }));
                } catch (error) {
                  tellError(error);
                }
                await refresh();
              }}
            >
              {t('common.undo')}
            </Button>
          </div>
        ),
      });
    },
    onError: (error) => {
      tellError(error);
      void refresh();
    },
  });
}
