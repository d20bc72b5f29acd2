import { SimpleGrid, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { keys, type Product, records } from '../api/records';
import { tell } from '../ui/edit';
import { FormModal } from '../ui/FormModal';
import { useFormats } from '../ui/format';
import { money } from '../ui/money';
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
  return (
    <FormModal
      title={t('common.create.product')}
      opened={opened}
      onClose={onClose}
      initial={{ name: '', sku: '', category: '', price: '', cost: '' }}
      validate={{ name: (name: string) => (name.trim() ? null : t('products.form.name')) }}
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
          </SimpleGrid>
        </>
      )}
    </FormModal>
  );
}
