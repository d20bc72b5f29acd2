import { Button, Checkbox, Stack } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { IconDownload, IconTrash } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { useNavigate, useParams } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { type Survey, useRecord } from '../api/records';
import { tellError, useEdit, useRemove } from '../ui/edit';
import { Field } from '../ui/Field';
import { useFormats } from '../ui/format';
import { useMay } from '../ui/me';
import { RecordPage } from '../ui/RecordPage';
import { ErrorState, Loading } from '../ui/states';
import { Comments } from './Comments';
import { downloadAnswers } from './download';
import { Invitations } from './Invitations';
import { State, When } from './List';
import { Questions, surveyField } from './Questions';
import { Results } from './Results';

export default function SurveyRecord() {
  const { t } = useTranslation();
  const { id } = useParams({ strict: false }) as { id: string };
  const navigate = useNavigate();
  const may = useMay();
  const narrow = useMediaQuery('(max-width: 62em)', false, { getInitialValueInEffect: false });
  const remove = useRemove('surveys');
  const download = useMutation({ mutationFn: (survey: Survey) => downloadAnswers(survey.id, survey.name), onError: tellError });
  const { data: survey, error, refetch } = useRecord('surveys', id);
  if (error) return <ErrorState error={error} retry={() => void refetch()} />;
  if (!survey) return <Loading />;
  return (
    <RecordPage
      key={id}
      title={survey.name}
      back={{ to: '/surveys', label: t('common.nav.surveys') }}
      beside={<State survey={survey} />}
      actions={
        <>
          <Button variant="default" leftSection={<IconDownload size={15} />} loading={download.isPending} onClick={() => download.mutate(survey)}>{t('surveys.download')}</Button>
          {may('surveys', 'write') && !survey.built_in && (
            <Button variant="default" leftSection={<IconTrash size={15} />} loading={remove.isPending} onClick={() => remove.mutate([id], { onSuccess: () => void navigate({ to: '/surveys' }) })}>
              {t('common.remove')}
            </Button>
          )}
        </>
      }
      fields={narrow ? <Summary survey={survey} /> : <SurveyFields survey={survey} />}
      tabs={[
        { key: 'results', label: t('surveys.tab.results'), content: <Results survey={survey} /> },
        { key: 'comments', label: t('surveys.tab.comments'), content: <Comments survey={survey} /> },
        { key: 'invitations', label: t('surveys.tab.invitations'), content: <Invitations survey={survey} /> },
        { key: 'questions', label: t('surveys.tab.questions'), content: <Questions survey={survey} /> },
        // Where there is no room beside, what was answered comes first.
        ...(narrow ? [{ key: 'settings', label: t('surveys.tab.settings'), content: <SurveyFields survey={survey} /> }] : []),
      ]}
    />
  );
}

function Summary({ survey }: { survey: Survey }) {
  const { t } = useTranslation();
  return (
    <>
      <Field label={t('surveys.metricName')}>{t(`surveys.metric.${survey.metric}`)}</Field>
      <Field label={t('surveys.sentAfter')}><When survey={survey} /></Field>
    </>
  );
}

function SurveyFields({ survey }: { survey: Survey }) {
  const { t } = useTranslation();
  const format = useFormats();
  const field = surveyField(t);
  const edit = useEdit('surveys', field);
  const write = useMay()('surveys', 'write');
  const save = <T,>(make: (value: string | null) => T) => (write ? (value: string | null) => edit.change(survey, make(value) as Record<string, unknown>) : undefined);
  const number = (value: string | null) => (value === null ? null : Number(value));
  return (
    <>
      <Field label={field('name')} value={survey.name} edit={{ kind: 'text', required: true }} onSave={save((name) => ({ name }))} />
      <Field label={field('metric')}>{t(`surveys.metric.${survey.metric}`)}</Field>
      <Field
        label={field('active')}
        value={String(survey.active)}
        edit={{ kind: 'choice', required: true, options: ['true', 'false'].map((value) => ({ value, label: t(`surveys.state.${value}`) })) }}
        onSave={save((active) => ({ active: active === 'true' }))}
      />
      <Field
        label={field('sample_rate')}
        value={survey.sample_rate === null || survey.sample_rate === undefined ? '' : String(Math.round(survey.sample_rate * 100))}
        edit={{ kind: 'number' }}
        onSave={save((value) => ({ sample_rate: value === null ? null : Number(value) / 100 }))}
      >
        {survey.sample_rate === null || survey.sample_rate === undefined ? t('surveys.asFirm') : format.percent(survey.sample_rate)}
      </Field>
      <Field label={field('reminder_days')} value={survey.reminder_days?.toString()} edit={{ kind: 'number' }} onSave={save((value) => ({ reminder_days: number(value) }))}>
        {survey.reminder_days ? t('surveys.afterDays', { count: survey.reminder_days }) : t('surveys.never')}
      </Field>
      {survey.reminder_days ? (
        <Field label={field('most_reminders')} value={String(survey.most_reminders ?? 1)} edit={{ kind: 'number' }} onSave={save((value) => ({ most_reminders: number(value) }))} />
      ) : null}
      <Checkbox.Group
        mt="sm"
        label={field('triggers')}
        description={survey.built_in ? t('surveys.builtIn') : t('surveys.triggersText')}
        value={survey.triggers ?? []}
        onChange={(triggers) => edit.change(survey, { triggers })}
        readOnly={!write}
      >
        <Stack gap={6} mt={6}>
          <Checkbox value="ticket.resolved" label={t('surveys.trigger.ticket_resolved')} disabled={!write} />
          <Checkbox value="order.fulfilled" label={t('surveys.trigger.order_fulfilled')} disabled={!write} />
        </Stack>
      </Checkbox.Group>
    </>
  );
}
