import { useTranslation } from 'react-i18next';
import { ErrorState, Loading } from '../ui/states';
import { useOverview } from './api';
import { ContactFields } from './ContactFields';
import { Figures } from './Figures';
import { NextSteps } from './NextSteps';
import classes from './Overview.module.css';
import { States } from './States';

/** A customer beside a list: what to do, the figures, the fields. */
export function ContactPanel({ id }: { id: string }) {
  const { t } = useTranslation();
  const { data: overview, error, refetch } = useOverview(id);
  if (error) return <ErrorState error={error} retry={() => void refetch()} />;
  if (!overview) return <Loading />;
  const { contact, score } = overview;
  return (
    <div className={classes.columns}>
      <div>
        <h2>{contact.name}</h2>
        <span className={classes.states}><States score={score} /></span>
      </div>
      <NextSteps overview={overview} />
      {score?.rfm && <Figures score={score} />}
      <section>
        <h2>{t('customers.fields')}</h2>
        <ContactFields contact={contact} />
      </section>
    </div>
  );
}
