import { SegmentedControl, UnstyledButton } from '@mantine/core';
import { type CSSProperties, useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import type { Money } from '../api/records';
import { useFormats } from '../ui/format';
import { ErrorState, Loading } from '../ui/states';
import { useView } from '../ui/view';
import { type Score, type Segments, useScores } from './api';
import { cellOf, mostly, together } from './groups';
import { People, useGrowingScores } from './People';
import classes from './Segments.module.css';

const FIFTHS = [1, 2, 3, 4, 5];

/** Recency by frequency, as a map of warmth: where the customers are, or where the money is. */
export default function Grid({ segments }: { segments: Segments }) {
  const { t } = useTranslation();
  const format = useFormats();
  const [view, change] = useView();
  const keys = useMemo(() => segments.data.filter((segment) => segment.members).map((segment) => segment.key), [segments]);
  const result = useScores(keys);
  const cells = useMemo(() => together(result.data?.scores ?? [], cellOf), [result.data]);
  const money = view.by !== 'members';
  if (result.error) return <ErrorState error={result.error} retry={() => void result.refetch()} />;
  if (!result.data) return <Loading />;
  const amount = (cell: string) => (money ? Number(cells.get(cell)?.revenue ?? 0) : (cells.get(cell)?.members ?? 0));
  const top = Math.max(...[...cells.keys()].map(amount), 1);
  const revenue = (cell: string) => format.roundMoney({ amount: cells.get(cell)?.revenue ?? '0', currency: format.currency } as Money);
  const open = view.cell ? cells.get(view.cell) : undefined;
  return (
    <>
      <div className={classes.bar}>
        <SegmentedControl
          size="xs"
          aria-label={t('segments.grid.colour')}
          value={money ? 'revenue' : 'members'}
          data={[{ value: 'revenue', label: t('segments.grid.revenue') }, { value: 'members', label: t('segments.grid.members') }]}
          onChange={(next) => change({ by: next === 'members' ? 'members' : undefined })}
        />
        {!result.data.complete && <span className="soft">{t('segments.grid.partial', { count: result.data.scores.length })}</span>}
      </div>
      <div className={classes.scroller}>
        <table className={classes.grid}>
          <caption>{t('segments.grid.caption')}</caption>
          <tbody>
            {[...FIFTHS].reverse().map((f) => (
              <tr key={f}>
                <th scope="row">{t(`segments.grid.f.${f}`)}</th>
                {FIFTHS.map((r) => {
                  const cell = `${r}${f}`;
                  const here = cells.get(cell);
                  const name = here && mostly(here.scores, (score) => score.rfm?.segment);
                  const words = name ? t(`segments.name.${name}`, { defaultValue: name }) : '';
                  return (
                    <td key={r}>
                      <UnstyledButton
                        className={classes.cell}
                        style={{ '--heat': `${Math.sqrt(amount(cell) / top) * 48}%` } as CSSProperties}
                        disabled={!here}
                        onClick={() => change({ cell }, { push: true })}
                      >
                        <span className={classes.unseen}>{t('segments.grid.cell', { r: t(`segments.grid.r.${r}`), f: t(`segments.grid.f.${f}`), count: here?.members ?? 0, revenue: revenue(cell) })}</span>
                        <strong>{here ? (money ? revenue(cell) : format.number(here.members)) : '·'}</strong>
                        {here && <span className={`${classes.segment} cut`}>{words}</span>}
                      </UnstyledButton>
                    </td>
                  );
                })}
              </tr>
            ))}
          </tbody>
          <tfoot>
            <tr>
              <td />
              {FIFTHS.map((r) => <th key={r} scope="col">{t(`segments.grid.r.${r}`)}</th>)}
            </tr>
          </tfoot>
        </table>
      </div>
      <p className={classes.lead}>{t('segments.grid.text')}</p>
      {open && view.cell && (
        <Cell
          title={[t(`segments.grid.r.${view.cell[0]}`), t(`segments.grid.f.${view.cell[1]}`)].join(' · ')}
          scores={open.scores}
          onClose={() => change({ cell: undefined })}
        />
      )}
    </>
  );
}

function Cell({ title, scores, onClose }: { title: string; scores: Score[]; onClose(): void }) {
  const { t } = useTranslation();
  return <People title={title} about={t('segments.grid.people', { count: scores.length })} list={useGrowingScores(scores)} onClose={onClose} />;
}
