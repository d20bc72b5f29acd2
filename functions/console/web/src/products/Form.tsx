import { SimpleGrid, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { keys, type Product, records } from '../api/records';
import { tell } from '../ui/edit';
import { FormModal } from '../ui/FormModal';
import { useFormats } from '../ui/format';
import { money, parseAmount } from '../ui/money';
import { productField } from './fields';

interface Props {
  opened: boolean;
  onClose(): void;
  onCreated(product: Product): void;
}

export default function ProductForm({ opened, onClose, onCreated }: Props) {
  const { t } = useTranslation();
  const { currency } = useFormats();
  const client = useQueryClient();
  const field = productField(t);
  const amountFault = (text: string) => (text.trim() && parseAmount(text) === null ? t('products.form.amount') : null);
  return (
    <FormModal
      title={t('common.create.product')}
      opened={opened}
      onClose={onClose}
      initial={{ name: '', sku: '', category: '', price: '', cost: '', unit: '', stock: '' }}
      validate={{
        name: (name: string) => (name.trim() ? null : t('products.form.name')),
        price: (text: string) => amountFault(text),
        cost: (text: string) => amountFault(text),
        stock: (text: string) => amountFault(text),
      }}
      submit={t('products.form.submit')}
      fieldOf={(path) => path.split('.')[0]!}
      onSubmit={async (values, attempt) => {
        const product = await records.create(
          'products',
          {
            name: values.name,
            sku: values.sku || undefined,
            category: values.category || undefined,
            price: money(values.price, currency) ?? undefined,
            cost: money(values.cost, currency) ?? undefined,
            unit: values.unit || undefined,
            stock: parseAmount(values.stock) ?? undefined,
          },
          { attempt },
        );
        await client.invalidateQueries({ queryKey: keys.noun('products') });
        tell(t('products.form.done', { name: product.name }));
        onCreated(product);
      }}
    >
      {(form) => (
        <>
          <TextInput label={field('name')} required data-autofocus {...form.getInputProps('name')} />
          <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
            <TextInput label={field('sku')} {...form.getInputProps('sku')} />
            <TextInput label={field('category')} {...form.getInputProps('category')} />
            <TextInput label={field('price')} inputMode="decimal" rightSection={<span className="label">{currency}</span>} rightSectionWidth={46} {...form.getInputProps('price')} />
            <TextInput label={field('cost')} inputMode="decimal" rightSection={<span className="label">{currency}</span>} rightSectionWidth={46} {...form.getInputProps('cost')} />
            <TextInput label={field('unit')} placeholder={t('products.form.unit')} {...form.getInputProps('unit')} />
            <TextInput label={field('stock')} inputMode="decimal" {...form.getInputProps('stock')} />
          </SimpleGrid>
        </>
      )}
    </FormModal>
  );
}
