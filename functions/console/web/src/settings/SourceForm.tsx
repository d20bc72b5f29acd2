import { Select, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { call } from '../api/records';
import { FormModal } from '../ui/FormModal';
import type { Source } from './api';
import { showOnce } from './dialogs';
import type { Target } from './mapping';

export const KINDS = ['generic', 'shopify_orders', 'typeform', 'standard_webhooks'] as const;

interface Props {
  opened: boolean;
  onClose(): void;
  onMade(source: Source): void;
}

/** A new source, by who posts; then its address, once, with what to do with it. */
export default function SourceForm({ opened, onClose, onMade }: Props) {
  const { t } = useTranslation();
  const client = useQueryClient();
  return (
    <FormModal
      title={t('settings.sources.new')}
      opened={opened}
      onClose={onClose}
      initial={{ kind: 'generic' as Source['kind'], name: '', target: 'lead' as Target, secret: '' }}
      validate={{
        name: (name: string) => (name.trim() ? null : t('settings.sources.needed')),
        secret: (secret: string, values: { kind: Source['kind'] }) => (values.kind === 'generic' || secret.trim() ? null : t('settings.sources.secretNeeded')),
      } as never}
      submit={t('settings.sources.make')}
      onSubmit={async ({ kind, name, target, secret }, attempt) => {
        const source = await call<Source>('POST', '/v1/webhook-sources', {
          body: { kind, name: name.trim(), ...(kind !== 'shopify_orders' && { target }), ...(secret.trim() && { secret: secret.trim() }) },
          attempt,
        });
        await client.invalidateQueries({ queryKey: ['webhook-sources'] });
        onMade(source);
        if (source.url) showOnce({ title: t('settings.sources.address'), text: t('settings.sources.once'), value: source.url, children: <NextStep kind={kind} /> });
      }}
    >
      {(form) => (
        <>
          <Select
            label={t('settings.sources.kind')}
            description={t(`settings.sources.kinds.${form.values.kind}.text`)}
            inputWrapperOrder={['label', 'input', 'description', 'error']}
            allowDeselect={false}
            data={KINDS.map((value) => ({ value, label: t(`settings.sources.kinds.${value}.name`) }))}
            {...form.getInputProps('kind')}
          />
          <TextInput label={t('settings.sources.name')} placeholder={t('settings.sources.example')} maxLength={100} data-autofocus {...form.getInputProps('name')} />
          {form.values.kind !== 'shopify_orders' && (
            <Select
              label={t('settings.sources.target')}
              allowDeselect={false}
              data={(['lead', 'contact', 'order'] as const).map((value) => ({ value, label: t(`settings.sources.targets.${value}`) }))}
              {...form.getInputProps('target')}
            />
          )}
          <TextInput
            label={form.values.kind === 'generic' ? t('settings.sources.secretIfAny') : t('settings.sources.secret')}
            description={t(`settings.sources.kinds.${form.values.kind}.secret`)}
            inputWrapperOrder={['label', 'input', 'description', 'error']}
            autoComplete="off"
            maxLength={500}
            {...form.getInputProps('secret')}
          />
        </>
      )}
    </FormModal>
  );
}

/** What to do with the address, by who posts to it. */
export function NextStep({ kind }: { kind: Source['kind'] }) {
  const { t } = useTranslation();
  return (
    <div style={{ marginBottom: 16 }}>
      <b>{t('settings.sources.next')}</b>
      <div>{t(`settings.sources.kinds.${kind}.next`)}</div>
    </div>
  );
}
