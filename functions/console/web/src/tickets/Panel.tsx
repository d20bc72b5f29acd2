import { useRecord } from '../api/records';
import { ErrorState, Loading } from '../ui/states';
import { Actions } from './Actions';
import { Clocks } from './Clocks';
import { Conversation } from './Conversation';
import { TicketFields } from './TicketFields';
import classes from './Record.module.css';
import { Escalation, StatusTag } from './State';

/** A ticket beside a list: enough to answer it without leaving one's place. */
export function TicketPanel({ id }: { id: string }) {
  const { data: ticket, error, refetch } = useRecord('tickets', id);
  if (error) return <ErrorState error={error} retry={() => void refetch()} />;
  if (!ticket) return <Loading />;
  return (
    <>
      <h2 className={classes.panelTitle}>#{ticket.number} {ticket.subject}</h2>
      <div className={classes.panelLine}>
        <StatusTag status={ticket.status} /> <Escalation ticket={ticket} />
        <span className={classes.panelActions}><Actions ticket={ticket} /></span>
      </div>
      <Clocks ticket={ticket} />
      <div className={classes.section}><Conversation key={id} ticket={ticket} /></div>
      <div className={classes.section}><TicketFields ticket={ticket} /></div>
    </>
  );
}
