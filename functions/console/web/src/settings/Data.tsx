import { useTranslation } from 'react-i18next';
import { Close } from '../account/Close';
import { useArchives } from '../archives/api';
import { Archives } from '../archives/Archives';
import { MoveIn } from '../archives/MoveIn';
import { ErrorState, Loading } from '../ui/states';
import { SettingsPage } from './SettingsPage';

/** Taking everything with one, bringing everything in, ending it. */
export default function Data() {
  const { t } = useTranslation();
  const { data: archives, error, refetch } = useArchives();
  return (
    <SettingsPage title={t('settings.nav.data')} intro={t('data.intro')}>
      {archives ? (
        <>
          <Archives archives={archives} />
          <MoveIn archives={archives} />
          <Close />
        </>
      ) : error ? <ErrorState error={error} retry={() => void refetch()} /> : <Loading lines={6} />}
    </SettingsPage>
  );
}
