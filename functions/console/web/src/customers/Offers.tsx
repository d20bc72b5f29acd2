import { useTranslation } from 'react-i18next';
import { useFormats } from '../ui/format';
import { RecordLink } from '../ui/RecordLink';
import { Tag } from '../ui/Tag';
import { useSuggestions } from './api';
import classes from './Overview.module.css';

/** What to offer a customer next, and why. Nothing is said where nothing is known. */
export function Offers({ id }: { id: string }) {
  const { t, i18n } = useTranslation();
  const format = useFormats();
  const { data } = useSuggestions(id);
  if (!data?.data.length) return null;
  const list = new Intl.ListFormat(i18n.language, { type: 'conjunction', style: 'short' });
  return (
    <section>
      <h2>{t('customers.offer.title')}</h2>
      <ul className={classes.offers}>
        {data.data.slice(0, 4).map(({ product, kind, rule }) => {
          const way = (kind as string) === 'up_sell' ? 'up_sell' : 'cross_sell';
          return (
            <li key={product.id} className={classes.offer}>
              <span className={classes.grow}>
                <RecordLink id={product.id}>{product.name}</RecordLink> <Tag>{t(`customers.offer.${way}`)}</Tag>
                <span className="soft" style={{ display: 'block' }}>
                  {t(`customers.offer.why.${way}`, {
                    some: format.number(rule.baskets),
                    all: format.number(rule.antecedent_baskets),
                    other: list.format(rule.antecedents.map(({ name }) => name)),
                    lift: format.number(rule.lift, { maximumFractionDigits: 1 }),
                  })}
                </span>
              </span>
              <span className="number">{format.money(product.price)}</span>
            </li>
          );
        })}
      </ul>
    </section>
  );
}
