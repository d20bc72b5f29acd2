import { Button } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { tellError } from '../ui/edit';
import { useFormats } from '../ui/format';
import { type Import, saveErrors } from './api';

/** Saves the rows with faults, each with its reasons. */
export function ErrorsButton({ of }: { of: Import }) {
  const { t } = useTranslation();
  const format = useFormats();
  const [busy, setBusy] = useState(false);
  const save = async () => {
    setBusy(true);
    try {
      await saveErrors(of);
    } catch (error) {
      tellError(error);
    } finally {
      setBusy(false);
    }
  };
  return (
    <Button variant="default" leftSection={<IconDownload size={15} />} loading={busy} onClick={() => void save()}>
      {t('imports.errors', { count: of.counts.failed, shown: format.number(of.counts.failed) })}
    </Button>
  );
}
