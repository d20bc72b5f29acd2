import { Button, Menu } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { call, keys } from '../api/records';
import { tell, tellError } from '../ui/edit';
import { useMay, usePeople } from '../ui/me';
import { PRIORITIES } from './flow';

interface Results {
  results: Array<{ status: number }>;
}
type Work = { patch: Record<string, unknown> } | 'close';
const MOST = 100;

/** What can be done with many tickets at once. Those that cannot be changed stay as they are and are counted. */
export function Bulk({ ids, done }: { ids: string[]; done(): void }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const may = useMay();
  const { people } = usePeople();
  const work = useMutation({
    mutationFn: async (what: Work) => {
      let refused = 0;
      if (what === 'close') {
        for (const id of ids) await call('POST', `/v1/tickets/${id}/close`, { body: {} }).catch(() => { refused += 1; });
      } else {
        for (let from = 0; from < ids.length; from += MOST) {
          const inputs = ids.slice(from, from + MOST).map((id) => ({ id, patch: what.patch }));
          const { results } = await call<Results>('POST', '/v1/tickets/batch', { body: { operation: 'update', inputs } });
          refused += results.filter(({ status }) => status >= 400).length;
        }
      }
      return refused;
    },
    onSuccess: (refused) => {
      tell([t('tickets.bulk.done', { count: ids.length - refused }), refused > 0 && t('tickets.bulk.refused', { count: refused })].filter(Boolean).join(' '));
      done();
    },
    onError: tellError,
    onSettled: () => client.invalidateQueries({ queryKey: keys.noun('tickets') }),
  });
  if (!may('tickets', 'write')) return null;
  const menu = (label: string, items: Array<{ value: string | null; label: string }>, field: string) => (
    <Menu position="top" shadow="md">
      <Menu.Target>
        <Button size="xs" variant="default" disabled={work.isPending}>{label}</Button>
      </Menu.Target>
      <Menu.Dropdown>
        {items.map((item) => (
          <Menu.Item key={item.value ?? ''} onClick={() => work.mutate({ patch: { [field]: item.value } })}>{item.label}</Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
  return (
    <>
      {menu(t('tickets.bulk.assign'), [...people.map((user) => ({ value: user.id, label: user.name })), { value: null, label: t('tickets.nobody') }], 'assignee_id')}
      {menu(t('tickets.bulk.priority'), PRIORITIES.map((value) => ({ value, label: t(`tickets.priority.${value}`) })), 'priority')}
      <Button size="xs" variant="default" loading={work.isPending} onClick={() => work.mutate('close')}>{t('tickets.close')}</Button>
    </>
  );
}
