import { Table } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { components } from '../api/schema.gen';
import { useFormats } from '../ui/format';
import { Interval, Within } from './Interval';
import type { Figure } from './metrics';
import classes from './Results.module.css';

const DIMENSIONS = ['tangibles', 'reliability', 'responsiveness', 'assurance', 'empathy'] as const;

/** The quality of service by dimension: where what customers find falls short of what they expect. */
export function Servqual({ servqual }: { servqual: components['schemas']['SurveyServqual'] }) {
  const { t } = useTranslation();
  const format = useFormats();
  const mean = (figure: Figure | null | undefined, sign = false) =>
    figure ? format.number(figure.value, { minimumFractionDigits: 1, maximumFractionDigits: 1, signDisplay: sign ? 'exceptZero' : 'auto' }) : '';
  const gaps = DIMENSIONS.some((key) => servqual.dimensions[key]?.gap);
  return (
    <section>
      <h2>{t('surveys.dimensions')}</h2>
      <div className={classes.scroll} role="region" aria-label={t('surveys.dimensions')} tabIndex={0}>
        <Table verticalSpacing={6} className={classes.table}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('surveys.dimensionName')}</Table.Th>
              {gaps && <Table.Th ta="right">{t('surveys.expectation')}</Table.Th>}
              <Table.Th ta="right">{t('surveys.perception')}</Table.Th>
              {gaps && <Table.Th ta="right">{t('surveys.gap')}</Table.Th>}
              <Table.Th className={classes.drawn}>{t('surveys.interval')}</Table.Th>
              {gaps && <Table.Th ta="right">{t('surveys.weight')}</Table.Th>}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {DIMENSIONS.map((key) => {
              const dimension = servqual.dimensions[key];
              if (!dimension) return null;
              const drawn = gaps ? dimension.gap : dimension.perception;
              const metric = gaps ? 'servqual' : 'servqual_short';
              return (
                <Table.Tr key={key}>
                  <Table.Td>{t(`surveys.dimension.${key}`)}</Table.Td>
                  {gaps && <Table.Td ta="right" className="number">{mean(dimension.expectation)}</Table.Td>}
                  <Table.Td ta="right" className="number">{mean(dimension.perception)}</Table.Td>
                  {gaps && <Table.Td ta="right" className="number">{mean(dimension.gap, true)}</Table.Td>}
                  <Table.Td>
                    {drawn && <div className={classes.cell}><Interval figure={drawn} metric={metric} range={gaps ? [-3, 3] : undefined} /><Within figure={drawn} metric={metric} /></div>}
                  </Table.Td>
                  {gaps && <Table.Td ta="right" className="number">{dimension.weight ? format.number(dimension.weight.value, { maximumFractionDigits: 0 }) : ''}</Table.Td>}
                </Table.Tr>
              );
            })}
          </Table.Tbody>
        </Table>
      </div>
    </section>
  );
}
