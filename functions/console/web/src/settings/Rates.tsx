import { ActionIcon, Select, TextInput } from '@mantine/core';
import { IconX } from '@tabler/icons-react';
import { useMemo } from 'react';
import { useTranslation } from 'react-i18next';
import { currencyOptions } from '../ui/places';
import classes from './Rates.module.css';

export interface Rate {
  currency: string;
  /** What one unit is worth in the firm's own currency, as it is typed. */
  worth: string;
}

interface Props {
  own: string;
  rates: Rate[];
  onChange(rates: Rate[]): void;
  fault(rate: Rate): string | null;
}

/** What other currencies are worth, for reports that add them up. */
export function Rates({ own, rates, onChange, fault }: Props) {
  const { t, i18n } = useTranslation();
  const currencies = useMemo(() => currencyOptions(i18n.language), [i18n.language]);
  const free = currencies.filter(({ value }) => value !== own && !rates.some(({ currency }) => currency === value));
  return (
    <div className={classes.rates}>
      {rates.map((rate, at) => (
        <div key={rate.currency} className={classes.rate} role="group" aria-label={rate.currency}>
          <span className="number">1 {rate.currency} =</span>
          <TextInput size="xs" inputMode="decimal" maxLength={24} className={classes.worth} aria-label={t('settings.scoring.rates.worth', { currency: rate.currency, own })}
            value={rate.worth} error={fault(rate)} onChange={(event) => { const worth = event.currentTarget.value; onChange(rates.map((other, n) => (n === at ? { ...other, worth } : other))); }} />
          <span>{own}</span>
          <ActionIcon variant="subtle" color="gray" size="sm" aria-label={t('settings.scoring.rates.drop', { currency: rate.currency })} onClick={() => onChange(rates.filter((_, n) => n !== at))}>
            <IconX size={14} />
          </ActionIcon>
        </div>
      ))}
      <Select aria-label={t('settings.scoring.rates.add')} placeholder={t('settings.scoring.rates.add')} searchable w={260} value={null} data={free} limit={300}
        onChange={(currency) => currency && onChange([...rates, { currency, worth: '' }])} />
    </div>
  );
}
