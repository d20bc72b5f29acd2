import { Button, Menu, Switch } from '@mantine/core';
import { IconDots } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { call } from '../api/records';
import { tell, tellError } from '../ui/edit';
import { Field } from '../ui/Field';
import { useMay } from '../ui/me';
import { ErrorState, Loading } from '../ui/states';
import { Tag } from '../ui/Tag';
import type { Source } from './api';
import { Back } from './Back';
import { ask, showOnce } from './dialogs';
import { Mapping } from './Mapping';
import { Receipts } from './Receipts';
import SecretForm from './SecretForm';
import { Section } from './Section';
import { SettingsPage } from './SettingsPage';
import { NextStep } from './SourceForm';

/** One source: who posts and what becomes of it, and what could not be read. */
export default function SourcePage() {
  const { t } = useTranslation();
  const { id } = useParams({ strict: false }) as { id: string };
  const client = useQueryClient();
  const navigate = useNavigate();
  const may = useMay()('webhooks', 'write');
  const [secret, setSecret] = useState(false);
  const path = `/v1/webhook-sources/${encodeURIComponent(id)}`;
  const key = ['webhook-sources', 'record', id];
  const { data: source, error, refetch } = useQuery({ queryKey: key, queryFn: ({ signal }) => call<Source>('GET', path, { signal }) });
  const kept = (now: Source) => {
    client.setQueryData(key, now);
    void client.invalidateQueries({ queryKey: ['webhook-sources', 'list'] });
  };
  const save = async (change: object) => {
    kept(await call<Source>('PATCH', path, { body: change, version: source?.version }));
    tell(t('settings.saved'));
  };
  const change = useMutation({ mutationFn: save, onError: (failure) => { tellError(failure); void refetch(); } });
  const rotate = useMutation({
    mutationFn: () => call<Source>('POST', `${path}/rotate`),
    onSuccess: (now) => {
      kept(now);
      if (now.url) showOnce({ title: t('settings.sources.address'), text: t('settings.sources.once'), value: now.url, children: <NextStep kind={now.kind} /> });
    },
    onError: tellError,
  });
  const remove = useMutation({
    mutationFn: () => call('DELETE', path),
    onSuccess: async () => {
      await navigate({ to: '/settings/sources' });
      await client.invalidateQueries({ queryKey: ['webhook-sources', 'list'] });
    },
    onError: tellError,
  });
  const back = <Back to="/settings/sources" label={t('settings.nav.sources')} />;
  if (error && !source) return <SettingsPage title={t('settings.sources.one')} above={back}><ErrorState error={error} retry={() => void refetch()} /></SettingsPage>;
  if (!source) return <SettingsPage title={t('settings.sources.one')} above={back}><Loading /></SettingsPage>;
  return (
    <SettingsPage
      wide
      above={back}
      title={source.name}
      beside={source.enabled ? <Tag tone="green">{t('settings.on')}</Tag> : <Tag>{t('settings.off')}</Tag>}
      actions={
        may && (
          <>
            <Button variant="default" onClick={() => ask({ title: t('settings.sources.rotate'), text: t('settings.sources.rotateSure'), confirm: t('settings.sources.rotate'), onConfirm: () => rotate.mutate() })}>
              {t('settings.sources.rotate')}
            </Button>
            <Menu position="bottom-end" shadow="md">
              <Menu.Target><Button variant="default" px={8} aria-label={t('common.nav.more')}><IconDots size={15} /></Button></Menu.Target>
              <Menu.Dropdown>
                <Menu.Item onClick={() => setSecret(true)}>{t('settings.sources.changeSecret')}</Menu.Item>
                <Menu.Item color="red" onClick={() => ask({ title: t('settings.sources.remove'), text: t('settings.sources.removeSure'), confirm: t('common.remove'), onConfirm: () => remove.mutate() })}>
                  {t('common.remove')}
                </Menu.Item>
              </Menu.Dropdown>
            </Menu>
          </>
        )
      }
    >
      <Section title={t('settings.sources.set')}>
        <Switch label={t('settings.sources.enabled')} checked={source.enabled} disabled={!may || change.isPending} onChange={(event) => change.mutate({ enabled: event.currentTarget.checked })} />
        <div>
          <Field label={t('settings.sources.name')} value={source.name} edit={{ kind: 'text', required: true }} onSave={may ? (name) => change.mutate({ name }) : undefined} />
          <Field label={t('settings.sources.kind')} value={t(`settings.sources.kinds.${source.kind}.name`)} />
          <Field label={t('settings.sources.target')} value={t(`settings.sources.targets.${source.target}`)} />
          <Field label={t('settings.sources.secret')} value={source.signed ? t('settings.sources.signed') : t('settings.sources.unsigned')} />
          <Field label={t('settings.sources.next')}>{t(`settings.sources.kinds.${source.kind}.next`)} {t('settings.sources.lost')}</Field>
        </div>
      </Section>
      <Receipts source={id} may={may} />
      {(source.kind === 'generic' || source.kind === 'standard_webhooks') && <Mapping key={source.version} source={source} may={may} save={save} />}
      <SecretForm source={secret ? source : null} onClose={() => setSecret(false)} save={save} />
    </SettingsPage>
  );
}
