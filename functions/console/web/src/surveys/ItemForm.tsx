import { Checkbox, NumberInput, Select, SimpleGrid, Textarea, TextInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Survey } from '../api/records';
import { FormModal } from '../ui/FormModal';
import { choicesOf, type Condition, type Item, linesOf, scaleOf } from './metrics';

interface Props {
  survey: Survey;
  index: number | 'new' | null;
  /** A statement of the metric: its words alone are changed. */
  fixed: boolean;
  onClose(): void;
  onSave(item: Item): Promise<unknown>;
}

const KINDS: ReadonlyArray<Item['kind']> = ['scale', 'choice', 'text', 'split'];
const OPS: ReadonlyArray<Condition['op']> = ['eq', 'ne', 'lt', 'lte', 'gt', 'gte'];

/** One thing that is asked beside the score. */
export function ItemForm({ survey, index, fixed, onClose, onSave }: Props) {
  const { t } = useTranslation();
  const items = survey.items ?? [];
  const item = typeof index === 'number' ? items[index] : undefined;
  const before = items.slice(0, typeof index === 'number' ? index : items.length).filter(({ kind }) => kind === 'scale' || kind === 'choice');
  const [low, high] = scaleOf(survey.metric);
  const taken = new Set(items.filter((other) => other !== item).map(({ key }) => key));
  return (
    <FormModal
      title={item ? t('surveys.item.change') : t('surveys.addItem')}
      size="lg"
      opened={index !== null}
      onClose={onClose}
      initial={{
        key: item?.key ?? '', kind: item?.kind ?? 'scale', en: item?.text.en ?? '', zh: item?.text['zh-CN'] ?? '',
        from: item?.from ?? 1, to: item?.to ?? 5, choices: linesOf(item?.choices), required: item?.required ?? false,
        when: item?.show_if?.item ?? '', op: item?.show_if?.op ?? 'lte', value: item?.show_if ? String(item.show_if.value) : '',
      }}
      validate={{
        key: (key: string) => (!/^[a-z0-9_]{1,40}$/.test(key) || key === 'score' || key === 'comment' ? t('surveys.item.keyText') : taken.has(key) ? t('surveys.item.taken') : null),
      }}
      submit={t('common.save')}
      fieldOf={(path) => (path.includes('.text') ? 'en' : path.includes('.choices') ? 'choices' : path.includes('.show_if') ? 'value' : (path.split('.').at(-1) ?? path))}
      onSubmit={(values) => {
        const text = { en: values.en.trim() || null, 'zh-CN': values.zh.trim() || null };
        if (item && fixed) return onSave({ ...item, text });
        const number = values.value.trim() !== '' && Number.isInteger(Number(values.value));
        return onSave({
          key: values.key,
          kind: values.kind,
          text,
          ...(item?.heading && { heading: item.heading }),
          required: values.required,
          ...(values.kind === 'scale' && { from: values.from, to: values.to }),
          ...((values.kind === 'choice' || values.kind === 'split') && { choices: choicesOf(values.choices) }),
          ...(values.when && { show_if: { item: values.when, op: values.op, value: (number ? Number(values.value) : values.value.trim()) as never } }),
        });
      }}
    >
      {(form) => (
        <>
          <Textarea label={t('surveys.item.en')} autosize minRows={2} maxLength={500} data-autofocus {...form.getInputProps('en')} />
          <Textarea label={t('surveys.item.zh')} autosize minRows={2} maxLength={500} {...form.getInputProps('zh')} />
          {!fixed && (
            <>
              <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
                <TextInput label={t('surveys.item.key')} description={t('surveys.item.keyText')} required disabled={Boolean(item)} {...form.getInputProps('key')} />
                <Select label={t('surveys.item.kind')} description={t('surveys.item.kindText')} allowDeselect={false} data={KINDS.map((value) => ({ value, label: t(`surveys.itemKind.${value}`) }))} {...form.getInputProps('kind')} />
                {form.values.kind === 'scale' && (
                  <>
                    <NumberInput label={t('surveys.item.from')} min={0} max={9} {...form.getInputProps('from')} />
                    <NumberInput label={t('surveys.item.to')} min={1} max={10} {...form.getInputProps('to')} />
                  </>
                )}
              </SimpleGrid>
              {(form.values.kind === 'choice' || form.values.kind === 'split') && (
                <Textarea label={t('surveys.item.choices')} description={t('surveys.item.choicesText')} placeholder={t('surveys.item.choicesExample')} autosize minRows={3} {...form.getInputProps('choices')} />
              )}
              <Checkbox label={t('surveys.item.required')} {...form.getInputProps('required', { type: 'checkbox' })} />
              <SimpleGrid cols={{ base: 1, xs: 3 }} spacing="sm">
                <Select
                  label={t('surveys.item.when')}
                  clearable
                  placeholder={t('surveys.item.always')}
                  data={[{ value: 'score', label: `${t('surveys.score')} (${low}–${high})` }, ...before.map(({ key, text }) => ({ value: key, label: text.en ?? text['zh-CN'] ?? key }))]}
                  value={form.values.when || null}
                  onChange={(value) => form.setFieldValue('when', value ?? '')}
                />
                {form.values.when && (
                  <>
                    <Select label={t('surveys.item.op')} allowDeselect={false} data={OPS.map((value) => ({ value, label: t(`surveys.op.${value}`) }))} {...form.getInputProps('op')} />
                    <TextInput label={t('surveys.item.value')} {...form.getInputProps('value')} />
                  </>
                )}
              </SimpleGrid>
            </>
          )}
        </>
      )}
    </FormModal>
  );
}
