import { Button, Group, Pill, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useFormats } from '../ui/format';

interface Props {
  days: string[];
  onChange(days: string[]): void;
}

/** Free days, by year. */
export function Holidays({ days, onChange }: Props) {
  const { t } = useTranslation();
  const format = useFormats();
  const [day, setDay] = useState('');
  const add = () => {
    if (!/^\d{4}-\d\d-\d\d$/.test(day)) return;
    onChange([...new Set([...days, day])].sort());
    setDay('');
  };
  const years = [...new Set(days.map((one) => one.slice(0, 4)))].sort();
  return (
    <>
      {years.map((year) => (
        <div key={year}>
          <div className="label" id={`holidays-${year}`}>{year}</div>
          <Pill.Group mt={4} role="group" aria-labelledby={`holidays-${year}`}>
            {days.filter((one) => one.startsWith(year)).map((one) => (
              <Pill key={one} withRemoveButton onRemove={() => onChange(days.filter((other) => other !== one))}
                removeButtonProps={{ 'aria-label': t('settings.firm.holidays.drop', { day: format.day(one) }), 'aria-hidden': false, tabIndex: 0 }}>
                {format.day(one)}
              </Pill>
            ))}
          </Pill.Group>
        </div>
      ))}
      {days.length === 0 && <p className="soft">{t('settings.firm.holidays.none')}</p>}
      <Group align="flex-end" gap="xs">
        <TextInput type="date" label={t('settings.firm.holidays.day')} value={day} onChange={(event) => setDay(event.currentTarget.value)}
          onKeyDown={(event) => { if (event.key === 'Enter') { event.preventDefault(); add(); } }} />
        <Button variant="default" size="sm" disabled={!day} onClick={add}>{t('settings.add')}</Button>
      </Group>
    </>
  );
}
