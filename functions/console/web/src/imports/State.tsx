import { useTranslation } from 'react-i18next';
import { Tag, type Tone } from '../ui/Tag';
import type { Import, ImportStatus } from './api';

const TONES: Record<ImportStatus, Tone> = {
  draft: 'gray', queued: 'blue', running: 'blue', done: 'green', failed: 'red', cancelled: 'gray', reverting: 'blue', reverted: 'violet',
};

export function ImportState({ of }: { of: Import }) {
  const { t } = useTranslation();
  return <Tag tone={TONES[of.status]}>{t(`imports.status.${of.status}`)}</Tag>;
}
