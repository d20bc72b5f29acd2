import { MultiSelect, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { call } from '../api/records';
import { tell } from '../ui/edit';
import { FormModal } from '../ui/FormModal';
import type { Endpoint } from './api';
import { showOnce } from './dialogs';
import { EVENT_TYPES } from './events';

interface Props {
  opened: boolean;
  /** The one to change; without, a new one. */
  endpoint?: Endpoint;
  onClose(): void;
  onMade?(endpoint: Endpoint): void;
}

export default function EndpointForm({ opened, endpoint, onClose, onMade }: Props) {
  const { t } = useTranslation();
  const client = useQueryClient();
  return (
    <FormModal
      title={endpoint ? t('settings.webhooks.change') : t('settings.webhooks.new')}
      opened={opened}
      onClose={onClose}
      initial={{ url: endpoint?.url ?? '', description: endpoint?.description ?? '', event_types: endpoint?.event_types ?? [] }}
      validate={{ url: (url: string) => (/^https?:\/\/./.test(url.trim()) ? null : t('settings.webhooks.needed')) }}
      submit={endpoint ? t('common.save') : t('settings.webhooks.make')}
      fieldOf={(path) => path.split('.')[0]!}
      onSubmit={async ({ url, description, event_types }, attempt) => {
        const body = { url: url.trim(), description: description.trim() || null, event_types };
        const done = endpoint
          ? await call<Endpoint>('PATCH', `/v1/webhook-endpoints/${endpoint.id}`, { body, version: endpoint.version, attempt })
          : await call<Endpoint>('POST', '/v1/webhook-endpoints', { body, attempt });
        await client.invalidateQueries({ queryKey: ['webhook-endpoints'] });
        if (endpoint) return tell(t('settings.saved'));
        onMade?.(done);
        if (done.secret) showOnce({ title: t('settings.webhooks.secret'), text: t('settings.webhooks.secretOnce'), value: done.secret });
      }}
    >
      {(form) => (
        <>
          <TextInput label={t('settings.webhooks.url')} placeholder="https://example.com/hooks/rapport" type="url" maxLength={2000} data-autofocus {...form.getInputProps('url')} />
          <TextInput label={t('settings.webhooks.description')} maxLength={500} {...form.getInputProps('description')} />
          <MultiSelect
            label={t('settings.webhooks.events')}
            description={t('settings.webhooks.eventsText')}
            placeholder={form.values.event_types.length ? undefined : t('settings.webhooks.all')}
            data={EVENT_TYPES.map(({ group, items }) => ({ group: t(`settings.webhooks.nouns.${group}`), items }))}
            searchable
            clearable
            hidePickedOptions
            maxDropdownHeight={300}
            {...form.getInputProps('event_types')}
          />
        </>
      )}
    </FormModal>
  );
}
