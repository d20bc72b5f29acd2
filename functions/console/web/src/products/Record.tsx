import { Button } from '@mantine/core';
import { IconTrash } from '@tabler/icons-react';
import { useNavigate, useParams } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { type Product, useRecord } from '../api/records';
import { useEdit, useRemove } from '../ui/edit';
import { Field } from '../ui/Field';
import { useFormats } from '../ui/format';
import { useMay } from '../ui/me';
import { money, parseAmount } from '../ui/money';
import { RecordPage } from '../ui/RecordPage';
import { ErrorState, Loading } from '../ui/states';
import { productField } from './fields';
import { History } from '../ui/History';
import { State, Stock } from './List';
import { marginOf } from './margin';
import { Sales } from './Sales';

export default function ProductRecord() {
  const { t } = useTranslation();
  const { id } = useParams({ strict: false }) as { id: string };
  const navigate = useNavigate();
  const may = useMay();
  const remove = useRemove('products');
  const { data: product, error, refetch } = useRecord('products', id);
  if (error) return <ErrorState error={error} retry={() => void refetch()} />;
  if (!product) return <Loading />;
  return (
    <RecordPage
      title={product.name}
      back={{ to: '/products', label: t('common.nav.products') }}
      beside={<State product={product} />}
      actions={
        may('products', 'write') && (
          <Button
            variant="default"
            leftSection={<IconTrash size={15} />}
            loading={remove.isPending}
            onClick={() => remove.mutate([id], { onSuccess: () => void navigate({ to: '/products' }) })}
          >
            {t('common.remove')}
          </Button>
        )
      }
      fields={<ProductFields product={product} />}
      tabs={[
        ...(may('reports', 'read') ? [{ key: 'sales', label: t('products.sales.title'), content: <Sales id={id} /> }] : []),
        { key: 'history', label: t('common.history.title'), content: <History noun="products" id={id} label={productField(t)} /> },
      ]}
    />
  );
}

/** A product beside a list. */
export function ProductPanel({ id }: { id: string }) {
  const { data: product, error, refetch } = useRecord('products', id);
  if (error) return <ErrorState error={error} retry={() => void refetch()} />;
  if (!product) return <Loading />;
  return (
    <>
      <h2>{product.name}</h2>
      <ProductFields product={product} />
    </>
  );
}

function ProductFields({ product }: { product: Product }) {
  const { t } = useTranslation();
  const format = useFormats();
  const field = productField(t);
  const margin = marginOf(product);
  const edit = useEdit('products', field);
  const write = useMay()('products', 'write');
  const save = (key: string) => (write ? (value: string | null) => edit.change(product, { [key]: value }) : undefined);
  const saveMoney = (key: 'price' | 'cost') =>
    write
      ? (value: string | null) => edit.change(product, { [key]: value === null ? null : money(value, product[key]?.currency ?? format.currency) })
      : undefined;
  return (
    <>
      <Field label={field('name')} value={product.name} edit={{ kind: 'text', required: true }} onSave={save('name')} />
      <Field label={field('sku')} value={product.sku} edit={{ kind: 'text' }} onSave={save('sku')} />
      <Field label={field('category')} value={product.category} edit={{ kind: 'text' }} onSave={save('category')} />
      <Field label={field('price')} value={product.price?.amount} edit={{ kind: 'text' }} onSave={saveMoney('price')}>{format.money(product.price)}</Field>
      <Field label={field('cost')} value={product.cost?.amount} edit={{ kind: 'text' }} onSave={saveMoney('cost')}>{format.money(product.cost)}</Field>
      <Field label={field('unit')} value={product.unit} edit={{ kind: 'text' }} onSave={save('unit')} />
      <Field label={field('margin')}>{margin !== null && format.percent(margin)}</Field>
      <Field
        label={field('stock')}
        value={product.stock ?? ''}
        edit={{ kind: 'text' }}
        onSave={write ? (value) => edit.change(product, { stock: value === null ? null : (parseAmount(value) ?? value) }) : undefined}
      >
        {product.stock === null || product.stock === undefined ? undefined : <Stock product={product} />}
      </Field>
      <Field
        label={field('active')}
        value={String(product.active)}
        edit={{ kind: 'choice', required: true, options: [{ value: 'true', label: t('products.state.active') }, { value: 'false', label: t('products.state.retired') }] }}
        onSave={write ? (value) => edit.change(product, { active: value === 'true' }) : undefined}
      >
        <State product={product} />
      </Field>
      <Field
        label={field('tags')}
        value={product.tags?.join(',')}
        edit={{ kind: 'tags' }}
        onSave={write ? (value) => edit.change(product, { tags: value ? value.split(',') : [] }) : undefined}
      >
        {product.tags?.join(', ')}
      </Field>
    </>
  );
}
