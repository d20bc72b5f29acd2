import { ActionIcon, Button, Menu } from '@mantine/core';
import { IconArrowDown, IconArrowUp, IconDots, IconPencil, IconPlus, IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Survey } from '../api/records';
import { useEdit } from '../ui/edit';
import { Field } from '../ui/Field';
import { useMay } from '../ui/me';
import { Tag } from '../ui/Tag';
import { ItemForm } from './ItemForm';
import { type Condition, type Item, type Language, LANGUAGES } from './metrics';
import { PAGE } from './page';
import { Preview } from './Preview';
import classes from './Questions.module.css';

/** Statements whose order belongs to their metric: their words may be changed, nothing else. */
const FIXED: Partial<Record<Survey['metric'], number>> = { servqual: 45, servqual_short: 5 };

/** What is asked, in each language, beside what the customer will see of it. */
export function Questions({ survey }: { survey: Survey }) {
  const { t } = useTranslation();
  const write = useMay()('surveys', 'write');
  const edit = useEdit('surveys', surveyField(t));
  const [editing, setEditing] = useState<number | 'new' | null>(null);
  const items = survey.items ?? [];
  const fixed = FIXED[survey.metric] ?? 0;
  const put = (next: Item[]) => edit.change(survey, { items: next });
  const swap = (one: number, other: number) => put(items.map((item, index) => (index === one ? items[other]! : index === other ? items[one]! : item)));
  const localised = (field: 'question' | 'thanks', language: Language) => (
    <Field
      key={`${field}${language}`}
      label={`${t(`surveys.${field}`)} · ${t(`surveys.language.${language}`)}`}
      value={survey[field]?.[language]}
      edit={{ kind: 'long' }}
      onSave={write ? (value) => edit.change(survey, { [field]: { ...survey[field], [language]: value } }) : undefined}
    >
      {survey[field]?.[language] || (field === 'question' ? <span className="soft">{PAGE[language].metrics[survey.metric].question}</span> : undefined)}
    </Field>
  );
  return (
    <div className={classes.split}>
      <div className={classes.edit}>
        <section>
          <h2>{t('surveys.question')}</h2>
          {LANGUAGES.map((language) => localised('question', language))}
        </section>
        <section>
          <h2>{t('surveys.items')}</h2>
          {items.length === 0 && <p className="soft">{t('surveys.noItems')}</p>}
          <ol className={classes.items}>
            {items.map((item, index) => (
              <li key={item.key}>
                <div className={classes.item}>
                  <div className={classes.words}>
                    {LANGUAGES.map((language) => item.text[language] && <div key={language} lang={language}>{item.text[language]}</div>)}
                    <div className={classes.marks}>
                      <Tag>{t(`surveys.itemKind.${item.kind}`)}{item.kind === 'scale' ? ` ${item.from}–${item.to}` : ''}</Tag>
                      {item.required && <Tag tone="blue">{t('surveys.required')}</Tag>}
                      {item.show_if && <Tag tone="violet">{t('surveys.onlyIf', { condition: words(item.show_if, t) })}</Tag>}
                    </div>
                  </div>
                  {write && (
                    <Menu position="bottom-end" shadow="md">
                      <Menu.Target>
                        <ActionIcon variant="subtle" color="gray" size="sm" aria-label={t('surveys.itemMenu', { key: item.key })}><IconDots size={15} /></ActionIcon>
                      </Menu.Target>
                      <Menu.Dropdown>
                        <Menu.Item leftSection={<IconPencil size={14} />} onClick={() => setEditing(index)}>{t('surveys.edit')}</Menu.Item>
                        {index > fixed && <Menu.Item leftSection={<IconArrowUp size={14} />} onClick={() => swap(index, index - 1)}>{t('surveys.up')}</Menu.Item>}
                        {index >= fixed && index < items.length - 1 && <Menu.Item leftSection={<IconArrowDown size={14} />} onClick={() => swap(index, index + 1)}>{t('surveys.down')}</Menu.Item>}
                        {index >= fixed && <Menu.Item leftSection={<IconTrash size={14} />} onClick={() => put(items.toSpliced(index, 1))}>{t('surveys.drop')}</Menu.Item>}
                      </Menu.Dropdown>
                    </Menu>
                  )}
                </div>
              </li>
            ))}
          </ol>
          {write && items.length < 80 && <Button variant="default" leftSection={<IconPlus size={14} />} onClick={() => setEditing('new')}>{t('surveys.addItem')}</Button>}
        </section>
        <section>
          <h2>{t('surveys.thanks')}</h2>
          {LANGUAGES.map((language) => localised('thanks', language))}
        </section>
      </div>
      <Preview survey={survey} />
      <ItemForm
        survey={survey}
        index={editing}
        fixed={typeof editing === 'number' && editing < fixed}
        onClose={() => setEditing(null)}
        onSave={(item) => edit.changeAsync(survey, { items: editing === 'new' ? [...items, item] : items.map((old, index) => (index === editing ? item : old)) })}
      />
    </div>
  );
}

type Translate = ReturnType<typeof useTranslation>['t'];

const words = (condition: Condition, t: Translate) =>
  `${condition.item === 'score' ? t('surveys.score') : condition.item} ${t(`surveys.op.${condition.op}`)} ${String(condition.value)}`;

/** What a survey's fields are called. */
export const surveyField = (t: Translate) => (field: string): string =>
  ({
    name: t('surveys.name'),
    metric: t('surveys.metricName'),
    question: t('surveys.question'),
    items: t('surveys.items'),
    thanks: t('surveys.thanks'),
    triggers: t('surveys.sentAfter'),
    active: t('surveys.stateName'),
    sample_rate: t('surveys.sample'),
    reminder_days: t('surveys.remind'),
    most_reminders: t('surveys.mostReminders'),
  })[field] ?? field;
