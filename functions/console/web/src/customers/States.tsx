import { useTranslation } from 'react-i18next';
import { Tag, type Tone } from '../ui/Tag';
import type { Score } from './api';

const LIFECYCLES: Record<string, Tone> = {
  customer: 'blue', repeat: 'green', loyal: 'green', at_risk: 'yellow', lost: 'red', won_back: 'violet',
};
export const lifecycles = Object.keys(LIFECYCLES);

const SEGMENTS: Record<string, Tone> = {
  champions: 'green', loyal: 'green', potential_loyalist: 'blue', new: 'blue', promising: 'blue', needs_attention: 'yellow',
  about_to_sleep: 'yellow', at_risk: 'yellow', cannot_lose: 'red', hibernating: 'gray', lost: 'red',
};

/** A customer's stage of life. */
export function Lifecycle({ stage }: { stage: string | null | undefined }) {
  const { t } = useTranslation();
  return stage ? <Tag tone={LIFECYCLES[stage]}>{t(`customers.lifecycle.${stage}`)}</Tag> : null;
}

/** The segment of recency, frequency and monetary value. */
export function Segment({ segment }: { segment: string | null | undefined }) {
  const { t } = useTranslation();
  return segment ? <Tag tone={SEGMENTS[segment]}>{t(`customers.segment.${segment}`)}</Tag> : null;
}

/** Stage, segment and grade beside a name; a word that both say is said once. */
export function States({ score }: { score: Score | null | undefined }) {
  const { t } = useTranslation();
  const [stage, segment] = [score?.lifecycle, score?.rfm?.segment];
  const same = stage && segment && t(`customers.lifecycle.${stage}`) === t(`customers.segment.${segment}`);
  return (
    <>
      <Lifecycle stage={stage} />
      {!same && <Segment segment={segment} />}
      <Grade grade={score?.pareto?.grade} />
    </>
  );
}

/** A, B or C by share of revenue. */
export function Grade({ grade }: { grade: string | null | undefined }) {
  const { t } = useTranslation();
  return grade ? <Tag tone={grade === 'A' ? 'violet' : 'gray'} title={t(`customers.grade.${grade}`)}>{grade}</Tag> : null;
}
