import { Button } from '@mantine/core';
import { IconDownload, IconFileZip } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { saveAs } from '../imports/api';
import { Row, Rows } from '../settings/Rows';
import { Section } from '../settings/Section';
import { tellError } from '../ui/edit';
import { useFormats } from '../ui/format';
import { useMay } from '../ui/me';
import { type Archive, fetchFile, isMoving, make, nameOf, useKeep } from './api';
import { Facts, State } from './State';

/** The archives that were made here, and the button that makes one. */
export function Archives({ archives }: { archives: Archive[] }) {
  const { t } = useTranslation();
  const format = useFormats();
  const may = useMay()('account', 'write');
  const keep = useKeep();
  const ask = useMutation({ mutationFn: make, onSuccess: keep, onError: tellError });
  const made = archives.filter(({ direction }) => direction === 'out');
  return (
    <Section
      title={t('data.archives.title')}
      text={t('data.archives.text')}
      action={
        may && (
          <Button leftSection={<IconFileZip size={15} />} loading={ask.isPending} disabled={made.some(isMoving)} onClick={() => ask.mutate()}>
            {t('data.archives.make')}
          </Button>
        )
      }
    >
      <Rows label={t('data.archives.title')} none={t('data.archives.none')}>
        {made.map((archive) => (
          <Row
            key={archive.id}
            title={format.moment(archive.created_at)}
            beside={<State of={archive} />}
            sub={<Facts of={archive} />}
            actions={may && archive.status === 'done' && <Download of={archive} />}
          />
        ))}
      </Rows>
    </Section>
  );
}

function Download({ of }: { of: Archive }) {
  const { t } = useTranslation();
  const format = useFormats();
  const [share, setShare] = useState<number>();
  const save = async () => {
    setShare(0);
    try {
      saveAs(await fetchFile(of, setShare), nameOf(of));
    } catch (error) {
      tellError(error);
    } finally {
      setShare(undefined);
    }
  };
  return (
    <Button
      variant="default"
      leftSection={<IconDownload size={14} />}
      disabled={share !== undefined}
      aria-label={t('data.archives.fetchOf', { moment: format.moment(of.created_at) })}
      onClick={() => void save()}
    >
      {share === undefined ? t('data.archives.fetch') : format.percent(share)}
    </Button>
  );
}
