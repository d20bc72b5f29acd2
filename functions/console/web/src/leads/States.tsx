import { Button, Menu, VisuallyHidden } from '@mantine/core';
import { IconChevronDown } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Lead } from '../api/records';
import { useEdit } from '../ui/edit';
import { useMay } from '../ui/me';
import { Tag, type Tone } from '../ui/Tag';
import { leadField, OPEN } from './fields';

const STATUS: Record<string, Tone> = { new: 'blue', working: 'yellow', qualified: 'green', unqualified: 'gray', converted: 'violet' };
const RATING: Record<string, Tone> = { hot: 'green', warm: 'blue', cold: 'gray' };

export function Status({ status }: { status: string }) {
  const { t } = useTranslation();
  return <Tag tone={STATUS[status]}>{t(`leads.status.${status}`)}</Tag>;
}

export function Rating({ rating }: { rating: string | null | undefined }) {
  const { t } = useTranslation();
  return rating ? <Tag tone={RATING[rating]}>{t(`leads.rating.${rating}`)}</Tag> : null;
}

/** The lead's state, and the others a click away. */
export function StatusMenu({ lead }: { lead: Lead }) {
  const { t } = useTranslation();
  const edit = useEdit('leads', leadField(t));
  const write = useMay()('leads', 'write');
  if (!write || lead.status === 'converted') return <Status status={lead.status} />;
  return (
    <Menu position="bottom-start" shadow="md">
      <Menu.Target>
        <Button variant="default" rightSection={<IconChevronDown size={14} />}><VisuallyHidden>{t('leads.setStatus')}: </VisuallyHidden><Status status={lead.status} /></Button>
      </Menu.Target>
      <Menu.Dropdown>
        {OPEN.map((status) => (
          <Menu.Item key={status} disabled={status === lead.status} onClick={() => edit.change(lead, { status })}><Status status={status} /></Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
