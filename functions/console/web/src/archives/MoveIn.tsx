import { Button, Progress } from '@mantine/core';
import { IconUpload } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { answer, api } from '../api/client';
import { ApiError } from '../api/error';
import { Row, Rows } from '../settings/Rows';
import { Section } from '../settings/Section';
import { useFormats } from '../ui/format';
import { useAccount, useMay } from '../ui/me';
import { Loading } from '../ui/states';
import { type Archive, isMoving, moveIn, refusal, useKeep } from './api';
import classes from './archives.module.css';
import { Facts, State } from './State';

/** What a firm records: one that has any of it is not empty. */
const RECORDS = ['contacts', 'companies', 'leads', 'products', 'orders', 'tickets'];

const useIsEmpty = () =>
  useQuery({
    queryKey: ['usage', 'empty'],
    queryFn: async () => (await answer(api.GET('/v1/usage'))).limits.every(({ name, used }) => used === 0 || !RECORDS.includes(name)),
  });

/** Bringing in what a firm recorded elsewhere, into an account without records. */
export function MoveIn({ archives }: { archives: Archive[] }) {
  const { t } = useTranslation();
  const format = useFormats();
  const may = useMay()('account', 'write');
  const open = useAccount().data?.status === 'open';
  const { data: empty } = useIsEmpty();
  const came = archives.filter(({ direction }) => direction === 'in');
  useAfter(came);
  if (!(may && open) && came.length === 0) return null;
  return (
    <Section title={t('data.moveIn.title')} text={t('data.moveIn.text')}>
      {may && open && !came.some(isMoving) && (empty === undefined ? <Loading lines={1} /> : empty ? <Choose archives={came} /> : <p className={classes.note}>{t('data.moveIn.notEmpty')}</p>)}
      {came.length > 0 && (
        <Rows label={t('data.moveIn.title')} none="">
          {came.map((archive) => (
            <Row
              key={archive.id}
              title={format.moment(archive.created_at)}
              beside={<State of={archive} />}
              sub={
                <>
                  <Facts of={archive} />
                  {archive.status === 'uploading' && <div>{t('data.moveIn.again')}</div>}
                </>
              }
            />
          ))}
        </Rows>
      )}
    </Section>
  );
}

/** When an archive has been moved in, everything that was read before is old: a small one is done before the account is seen not to be open. */
function useAfter(came: Archive[]) {
  const client = useQueryClient();
  const moving = came.some(isMoving);
  const before = useRef(moving);
  useEffect(() => {
    if (before.current && !moving) void client.invalidateQueries();
    before.current = moving;
  }, [client, moving]);
}

function Choose({ archives }: { archives: Archive[] }) {
  const { t } = useTranslation();
  const format = useFormats();
  const keep = useKeep();
  const client = useQueryClient();
  const input = useRef<HTMLInputElement>(null);
  const [sending, setSending] = useState<{ name: string; share: number }>();
  const [failed, setFailed] = useState<{ words: string; file?: File }>();
  const under = useRef<AbortController>(undefined);
  useEffect(() => () => under.current?.abort(), []);

  const take = async (file: File) => {
    const wrong = refusal(file);
    if (wrong) return setFailed({ words: t(`data.refused.${wrong}`, { name: file.name }) });
    const { signal } = (under.current = new AbortController());
    setFailed(undefined);
    setSending({ name: file.name, share: 0 });
    try {
      keep(await moveIn(file, { known: archives, signal, progress: (share) => setSending({ name: file.name, share }) }));
    } catch (error) {
      if (signal.aborted) return;
      const problem = error instanceof ApiError ? error : new ApiError(-1, 'unknown', String(error));
      const known = t(`data.refused.${problem.code}`, { defaultValue: '' });
      setFailed(problem.status === 0 ? { words: t('common.offline.text'), file } : { words: known || problem.message });
    } finally {
      setSending(undefined);
      // What was sent is listed, and the account is as the service says.
      for (const key of ['archives', 'account', 'usage']) void client.invalidateQueries({ queryKey: [key] });
    }
  };
  return (
    <>
      {sending ? (
        <div className={classes.sending}>
          <span>{t('data.moveIn.sending', { name: sending.name, share: format.percent(sending.share) })}</span>
          <Progress value={sending.share * 100} aria-label={t('data.moveIn.progress')} />
          <span className="soft">{t('data.moveIn.stay')}</span>
          <div><Button variant="default" onClick={() => under.current?.abort()}>{t('data.moveIn.stop')}</Button></div>
        </div>
      ) : (
        <div className={classes.choose}>
          <Button variant="default" leftSection={<IconUpload size={15} />} onClick={() => input.current?.click()}>{t('data.moveIn.choose')}</Button>
          <span className="label">{t('data.moveIn.limit')}</span>
          <input
            ref={input}
            type="file"
            hidden
            accept=".zip,application/zip"
            aria-label={t('data.moveIn.file')}
            onChange={(event) => {
              const file = event.currentTarget.files?.[0];
              event.currentTarget.value = '';
              if (file) void take(file);
            }}
          />
        </div>
      )}
      {failed && (
        <div role="alert" className={classes.failure}>
          {failed.words}{' '}
          {failed.file && <Button size="xs" variant="default" onClick={() => void take(failed.file!)}>{t('common.retry')}</Button>}
        </div>
      )}
    </>
  );
}
