import { useTranslation } from 'react-i18next';
import type { Money } from '../api/records';
import { useFormats } from '../ui/format';
import { RecordLink } from '../ui/RecordLink';
import { Tag } from '../ui/Tag';
import type { Overview } from './api';
import { nextSteps, type Step } from './next';
import classes from './Overview.module.css';

/** What waits to be done for a customer, each with the way to it. */
export function NextSteps({ overview }: { overview: Overview }) {
  const { t } = useTranslation();
  const format = useFormats();
  const steps = nextSteps(overview, new Date().toISOString());
  const words = (step: Step) => {
    const { amount, currency } = step.values;
    const money = amount === undefined ? '' : format.money({ amount, currency } as unknown as Money);
    return t(`customers.next.${step.key}`, { ...step.values, money });
  };
  return (
    <section>
      <h2>{t('customers.next.title')}</h2>
      {overview.contact.do_not_contact && <p className={classes.warning}>{t('customers.next.do_not_contact')}</p>}
      {steps.length === 0 ? (
        <p className="soft">{t('customers.next.nothing')}</p>
      ) : (
        <ul className={classes.steps}>
          {steps.map((step, index) => (
            <li key={index} className={classes.step}>
              <Tag tone={step.tone}>{t(`customers.next.tag.${step.key}`)}</Tag>
              <span className={classes.grow}>{step.id ? <RecordLink id={step.id}>{words(step)}</RecordLink> : words(step)}</span>
              {step.at && <time className="soft" dateTime={step.at} title={format.moment(step.at)}>{format.ago(step.at)}</time>}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
