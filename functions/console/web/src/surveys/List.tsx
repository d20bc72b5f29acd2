import { Button, Checkbox, Select, TextInput } from '@mantine/core';
import { IconMessageStar, IconPlus } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { answer, api } from '../api/client';
import { keys, records, type Survey, useList } from '../api/records';
import type { Column } from '../ui/DataTable';
import { type Filter, filtersOf } from '../ui/Filters';
import { FormModal } from '../ui/FormModal';
import { useFormats } from '../ui/format';
import { ListPage } from '../ui/ListPage';
import { useMay } from '../ui/me';
import { EmptyState } from '../ui/states';
import { Tag } from '../ui/Tag';
import { useView } from '../ui/view';
import { Interval, Within } from './Interval';
import { METRICS, written } from './metrics';
import { useResults } from './results';

export default function SurveyList() {
  const { t } = useTranslation();
  const may = useMay();
  const [view, change] = useView();
  const filters: Filter[] = [
    { key: 'metric', label: t('surveys.metricName'), kind: 'choice', options: METRICS.map((value) => ({ value, label: t(`surveys.metric.${value}`) })) },
    { key: 'active', label: t('surveys.stateName'), kind: 'choice', options: ['true', 'false'].map((value) => ({ value, label: t(`surveys.state.${value}`) })) },
  ];
  const list = useList('surveys', filtersOf(filters, view));
  const columns: Column<Survey>[] = [
    { key: 'name', title: t('surveys.name'), render: (survey) => <Link to="/surveys/$id" params={{ id: survey.id }}>{survey.name}</Link> },
    { key: 'metric', title: t('surveys.metricName'), width: 190, render: (survey) => t(`surveys.metric.${survey.metric}`) },
    { key: 'when', title: t('surveys.sentAfter'), width: 190, render: (survey) => <When survey={survey} /> },
    { key: 'state', title: t('surveys.stateName'), width: 100, render: (survey) => <State survey={survey} /> },
    { key: 'answered', title: t('surveys.answers'), width: 90, align: 'end', render: (survey) => <Answered id={survey.id} /> },
    { key: 'score', title: t('surveys.score'), width: 300, render: (survey) => <Score survey={survey} /> },
  ];
  const create = may('surveys', 'write') && (
    <Button leftSection={<IconPlus size={15} />} onClick={() => change({ create: '1' })}>{t('surveys.create')}</Button>
  );
  return (
    <>
      <ListPage
        name="surveys"
        title={t('common.nav.surveys')}
        columns={columns}
        list={list}
        filters={filters}
        actions={create}
        phone={(survey) => (
          <>
            <Link to="/surveys/$id" params={{ id: survey.id }} className="cut">{survey.name}</Link>
            <span className="cut"><State survey={survey} /> <Answers id={survey.id} /> <Score survey={survey} short /></span>
          </>
        )}
        empty={<EmptyState icon={<IconMessageStar />} title={t('surveys.empty')} action={create} />}
      />
      <SurveyForm opened={view.create === '1'} onClose={() => change({ create: undefined })} />
    </>
  );
}

export function State({ survey }: { survey: Survey }) {
  const { t } = useTranslation();
  return <Tag tone={survey.active ? 'green' : 'gray'}>{t(`surveys.state.${survey.active}`)}</Tag>;
}

export function When({ survey }: { survey: Survey }) {
  const { t } = useTranslation();
  const settings = useQuery({ queryKey: ['settings'], queryFn: () => answer(api.GET('/v1/settings')), enabled: useMay()('settings', 'read') });
  const triggers = survey.triggers ?? [];
  if (triggers.length) return triggers.map((trigger) => t(`surveys.trigger.${trigger.replace('.', '_')}`)).join(', ');
  if (!survey.built_in || !survey.active) return <span className="soft">{t('surveys.unused')}</span>;
  if (!settings.data) return <span className="soft">{t('surveys.asSet')}</span>;
  const { enabled, template } = settings.data.survey;
  return enabled && template === survey.metric ? <>{t('surveys.inUse')}</> : <span className="soft">{t('surveys.unused')}</span>;
}

function Answered({ id }: { id: string }) {
  const format = useFormats();
  const { data } = useResults(id);
  return data ? <>{format.number(data.answered)}</> : null;
}

function Answers({ id }: { id: string }) {
  const { t } = useTranslation();
  const { data } = useResults(id);
  return data ? <>{t('surveys.answerCount', { count: data.answered })}</> : null;
}

function Score({ survey, short }: { survey: Survey; short?: boolean }) {
  const format = useFormats();
  const { data } = useResults(survey.id);
  if (!data?.score) return data && !short ? <span className="soft">—</span> : null;
  const text = <strong className="number">{written(format, survey.metric, data.score.value)}</strong>;
  if (short) return <> · {text}</>;
  return (
    <span style={{ display: 'grid', gridTemplateColumns: '44px 110px auto', gap: 8, alignItems: 'center' }}>
      {text}
      <Interval figure={data.score} metric={survey.metric} />
      <Within figure={data.score} metric={survey.metric} />
    </span>
  );
}

/** A survey needs but a name and what it asks for: the rest is the usual, and changed on its page. */
function SurveyForm({ opened, onClose }: { opened: boolean; onClose(): void }) {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const client = useQueryClient();
  return (
    <FormModal
      title={t('surveys.create')}
      opened={opened}
      onClose={onClose}
      initial={{ name: '', metric: 'csat', triggers: [] as string[] }}
      validate={{ name: (name: string) => (name.trim() ? null : t('surveys.form.name')) }}
      submit={t('surveys.form.submit')}
      onSubmit={async (values, attempt) => {
        // Nobody is asked before somebody has looked at it.
        const survey = await records.create('surveys', { ...values, active: false }, { attempt });
        await client.invalidateQueries({ queryKey: keys.noun('surveys') });
        void navigate({ to: '/surveys/$id', params: { id: survey.id }, search: { tab: 'questions' } as never });
      }}
    >
      {(form) => (
        <>
          <TextInput label={t('surveys.name')} required data-autofocus {...form.getInputProps('name')} />
          <Select
            label={t('surveys.metricName')}
            description={t('surveys.form.metric')}
            allowDeselect={false}
            data={METRICS.map((value) => ({ value, label: t(`surveys.metric.${value}`) }))}
            {...form.getInputProps('metric')}
          />
          <Checkbox.Group label={t('surveys.sentAfter')} description={t('surveys.form.inactive')} {...form.getInputProps('triggers')}>
            <Checkbox mt="xs" value="ticket.resolved" label={t('surveys.trigger.ticket_resolved')} />
            <Checkbox mt="xs" value="order.fulfilled" label={t('surveys.trigger.order_fulfilled')} />
          </Checkbox.Group>
        </>
      )}
    </FormModal>
  );
}
