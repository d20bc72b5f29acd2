import { Button } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useGrowing } from '../api/records';
import { useMay } from '../ui/me';
import { Tag } from '../ui/Tag';
import type { Source } from './api';
import { GrowingRows, Row } from './Rows';
import { SettingsPage } from './SettingsPage';
import SourceForm from './SourceForm';

/** Shops, forms and other programs that send records here. */
export default function Sources() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const may = useMay()('webhooks', 'write');
  const [making, make] = useState(false);
  const list = useGrowing<Source>(['webhook-sources', 'list'], '/v1/webhook-sources', {});
  return (
    <SettingsPage
      wide
      title={t('settings.nav.sources')}
      intro={t('settings.sources.intro')}
      actions={may && <Button leftSection={<IconPlus size={15} />} onClick={() => make(true)}>{t('settings.sources.new')}</Button>}
    >
      <GrowingRows list={list} label={t('settings.nav.sources')} none={t('settings.sources.none')}>
        {(source) => (
          <Row
            key={source.id}
            title={<Link to={`/settings/sources/${source.id}`}>{source.name}</Link>}
            beside={source.enabled ? <Tag tone="green">{t('settings.on')}</Tag> : <Tag>{t('settings.off')}</Tag>}
            sub={`${t(`settings.sources.kinds.${source.kind}.name`)} → ${t(`settings.sources.targets.${source.target}`)}`}
          />
        )}
      </GrowingRows>
      <SourceForm opened={making} onClose={() => make(false)} onMade={({ id }) => void navigate({ to: `/settings/sources/${id}` })} />
    </SettingsPage>
  );
}
