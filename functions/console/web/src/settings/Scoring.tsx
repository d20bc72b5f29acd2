import { NumberInput, TextInput } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { UseFormReturnType } from '@mantine/form';
import { useTranslation } from 'react-i18next';
import { parseAmount } from '../ui/money';
import { type Settings, useSettings } from './api';
import { Percent } from './inputs';
import { type Rate, Rates } from './Rates';
import { SettingsSection, Two } from './Section';
import { SettingsPage } from './SettingsPage';

const WEIGHTS = ['purchases', 'profitability', 'safety', 'future', 'cooperation'] as const;
const COSTS = ['ticket', 'complaint', 'delivery'] as const;

const gradesOf = ({ scoring }: Settings) => ({ a: scoring.pareto_cuts[0]!, b: scoring.pareto_cuts[1]! });
const lossOf = ({ scoring, win_back }: Settings) => ({
  at_risk_p_alive: scoring.at_risk_p_alive,
  lost_after_days: scoring.lost_after_days,
  hold_out: win_back?.hold_out ?? 0,
});
const valueOf = ({ scoring, activity_costs: costs }: Settings) => ({
  margin_rate: scoring.margin_rate,
  discount_rate: scoring.discount_rate,
  ticket: costs?.ticket ?? '0',
  complaint: costs?.complaint ?? '0',
  delivery: costs?.delivery ?? '0',
});
const ratesOf = ({ rates }: Settings) => ({
  rates: Object.entries(rates ?? {}).map(([currency, worth]): Rate => ({ currency, worth: worth ?? '' })),
});
const weightsOf = ({ screening }: Settings): Record<(typeof WEIGHTS)[number], number> => ({
  purchases: screening?.purchases ?? 1,
  profitability: screening?.profitability ?? 1,
  safety: screening?.safety ?? 1,
  future: screening?.future ?? 1,
  cooperation: screening?.cooperation ?? 1,
});

/** By which measures customers are graded, valued and given up. */
export default function Scoring() {
  const { t } = useTranslation();
  const own = useSettings().data?.settings.currency ?? '';
  const amount = (text: string) => (parseAmount(text) && !text.trim().startsWith('-') ? null : t('settings.scoring.amount'));
  const rateFault = ({ worth }: Rate) => (Number(parseAmount(worth) ?? 0) > 0 ? null : t('settings.scoring.rates.fault'));
  return (
    <SettingsPage title={t('settings.nav.scoring')} intro={<>{t('settings.scoring.intro')} <Link to="/segments">{t('common.nav.segments')}</Link></>}>
      <SettingsSection
        title={t('settings.scoring.grades')}
        text={t('settings.scoring.gradesText')}
        read={gradesOf}
        write={({ a, b }, { scoring }) => ({ scoring: { ...scoring, pareto_cuts: [a, b] } })}
        validate={{ b: (b: number, { a }) => (b > a ? null : t('settings.scoring.rising')) }}
      >
        {(form) => (
          <Two>
            <Percent label={t('settings.scoring.a')} {...share(form, 'a')} />
            <Percent label={t('settings.scoring.b')} description={t('settings.scoring.c')} {...share(form, 'b')} />
          </Two>
        )}
      </SettingsSection>
      <SettingsSection
        title={t('settings.scoring.loss')}
        text={t('settings.scoring.lossText')}
        read={lossOf}
        write={({ hold_out, ...part }, { scoring }) => ({ scoring: { ...scoring, ...part }, win_back: { hold_out } })}
      >
        {(form) => (
          <Two>
            <Percent label={t('settings.scoring.risk')} description={t('settings.scoring.riskText')} {...share(form, 'at_risk_p_alive')} />
            <NumberInput label={t('settings.scoring.lost')} description={t('settings.scoring.lostText')} inputWrapperOrder={['label', 'input', 'description', 'error']}
              min={1} max={36_500} allowDecimal={false} hideControls rightSection={<span className="label">{t('settings.units.days')}</span>} rightSectionWidth={52}
              {...form.getInputProps('lost_after_days')} />
            <Percent label={t('settings.scoring.holdOut')} description={t('settings.scoring.holdOutText')} {...share(form, 'hold_out')} />
          </Two>
        )}
      </SettingsSection>
      <SettingsSection
        title={t('settings.scoring.value')}
        text={t('settings.scoring.valueText')}
        read={valueOf}
        write={({ margin_rate, discount_rate, ...costs }, { scoring }) => ({
          scoring: { ...scoring, margin_rate, discount_rate },
          activity_costs: {
            ticket: parseAmount(costs.ticket) ?? costs.ticket,
            complaint: parseAmount(costs.complaint) ?? costs.complaint,
            delivery: parseAmount(costs.delivery) ?? costs.delivery,
          },
        })}
        validate={{ ticket: amount, complaint: amount, delivery: amount }}
      >
        {(form) => (
          <>
            <Two>
              <Percent label={t('settings.scoring.margin')} description={t('settings.scoring.marginText')} {...share(form, 'margin_rate')} />
              <Percent label={t('settings.scoring.discount')} description={t('settings.scoring.discountText')} {...share(form, 'discount_rate')} />
            </Two>
            <Two>
              {COSTS.map((cost) => (
                <TextInput key={cost} label={t(`settings.scoring.costs.${cost}`)} inputMode="decimal" rightSection={<span className="label">{own}</span>} rightSectionWidth={46} {...form.getInputProps(cost)} />
              ))}
            </Two>
          </>
        )}
      </SettingsSection>
      <SettingsSection
        title={t('settings.scoring.rates.title')}
        text={t('settings.scoring.rates.text', { own })}
        read={ratesOf}
        write={({ rates }, before) => ({
          rates: {
            ...Object.fromEntries(Object.keys(before.rates ?? {}).map((currency) => [currency, null])),
            ...Object.fromEntries(rates.map(({ currency, worth }) => [currency, parseAmount(worth)])),
          },
        })}
        validate={{ rates: (rates: Rate[]) => (rates.every((rate) => !rateFault(rate)) ? null : t('settings.scoring.rates.fault')) }}
      >
        {(form) => (
          <Rates own={own} rates={form.values.rates} onChange={(rates) => form.setFieldValue('rates', rates)} fault={(rate) => (form.errors.rates ? rateFault(rate) : null)} />
        )}
      </SettingsSection>
      <SettingsSection
        title={t('settings.scoring.screening')}
        text={t('settings.scoring.screeningText')}
        read={weightsOf}
        write={(weights) => ({ screening: weights })}
        validate={{ purchases: (_: number, weights) => (WEIGHTS.some((weight) => weights[weight] > 0) ? null : t('settings.scoring.oneAbove')) }}
      >
        {(form) => (
          <Two>
            {WEIGHTS.map((weight) => (
              <NumberInput key={weight} label={t(`settings.scoring.weights.${weight}.name`)} description={t(`settings.scoring.weights.${weight}.text`)}
                inputWrapperOrder={['label', 'input', 'description', 'error']} min={0} max={1000} hideControls {...form.getInputProps(weight)} />
            ))}
          </Two>
        )}
      </SettingsSection>
    </SettingsPage>
  );
}

/** What a share's input needs of its form. */
function share<V extends Record<string, unknown>>(form: UseFormReturnType<V>, field: keyof V & string) {
  return {
    value: form.values[field] as number,
    onChange: (value: number) => form.setFieldValue(field, value as never),
    error: form.errors[field],
  };
}
