import { Button, Progress } from '@mantine/core';
import { modals } from '@mantine/modals';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { records } from '../api/records';
import { tell, tellError } from '../ui/edit';
import { useFormats } from '../ui/format';
import { useMay } from '../ui/me';

/** A firm to try things with, put in and taken out again by one button. */
export function SampleData() {
  const { t } = useTranslation();
  const format = useFormats();
  const client = useQueryClient();
  const may = useMay();
  const [share, setShare] = useState<number | null>(null);
  const there = useQuery({
    queryKey: ['contacts', 'sample'],
    queryFn: async ({ signal }) => (await records.page('contacts', { tag: 'sample', limit: 1 }, signal)).data.length > 0,
  });
  if (!['products', 'contacts', 'orders', 'leads', 'tickets', 'segments'].every((noun) => may(noun, 'write'))) return null;

  const run = async (work: () => Promise<void>, done: string) => {
    setShare(0);
    try {
      await work();
      tell(done);
    } catch (error) {
      tellError(error);
    } finally {
      setShare(null);
      await client.invalidateQueries();
    }
  };
  const put = () =>
    run(async () => {
      const { fill } = await import('./sample');
      await fill(format.today(), format.currency, setShare);
    }, t('sample.filled'));
  const take = () =>
    modals.openConfirmModal({
      title: t('sample.clear'),
      children: t('sample.clearText'),
      labels: { confirm: t('sample.clear'), cancel: t('common.cancel') },
      onConfirm: () =>
        void run(async () => {
          const { clear } = await import('./sample');
          await clear((removed) => setShare(Math.min(0.95, removed / 1000)));
        }, t('sample.cleared')),
    });

  if (share !== null) {
    return <Progress value={share * 100} aria-label={t('sample.progress', { share: format.percent(share) })} w={220} />;
  }
  return there.data ? (
    <Button variant="default" onClick={take}>{t('sample.clear')}</Button>
  ) : (
    <Button variant="default" onClick={() => void put()}>{t('sample.fill')}</Button>
  );
}
