import { useParams } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { useRecord } from '../api/records';
import { History } from '../ui/History';
import { RecordPage, type Tab } from '../ui/RecordPage';
import { ErrorState, Loading } from '../ui/states';
import { Actions } from './Actions';
import { Clocks } from './Clocks';
import { Conversation } from './Conversation';
import { CustomerBeside } from './CustomerBeside';
import { TicketFields } from './TicketFields';
import { ticketField } from './fields';
import { Due, Escalation, StatusTag } from './State';

/** Fields whose values are words of the flow. */
const WORDS: readonly string[] = ['status', 'priority', 'kind', 'channel'];

export default function TicketRecord() {
  const { t } = useTranslation();
  const { id } = useParams({ strict: false }) as { id: string };
  const { data: ticket, error, refetch } = useRecord('tickets', id);
  if (error) return <ErrorState error={error} retry={() => void refetch()} />;
  if (!ticket) return <Loading />;
  const tabs: Tab[] = [
    { key: 'conversation', label: t('tickets.conversation'), count: ticket.message_count + (ticket.note_count ?? 0), content: <Conversation ticket={ticket} /> },
    { key: 'history', label: t('common.history.title'), content: <History noun="tickets" id={id} label={ticketField(t)} value={(field, value) => (WORDS.includes(field) ? t(`tickets.${field}.${value}`) : undefined)} /> },
  ];
  return (
    <RecordPage
      key={id}
      title={`#${ticket.number} ${ticket.subject}`}
      back={{ to: '/tickets', label: t('common.nav.tickets') }}
      beside={<><StatusTag status={ticket.status} /> <Escalation ticket={ticket} /> <Due ticket={ticket} named /></>}
      actions={<Actions ticket={ticket} />}
      fields={
        <>
          <TicketFields ticket={ticket} />
          <Clocks ticket={ticket} />
          <CustomerBeside ticket={ticket} />
        </>
      }
      tabs={tabs}
    />
  );
}
