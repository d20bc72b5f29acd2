import { Button } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useGrowing } from '../api/records';
import { useMay } from '../ui/me';
import { Tag } from '../ui/Tag';
import type { Endpoint } from './api';
import EndpointForm from './EndpointForm';
import { GrowingRows, Row } from './Rows';
import { SettingsPage } from './SettingsPage';

/** Where other programs are told of what happens here. */
export default function Webhooks() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const may = useMay()('webhooks', 'write');
  const [making, make] = useState(false);
  const list = useGrowing<Endpoint>(['webhook-endpoints', 'list'], '/v1/webhook-endpoints', {});
  return (
    <SettingsPage
      wide
      title={t('settings.nav.webhooks')}
      intro={t('settings.webhooks.intro')}
      actions={may && <Button leftSection={<IconPlus size={15} />} onClick={() => make(true)}>{t('settings.webhooks.new')}</Button>}
    >
      <GrowingRows list={list} label={t('settings.nav.webhooks')} none={t('settings.webhooks.none')}>
        {(endpoint) => (
          <Row
            key={endpoint.id}
            title={<Link to={`/settings/webhooks/${endpoint.id}`}>{endpoint.url}</Link>}
            beside={<EndpointState endpoint={endpoint} />}
            sub={[endpoint.description, endpoint.event_types.join(', ') || t('settings.webhooks.all')].filter(Boolean).join(' · ')}
          />
        )}
      </GrowingRows>
      <EndpointForm opened={making} onClose={() => make(false)} onMade={({ id }) => void navigate({ to: `/settings/webhooks/${id}` })} />
    </SettingsPage>
  );
}

export function EndpointState({ endpoint }: { endpoint: Endpoint }) {
  const { t } = useTranslation();
  if (endpoint.enabled) return <Tag tone="green">{t('settings.on')}</Tag>;
  const reason = endpoint.disabled_reason ?? 'by_user';
  return <Tag tone={reason === 'by_user' ? 'gray' : 'red'}>{t(`settings.webhooks.off.${reason}`)}</Tag>;
}
