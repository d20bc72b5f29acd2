import { Button } from '@mantine/core';
import { IconPlus } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { api } from '../api/client';
import { tellError } from '../ui/edit';
import { useMay } from '../ui/me';
import { ErrorState, Loading } from '../ui/states';
import { Tag } from '../ui/Tag';
import { CUSTOM_KINDS, type CustomField, useCustomFields } from './api';
import { ask } from './dialogs';
import FieldForm from './FieldForm';
import { Row, Rows } from './Rows';
import { Section } from './Section';
import { SettingsPage } from './SettingsPage';

/** What the firm keeps of its records beyond what every firm does. */
export default function Fields() {
  const { t } = useTranslation();
  const client = useQueryClient();
  const may = useMay()('settings', 'write');
  const { data, error, refetch } = useCustomFields();
  const [edited, edit] = useState<Partial<CustomField> | null>(null);
  const remove = useMutation({
    mutationFn: ({ kind, key }: CustomField) => api.DELETE('/v1/fields/{kind}/{key}', { params: { path: { kind, key } } }),
    onError: tellError,
    onSettled: () => client.invalidateQueries({ queryKey: ['fields'] }),
  });
  return (
    <SettingsPage
      wide
      title={t('settings.nav.fields')}
      intro={t('settings.fields.intro')}
      actions={may && <Button leftSection={<IconPlus size={15} />} onClick={() => edit({ kind: 'contact' })}>{t('settings.fields.new')}</Button>}
    >
      {error && !data ? <ErrorState error={error} retry={() => void refetch()} /> : !data ? <Loading /> : CUSTOM_KINDS.map((kind) => (
        <Section
          key={kind}
          title={t(`settings.fields.kinds.${kind}`)}
          action={may && <Button size="compact-xs" variant="subtle" color="gray" aria-label={t('settings.fields.addTo', { kind: t(`settings.fields.kinds.${kind}`) })} onClick={() => edit({ kind })}>{t('settings.add')}</Button>}
        >
          <Rows label={t(`settings.fields.kinds.${kind}`)} none={t('settings.fields.none')}>
            {data.filter((field) => field.kind === kind).map((field) => (
              <Row
                key={field.key}
                title={field.label}
                beside={
                  <>
                    <Tag>{t(`settings.fields.types.${field.type}`)}</Tag>
                    {field.required && <Tag tone="yellow">{t('settings.fields.required')}</Tag>}
                    {field.unique && <Tag tone="blue">{t('settings.fields.unique')}</Tag>}
                  </>
                }
                sub={<><code>{field.key}</code>{field.choices?.length ? ` · ${field.choices.join(', ')}` : ''}</>}
                actions={
                  may && (
                    <>
                      <Button variant="default" onClick={() => edit(field)}>{t('settings.edit')}</Button>
                      <Button
                        variant="default"
                        onClick={() =>
                          ask({
                            title: t('settings.fields.remove', { name: field.label }),
                            text: t('settings.fields.removeSure'),
                            confirm: t('common.remove'),
                            onConfirm: () => remove.mutate(field),
                          })
                        }
                      >
                        {t('common.remove')}
                      </Button>
                    </>
                  )
                }
              />
            ))}
          </Rows>
        </Section>
      ))}
      <FieldForm field={edited} onClose={() => edit(null)} />
    </SettingsPage>
  );
}
