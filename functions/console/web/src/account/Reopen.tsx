import { Button } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { tell, tellError } from '../ui/edit';
import { useClosing } from './api';

/** Opens a closed account again. */
export default function Reopen() {
  const { t } = useTranslation();
  const { reopen } = useClosing();
  const open = useMutation({ mutationFn: reopen, onSuccess: () => tell(t('data.close.reopened')), onError: tellError });
  return <Button variant="default" loading={open.isPending} onClick={() => open.mutate()}>{t('data.close.reopen')}</Button>;
}
