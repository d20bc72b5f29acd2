import { Button, Menu, Switch } from '@mantine/core';
import { IconDots, IconSend } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { call } from '../api/records';
import { tell, tellError } from '../ui/edit';
import { useFormats } from '../ui/format';
import { useMay } from '../ui/me';
import { ErrorState, Loading } from '../ui/states';
import type { Endpoint } from './api';
import { Back } from './Back';
import { Deliveries } from './Deliveries';
import { ask, Copyable, showOnce } from './dialogs';
import EndpointForm from './EndpointForm';
import { Terms } from './Rows';
import { Section } from './Section';
import { SettingsPage } from './SettingsPage';
import { EndpointState } from './Webhooks';

/** One address that is told of events: how it is set up, and what became of each delivery. */
export default function Webhook() {
  const { t } = useTranslation();
  const { id } = useParams({ strict: false }) as { id: string };
  const format = useFormats();
  const client = useQueryClient();
  const navigate = useNavigate();
  const may = useMay()('webhooks', 'write');
  const [editing, edit] = useState(false);
  const path = `/v1/webhook-endpoints/${encodeURIComponent(id)}`;
  const key = ['webhook-endpoints', 'record', id];
  const { data: endpoint, error, refetch } = useQuery({ queryKey: key, queryFn: ({ signal }) => call<Endpoint>('GET', path, { signal }) });
  const refresh = () => Promise.all([client.invalidateQueries({ queryKey: ['webhook-endpoints'] }), client.invalidateQueries({ queryKey: ['webhook-deliveries'] })]);
  const enable = useMutation({
    mutationFn: (enabled: boolean) => call<Endpoint>('PATCH', path, { body: { enabled }, version: endpoint?.version }),
    onSuccess: (now) => client.setQueryData(key, now),
    onError: tellError,
    onSettled: refresh,
  });
  const test = useMutation({ mutationFn: () => call('POST', `${path}/test`), onSuccess: () => tell(t('settings.webhooks.tested')), onError: tellError, onSettled: refresh });
  const rotate = useMutation({
    mutationFn: () => call<Endpoint>('POST', `${path}/rotate`),
    onSuccess: ({ secret }) => secret && showOnce({ title: t('settings.webhooks.secret'), text: t('settings.webhooks.rotated'), value: secret }),
    onError: tellError,
    onSettled: refresh,
  });
  const remove = useMutation({
    mutationFn: () => call('DELETE', path),
    onSuccess: async () => {
      await navigate({ to: '/settings/webhooks' });
      await client.invalidateQueries({ queryKey: ['webhook-endpoints', 'list'] });
    },
    onError: tellError,
  });
  const back = <Back to="/settings/webhooks" label={t('settings.nav.webhooks')} />;
  if (error && !endpoint) return <SettingsPage title={t('settings.webhooks.one')} above={back}><ErrorState error={error} retry={() => void refetch()} /></SettingsPage>;
  if (!endpoint) return <SettingsPage title={t('settings.webhooks.one')} above={back}><Loading /></SettingsPage>;
  return (
    <SettingsPage
      wide
      above={back}
      title={endpoint.description || new URL(endpoint.url).host}
      beside={<EndpointState endpoint={endpoint} />}
      actions={
        may && (
          <>
            <Button variant="default" leftSection={<IconSend size={15} />} disabled={!endpoint.enabled} loading={test.isPending} onClick={() => test.mutate()}>{t('settings.webhooks.test')}</Button>
            <Button variant="default" onClick={() => edit(true)}>{t('settings.edit')}</Button>
            <Menu position="bottom-end" shadow="md">
              <Menu.Target><Button variant="default" px={8} aria-label={t('common.nav.more')}><IconDots size={15} /></Button></Menu.Target>
              <Menu.Dropdown>
                <Menu.Item onClick={() => ask({ title: t('settings.webhooks.rotate'), text: t('settings.webhooks.rotateSure'), confirm: t('settings.webhooks.rotate'), onConfirm: () => rotate.mutate() })}>
                  {t('settings.webhooks.rotate')}
                </Menu.Item>
                <Menu.Item color="red" onClick={() => ask({ title: t('settings.webhooks.remove'), text: t('settings.webhooks.removeSure'), confirm: t('common.remove'), onConfirm: () => remove.mutate() })}>
                  {t('common.remove')}
                </Menu.Item>
              </Menu.Dropdown>
            </Menu>
          </>
        )
      }
    >
      <Section title={t('settings.webhooks.set')}>
        <Switch label={t('settings.webhooks.enabled')} checked={endpoint.enabled} disabled={!may || enable.isPending} onChange={(event) => enable.mutate(event.currentTarget.checked)} />
        <Terms
          terms={[
            { key: 'url', name: t('settings.webhooks.url'), text: <code>{endpoint.url}</code> },
            { key: 'events', name: t('settings.webhooks.events'), text: endpoint.event_types.join(', ') || t('settings.webhooks.all') },
            ...(endpoint.rotated_at ? [{ key: 'rotated', name: t('settings.webhooks.lastRotated'), text: format.moment(endpoint.rotated_at) }] : []),
          ]}
        />
        <div>
          <div className="label">{t('settings.webhooks.publicKey')}</div>
          <Copyable value={endpoint.public_key} label={t('settings.copyOf', { name: t('settings.webhooks.publicKey') })} />
        </div>
      </Section>
      <Deliveries endpoint={endpoint} may={may} />
      <EndpointForm opened={editing} endpoint={endpoint} onClose={() => edit(false)} />
    </SettingsPage>
  );
}
