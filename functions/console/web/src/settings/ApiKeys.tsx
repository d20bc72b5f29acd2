import { Button } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client';
import { useGrowing } from '../api/records';
import { tellError } from '../ui/edit';
import { useFormats } from '../ui/format';
import { useMay, usePeople } from '../ui/me';
import { Tag } from '../ui/Tag';
import type { ApiKey } from './api';
import ApiKeyForm from './ApiKeyForm';
import { ask } from './dialogs';
import { GrowingRows, Row } from './Rows';
import { SettingsPage } from './SettingsPage';

/** Keys by which other programs work with the firm's records. */
export default function ApiKeys() {
  const { t } = useTranslation();
  const format = useFormats();
  const client = useQueryClient();
  const may = useMay()('api_keys', 'write');
  const { name } = usePeople();
  const [making, make] = useState(false);
  const list = useGrowing<ApiKey>(['api-keys'], '/v1/api-keys', {});
  const revoke = useMutation({
    mutationFn: (id: string) => api.DELETE('/v1/api-keys/{id}', { params: { path: { id } } }),
    onError: tellError,
    onSettled: () => client.invalidateQueries({ queryKey: ['api-keys'] }),
  });
  const state = (key: ApiKey) => {
    if (key.revoked_at) return <Tag>{t('settings.apiKeys.state.revoked')}</Tag>;
    if (key.expires_at && new Date(key.expires_at) < new Date()) return <Tag tone="yellow">{t('settings.apiKeys.state.expired')}</Tag>;
    return <Tag tone="green">{t('settings.apiKeys.state.active')}</Tag>;
  };
  return (
    <SettingsPage
      wide
      title={t('settings.nav.apiKeys')}
      intro={<>{t('settings.apiKeys.intro')} <a href="/docs" target="_blank" rel="noreferrer">{t('settings.apiKeys.docs')}</a></>}
      actions={may && <Button leftSection={<IconPlus size={15} />} onClick={() => make(true)}>{t('settings.apiKeys.new')}</Button>}
    >
      <GrowingRows list={list} label={t('settings.nav.apiKeys')} none={t('settings.apiKeys.none')}>
        {(key) => (
          <Row
            key={key.id}
            title={key.name}
            beside={state(key)}
            sub={
              <>
                <div><code>…{key.last_four}</code> · {t('settings.apiKeys.made', { day: format.dayOf(key.created_at), name: name(key.created_by) || key.created_by })}
                  {key.expires_at && ` · ${t('settings.apiKeys.ends', { day: format.dayOf(key.expires_at) })}`}</div>
                <div>{key.scopes.join(' ')}</div>
              </>
            }
            actions={
              may && !key.revoked_at && (
                <Button
                  variant="default"
                  onClick={() =>
                    ask({
                      title: t('settings.apiKeys.revoke'),
                      text: t('settings.apiKeys.revokeSure', { name: key.name }),
                      confirm: t('settings.apiKeys.revoke'),
                      onConfirm: () => revoke.mutate(key.id),
                    })
                  }
                >
                  {t('settings.apiKeys.revoke')}
                </Button>
              )
            }
          />
        )}
      </GrowingRows>
      <ApiKeyForm opened={making} onClose={() => make(false)} />
    </SettingsPage>
  );
}
