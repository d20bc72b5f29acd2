import { Button, Select, Textarea } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { call, keys, useGrowing } from '../api/records';
import type { components } from '../api/schema.gen';
import { FormModal } from '../ui/FormModal';
import { useFormats } from '../ui/format';
import { useMay, usePeople } from '../ui/me';
import { Tag, type Tone } from '../ui/Tag';
import classes from './Scores.module.css';

type Screening = components['schemas']['Screening'];

const DECISIONS: Record<string, Tone> = { keep: 'green', develop: 'blue', watch: 'yellow', limit_credit: 'yellow', end: 'red' };

/** What was decided of a customer, and a form to decide anew. */
export function Screenings({ id }: { id: string }) {
  const { t } = useTranslation();
  const format = useFormats();
  const may = useMay();
  const people = usePeople();
  const client = useQueryClient();
  const [deciding, decide] = useState(false);
  const key = [...keys.record('contacts', id), 'screenings'];
  const path = `/v1/contacts/${encodeURIComponent(id)}/screenings`;
  const list = useGrowing<Screening>(key, path, { limit: 20 }, may('reports', 'read'));
  if (!may('reports', 'read')) return null;
  return (
    <section>
      <div className={classes.head}>
        <h2>{t('customers.screening.title')}</h2>
        {may('reports', 'write') && <Button variant="default" onClick={() => decide(true)}>{t('customers.screening.decide')}</Button>}
      </div>
      {list.rows.length === 0 ? (
        <p className="soft" style={{ margin: 0 }}>{t('customers.screening.none')}</p>
      ) : (
        <ul className={classes.decisions}>
          {list.rows.map((row) => (
            <li key={row.id}>
              <Tag tone={DECISIONS[row.decision as string]}>{t(`customers.screening.decision.${row.decision as string}`)}</Tag> {row.note}
              <div className="label">{[people.name(row.decided_by), format.moment(row.decided_at), row.total && t('customers.screening.total', { total: String(row.total) })].filter(Boolean).join(' · ')}</div>
            </li>
          ))}
        </ul>
      )}
      <FormModal
        title={t('customers.screening.decide')}
        opened={deciding}
        onClose={() => decide(false)}
        initial={{ decision: 'keep', note: '' }}
        submit={t('common.save')}
        onSubmit={async (values, attempt) => {
          await call('POST', path, { body: { decision: values.decision, note: values.note.trim() || undefined }, attempt });
          await client.invalidateQueries({ queryKey: key });
        }}
      >
        {(form) => (
          <>
            <Select
              label={t('customers.screening.what')}
              allowDeselect={false}
              data={Object.keys(DECISIONS).map((value) => ({ value, label: t(`customers.screening.decision.${value}`) }))}
              {...form.getInputProps('decision')}
            />
            <Textarea label={t('customers.screening.why')} autosize minRows={3} maxRows={8} maxLength={2000} {...form.getInputProps('note')} />
          </>
        )}
      </FormModal>
    </section>
  );
}
