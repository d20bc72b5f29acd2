import { Button, SegmentedControl, Textarea } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { attempt } from '../api/client';
import { ApiError } from '../api/error';
import { call, keys, type Ticket, useRecord } from '../api/records';
import { tellError } from '../ui/edit';
import classes from './Conversation.module.css';
import { messagesOf, type Message } from './Conversation';
import { nextOf } from './flow';
import { useStep } from './steps';

type Kind = 'reply' | 'note' | 'heard';

interface Draft {
  kind: Kind;
  text: string;
  /** Of this attempt: sent again after a broken connection, it is said once. */
  attempt: string;
}

const KINDS: readonly Kind[] = ['reply', 'note', 'heard'];

/** A draft outlives a reload of its window, not the window: it may say something about a customer. */
function useDraft(ticket: string): [Draft, (change: Partial<Draft>) => void] {
  const key = `rapport.draft.${ticket}`;
  const [draft, setDraft] = useState<Draft>(() => {
    const fresh: Draft = { kind: 'reply', text: '', attempt: attempt() };
    try {
      return { ...fresh, ...(JSON.parse(sessionStorage.getItem(key) ?? '{}') as Partial<Draft>) };
    } catch {
      return fresh;
    }
  });
  const change = (change: Partial<Draft>) => {
    const next = { ...draft, ...change };
    setDraft(next);
    if (next.text) sessionStorage.setItem(key, JSON.stringify(next));
    else sessionStorage.removeItem(key);
  };
  return [draft, change];
}

/** The answer in the reader's own mail program, under a subject that names the ticket. */
const mailto = (address: string, ticket: Ticket, text: string) =>
  `mailto:${encodeURIComponent(address)}?subject=${encodeURIComponent(`#${ticket.number} ${ticket.subject}`)}&body=${encodeURIComponent(text)}`;

/** Answers the customer, notes something for ourselves, or writes down what the customer said on the telephone. */
export function Reply({ ticket }: { ticket: Ticket }) {
  const { t } = useTranslation();
  const client = useQueryClient();
  const [draft, change] = useDraft(ticket.id);
  const step = useStep();
  const email = useRecord('contacts', ticket.contact_id ?? undefined).data?.email;
  const send = useMutation({
    mutationFn: ({ kind, text, attempt }: Draft) =>
      call<Message>('POST', `/v1/tickets/${ticket.id}/messages`, {
        body: { body: text.trim(), internal: kind === 'note', from: kind === 'heard' ? 'customer' : 'agent' },
        attempt,
      }),
    onSuccess: () => change({ text: '', attempt: attempt() }),
    onError: (error) => {
      // A refusal is an answer: what is sent next is another attempt.
      if (!(error instanceof ApiError) || error.status !== 0) change({ attempt: attempt() });
      tellError(error);
    },
    onSettled: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: messagesOf(ticket.id) }),
        client.invalidateQueries({ queryKey: keys.noun('tickets'), refetchType: 'active' }),
      ]),
  });
  const ready = draft.text.trim() !== '' && !send.isPending;
  const post = () => ready && send.mutate(draft);
  const wait = async () => {
    if (!ready || !(await send.mutateAsync(draft).catch(() => null))) return;
    const now = await client.fetchQuery<Ticket>({ queryKey: keys.record('tickets', ticket.id), staleTime: 0, queryFn: () => call('GET', `/v1/tickets/${ticket.id}`) });
    if (nextOf(now.status).includes('waiting')) step.mutate({ ticket: now, to: 'waiting' });
  };
  return (
    <div className={classes.reply} data-internal={draft.kind === 'note' || undefined}>
      <div className={classes.switch}>
        <SegmentedControl
          size="xs"
          aria-label={t('tickets.reply.kind')}
          value={draft.kind}
          onChange={(kind) => change({ kind: kind as Kind })}
          data={KINDS.map((value) => ({ value, label: t(`tickets.reply.${value}`) }))}
        />
      </div>
      <Textarea
        aria-label={t(`tickets.reply.${draft.kind}`)}
        placeholder={t(`tickets.reply.placeholder.${draft.kind}`)}
        variant="unstyled"
        autosize
        minRows={3}
        maxRows={14}
        maxLength={50_000}
        value={draft.text}
        onChange={(event) => change({ text: event.currentTarget.value })}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && (event.ctrlKey || event.metaKey) && !event.nativeEvent.isComposing) {
            event.preventDefault();
            post();
          }
        }}
      />
      <div className={classes.send}>
        <span className={classes.hint}>{t(`tickets.reply.hint.${draft.kind}`)}</span>
        {draft.kind === 'reply' && email && (
          <Button component="a" variant="subtle" color="gray" href={mailto(email, ticket, draft.text)}>{t('tickets.reply.mail')}</Button>
        )}
        {draft.kind === 'reply' && (ticket.status === 'new' || ticket.status === 'open') && (
          <Button variant="default" disabled={!ready} onClick={() => void wait()}>{t('tickets.reply.wait')}</Button>
        )}
        <Button disabled={!draft.text.trim()} loading={send.isPending} onClick={post} title={t('tickets.reply.keys')}>
          {t(draft.kind === 'reply' ? 'tickets.reply.send' : 'tickets.reply.keep')}
        </Button>
      </div>
    </div>
  );
}
