import { Button } from '@mantine/core';
import { IconCheck } from '@tabler/icons-react';
import { Link, useNavigate } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import type { User } from '../api/records';
import { useMay, useMe } from '../ui/me';
import { Page } from '../ui/Page';
import { ErrorState, Loading } from '../ui/states';
import { type Step, useDismissed, useGuide } from './guide';
import { SampleData } from './SampleData';
import classes from './Welcome.module.css';

/** Where each step is taken; the first way is the one most firms go. */
const WAYS: Record<Step, Array<{ key: string; to: string; search?: Record<string, string> }>> = {
  customers: [{ key: 'import', to: '/imports/new', search: { kind: 'contacts' } }, { key: 'type', to: '/customers', search: { create: '1' } }],
  products: [{ key: 'import', to: '/imports/new', search: { kind: 'products' } }, { key: 'type', to: '/products', search: { create: '1' } }],
  colleagues: [{ key: 'invite', to: '/settings/people' }],
  connect: [{ key: 'connect', to: '/settings/sources' }],
  surveys: [{ key: 'set', to: '/settings/service' }],
};

/** The first minutes: what to set up, in the order in which it pays, and what is done of it. */
export default function Welcome() {
  const { t } = useTranslation();
  const navigate = useNavigate();
  const user = useMe().data?.user as User | undefined;
  const may = useMay();
  const { data: guide, error, refetch } = useGuide();
  const [dismissed, setDismissed] = useDismissed();
  const done = guide?.filter((step) => step.done).length ?? 0;
  const next = guide?.find((step) => !step.done)?.step;
  return (
    <Page
      narrow
      title={t('welcome.title')}
      beside={guide && <span className="number">{t('welcome.progress', { done, all: guide.length })}</span>}
      actions={
        !dismissed && (
          <Button
            variant="default"
            onClick={() => {
              setDismissed(true);
              void navigate({ to: '/' });
            }}
          >
            {t('welcome.dismiss')}
          </Button>
        )
      }
    >
      <p className={classes.intro}>{user ? t('welcome.hello', { name: user.name }) : t('welcome.text')}</p>
      {error && !guide ? <ErrorState error={error} retry={() => void refetch()} /> : !guide ? <Loading /> : (
        <ol className={classes.steps}>
          {guide.map(({ step, done }) => (
            <li key={step} className={classes.step} data-done={done || undefined}>
              <span className={classes.mark} role="img" aria-label={done ? t('welcome.done') : t('welcome.open')}>{done && <IconCheck size={13} />}</span>
              <div>
                <h2>{t(`welcome.steps.${step}.title`)}</h2>
                <p className={classes.text}>{t(`welcome.steps.${step}.text`)}</p>
              </div>
              <div className={classes.actions}>
                {WAYS[step].map((way, at) => (
                  <Button key={way.key} component={Link} to={way.to} search={way.search as never} variant={step === next && at === 0 ? 'filled' : at === 0 ? 'default' : 'subtle'}>
                    {t(`welcome.ways.${way.key}`)}
                  </Button>
                ))}
              </div>
            </li>
          ))}
        </ol>
      )}
      {may('settings', 'write') && (
        <section className={classes.sample}>
          <h2>{t('welcome.sample')}</h2>
          <p>{t('welcome.sampleText')}</p>
          <SampleData />
          <p>{t('welcome.demo')} <code>cargo up --demo</code></p>
        </section>
      )}
    </Page>
  );
}
