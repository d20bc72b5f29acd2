import { TextInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { FormModal } from '../ui/FormModal';
import type { Source } from './api';

interface Props {
  source: Source | null;
  onClose(): void;
  save(change: object): Promise<unknown>;
}

/** Another secret for a source whose sender has got a new one. */
export default function SecretForm({ source, onClose, save }: Props) {
  const { t } = useTranslation();
  return (
    <FormModal title={t('settings.sources.changeSecret')} opened={source !== null} onClose={onClose} initial={{ secret: '' }} submit={t('common.save')}
      onSubmit={({ secret }) => save({ secret: secret.trim() || null })}>
      {(form) => (
        <TextInput label={t('settings.sources.secret')} description={source ? t(`settings.sources.kinds.${source.kind}.secret`) : ''} autoComplete="off" maxLength={500} data-autofocus {...form.getInputProps('secret')} />
      )}
    </FormModal>
  );
}
