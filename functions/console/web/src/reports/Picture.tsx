import { useTranslation } from 'react-i18next';
import { Columns } from '../ui/charts/Columns';
import { Curve } from '../ui/charts/Curve';
import { Outlook } from '../ui/charts/Outlook';
import { Rank } from '../ui/charts/Rank';
import { useFormats } from '../ui/format';
import type { Part, Report, ReportNumber } from './api';
import { runs } from './spans';
import { useWords } from './words';

/** The measure that a report is about; the others follow. */
const FIRST: Record<string, string> = {
  sales: 'sales', trading: 'sales', 'product-sales': 'revenue', 'product-margin': 'margin', 'product-turnover': 'turnover',
  composition: 'count', 'started-stopped': 'started', pareto: 'sales', profitability: 'profit', screening: 'total',
  forecast: 'forecast', receivables: 'balance',
};

/** Which measures can be drawn, the one that the report is about first. */
export function pictured(report: Report, measures: string[], part: Part): string[] {
  if (report.name === 'started-stopped' || (report.name === 'forecast' && report.by === 'month')) return ['started', 'forecast'].filter((measure) => measures.includes(measure));
  if (report.name === 'pareto' && report.by === 'customer') return ['cumulative_share'];
  const drawn = measures.filter((measure) => part.groups.some((group) => group.numbers[measure]?.value));
  return drawn.sort((one, other) => Number(other === FIRST[report.name]) - Number(one === FIRST[report.name]));
}

const amount = (number: ReportNumber | undefined): number => Number(number?.value ?? 0);

interface Props {
  report: Report;
  part: Part;
  measure: string;
  onPick(key: string, measure: string): void;
}

/** The picture that fits a report. The table below it holds the same values. */
export function Picture({ report, part, measure, onPick }: Props) {
  const { t } = useTranslation();
  const format = useFormats();
  const words = useWords();
  const groups = part.groups;
  const unit = groups.find((group) => group.numbers[measure])?.numbers[measure]?.unit ?? 'count';
  const tick = words.tick(unit, part.currency);
  const label = t('reports.picture', { measure: words.measure(measure), by: words.by(report.by) });
  const text = (number: ReportNumber | undefined) => (number ? words.value(number.unit, number.value, part.currency) : '');

  if (report.name === 'forecast' && report.by === 'month') {
    // Months before the first sale say nothing.
    const first = groups.findIndex((group) => amount(group.numbers.sales) !== 0 || group.numbers.forecast);
    const shown = groups.slice(Math.max(first, groups.length - 30));
    return (
      <Outlook
        label={label}
        tick={words.tick('money', part.currency)}
        words={{ past: words.measure('sales'), forecast: words.measure('forecast'), band: t('reports.interval95'), naive: words.measure('naive') }}
        onPick={(index) => onPick(shown[index]!.key, shown[index]!.numbers.forecast ? 'forecast' : 'sales')}
        steps={shown.map((group) => {
          const { sales, forecast, naive } = group.numbers;
          const [low, high] = forecast?.interval ?? [];
          return {
            name: words.group(report.by, group),
            past: sales && amount(sales),
            forecast: forecast && amount(forecast),
            naive: naive && amount(naive),
            low: low === undefined ? undefined : Number(low),
            high: high === undefined ? undefined : Number(high),
            text: forecast
              ? `${text(forecast)} (${forecast.interval?.map((end) => words.value('money', end, part.currency)).join(' – ') ?? ''})`
              : text(sales),
          };
        })}
      />
    );
  }
  if (measure === 'cumulative_share') {
    return (
      <Curve
        label={label}
        percent={(share) => format.percent(share)}
        cuts={[0.8]}
        tip={(point) => t('reports.curve', { customers: format.percent(point.customers, 1), sales: format.percent(point.sales, 1) })}
        onPick={(index) => onPick(groups[index]!.key, 'sales')}
        points={groups.map((group) => ({
          name: group.title,
          customers: amount(group.numbers.cumulative_customers),
          sales: amount(group.numbers.cumulative_share),
        }))}
      />
    );
  }
  if (words.time(groups[0]!.key)) {
    const both = report.name === 'started-stopped';
    return (
      <Columns
        label={label}
        tick={tick}
        whole={unit === 'count'}
        legend={both ? [words.measure('started'), words.measure('stopped')] : undefined}
        onPick={(index) => onPick(groups[index]!.key, measure)}
        columns={groups.map((group) => ({
          name: words.brief(group.key) ?? group.title,
          title: words.group(report.by, group),
          value: amount(group.numbers[measure]),
          text: text(group.numbers[measure]),
          open: runs(group.key, format.today()),
          ...(both && { less: amount(group.numbers.stopped), lessText: text(group.numbers.stopped) }),
        }))}
      />
    );
  }
  const ranked = [...groups].sort((one, other) => amount(other.numbers[measure]) - amount(one.numbers[measure])).slice(0, 12);
  return (
    <Rank
      label={label}
      items={ranked.map((group) => ({
        key: group.key,
        name: words.group(report.by, group),
        value: amount(group.numbers[measure]),
        text: text(group.numbers[measure]),
      }))}
    />
  );
}
