import { useTranslation } from 'react-i18next';
import { useName } from './names';
import { RecordLink } from './RecordLink';

/** A customer's name, which leads to the customer. */
export function CustomerName({ id }: { id: string }) {
  const { t } = useTranslation();
  const name = useName('contacts', id);
  return <RecordLink id={id}>{name === undefined ? '…' : name || t('common.nameless')}</RecordLink>;
}
