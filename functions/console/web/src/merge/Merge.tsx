import { Button, Group, Modal, Radio, Stack, Table } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { type QueryClient, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import i18next from 'i18next';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { attempt } from '../api/client';
import { keys, useRecord } from '../api/records';
import { tell, tellError } from '../ui/edit';
import { type Kind, RecordSelect, titleOf } from '../ui/RecordSelect';
import { ErrorState, Loading } from '../ui/states';
import { type Doc, merge, type Mergeable, type Outcome, unmerge } from './api';
import classes from './Merge.module.css';

interface Props {
  noun: Mergeable;
  /** The record that stays. */
  id: string;
  /** The record that is merged into it, where that is known already. */
  from?: string;
  label(field: string): string;
  onClose(): void;
}

const KIND: Record<Mergeable, Kind> = { contacts: 'contact', companies: 'company' };

/** Merges a record into this one: what would come of it is shown first, and it can be taken back afterwards. */
export function Merge({ noun, id, from: given, label, onClose }: Props) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [from, setFrom] = useState(given ?? '');
  const [fields, setFields] = useState<Record<string, string>>({});
  const [name] = useState(attempt);
  const { data: stays } = useRecord(noun, id);
  const preview = useQuery({
    queryKey: [...keys.record(noun, id), 'merge', from, fields],
    queryFn: () => merge(noun, id, { from: [from], fields, dry_run: true }),
    enabled: from !== '',
    placeholderData: (before) => before,
    retry: false,
    gcTime: 0,
  });
  const work = useMutation({
    mutationFn: () => merge(noun, id, { from: [from], fields, dry_run: false }, stays?.version, name),
    onSuccess: async (outcome) => {
      await client.invalidateQueries();
      done(client, noun, id, outcome);
      onClose();
    },
    onError: tellError,
  });
  return (
    <Modal opened onClose={onClose} title={t('merge.title')} size="lg" closeButtonProps={{ 'aria-label': t('common.close') }}>
      <Stack gap="md">
        {!given && <RecordSelect label={t('merge.other')} kinds={[KIND[noun]]} value={from} without={[id]} clearable={false} autoFocus onChange={(chosen) => { setFrom(chosen ?? ''); setFields({}); }} />}
        {stays && <p className={classes.text}>{t('merge.stays', { name: titleOf(stays) })}</p>}
        {from && (preview.error ? <ErrorState error={preview.error} /> : !preview.data ? <Loading lines={4} /> : (
          <>
            <Choices outcome={preview.data} stays={id} label={label} choose={(field, record) => setFields({ ...fields, [field]: record })} />
            <section>
              <h2>{t('merge.after')}</h2>
              <Afterwards record={preview.data.record} label={label} />
            </section>
          </>
        ))}
        <p className="soft" style={{ margin: 0 }}>{t('merge.moves')}</p>
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>{t('common.cancel')}</Button>
          <Button disabled={!preview.data || !from} loading={work.isPending} onClick={() => work.mutate()}>{t('merge.do')}</Button>
        </Group>
      </Stack>
    </Modal>
  );
}

/** Where the records differ, which value is kept. */
function Choices({ outcome, stays, label, choose }: { outcome: Outcome; stays: string; label(field: string): string; choose(field: string, id: string): void }) {
  const { t } = useTranslation();
  if (outcome.conflicts.length === 0) return <p className={classes.text}>{t('merge.agree')}</p>;
  return (
    <Table verticalSpacing={6} className={classes.choices}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{t('common.conflict.field')}</Table.Th>
          <Table.Th>{t('merge.this')}</Table.Th>
          <Table.Th>{t('merge.that')}</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {outcome.conflicts.map(({ field, values, chosen }) => (
          <Table.Tr key={field} role="radiogroup" aria-label={label(field)}>
            <Table.Td>{label(field)}</Table.Td>
            {[stays, ...outcome.merged].map((id) => (
              <Table.Td key={id}>
                {id in values ? <Radio size="xs" name={`merge-${field}`} checked={chosen === id} onChange={() => choose(field, id)} label={shown(values[id])} /> : <span className="soft">—</span>}
              </Table.Td>
            ))}
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}

/** What the record that stays holds afterwards, of what is joined. */
function Afterwards({ record, label }: { record: Doc; label(field: string): string }) {
  const lines = (['emails', 'phones', 'addresses', 'tags', 'external_ids'] as const).flatMap((field) => {
    const value = record[field];
    const parts = Array.isArray(value) ? value.map((part) => part.address ?? part.number ?? shown(part)) : Object.entries(value ?? {}).map((pair) => pair.join(' '));
    return parts.length ? [{ field, text: parts.join(', ') }] : [];
  });
  return (
    <dl className={classes.after}>
      {lines.map(({ field, text }) => (
        <div key={field}>
          <dt className="label">{label(field)}</dt>
          <dd>{text}</dd>
        </div>
      ))}
    </dl>
  );
}

function shown(value: unknown): string {
  if (value === null || value === undefined) return '—';
  if (typeof value !== 'object') return String(value);
  if ('amount' in value && 'currency' in value) return `${value.amount} ${value.currency}`;
  return Object.values(value).filter((part) => typeof part === 'string').join(', ');
}

/** Says that it is done, and offers to take it back. */
function done(client: QueryClient, noun: Mergeable, id: string, { job, record }: Outcome): void {
  const t = i18next.t;
  const note = notifications.show({
    autoClose: 20_000,
    message: (
      <div className={classes.done}>
        <span>{t('merge.done', { name: titleOf(record as Doc) })}</span>
        {job && (
          <Button
            variant="default"
            onClick={async () => {
              notifications.hide(note);
              try {
                await unmerge(noun, id, job.id);
                tell(t('merge.undone'));
              } catch (error) {
                tellError(error);
              }
              await client.invalidateQueries();
            }}
          >
            {t('common.undo')}
          </Button>
        )}
      </div>
    ),
  });
}
