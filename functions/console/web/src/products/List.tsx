import { Button } from '@mantine/core';
import { IconBox, IconPlus, IconTrash } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { type Product, useList } from '../api/records';
import type { Column } from '../ui/DataTable';
import { useRemove } from '../ui/edit';
import { type Filter, filtersOf } from '../ui/Filters';
import { useFormats } from '../ui/format';
import { ListPage } from '../ui/ListPage';
import { useMay } from '../ui/me';
import { EmptyState } from '../ui/states';
import { Tag } from '../ui/Tag';
import { useView } from '../ui/view';
import { productField } from './fields';
import ProductForm from './Form';
import { marginOf } from './margin';
import { ProductPanel } from './Record';

export default function ProductList() {
  const { t } = useTranslation();
  const format = useFormats();
  const may = useMay();
  const [view, change] = useView();
  const remove = useRemove('products');
  const field = productField(t);
  const filters: Filter[] = [
    { key: 'category', label: field('category'), kind: 'text' },
    {
      key: 'active',
      label: field('active'),
      kind: 'choice',
      options: [
        { value: 'true', label: t('products.state.active') },
        { value: 'false', label: t('products.state.retired') },
      ],
    },
    { key: 'tag', label: field('tags'), kind: 'text' },
  ];
  const list = useList('products', filtersOf(filters, view));
  const percent = (share: number | null) => (share === null ? '' : format.percent(share));
  const columns: Column<Product>[] = [
    { key: 'name', title: field('name'), render: (product) => product.name },
    { key: 'sku', title: field('sku'), width: 150, render: (product) => product.sku },
    { key: 'category', title: field('category'), width: 160, render: (product) => product.category },
    { key: 'price', title: field('price'), width: 130, align: 'end', render: (product) => format.money(product.price) },
    { key: 'cost', title: field('cost'), width: 130, align: 'end', render: (product) => format.money(product.cost), optional: true },
    { key: 'margin', title: field('margin'), width: 90, align: 'end', render: (product) => percent(marginOf(product)), optional: true },
    { key: 'stock', title: field('stock'), width: 90, align: 'end', render: (product) => <Stock product={product} /> },
    { key: 'unit', title: field('unit'), width: 100, render: (product) => product.unit, optional: true },
    { key: 'active', title: field('active'), width: 110, render: (product) => <State product={product} /> },
    { key: 'updated', title: t('products.updated'), width: 150, render: (product) => format.ago(product.updated_at), optional: true },
  ];
  const create = may('products', 'write') && (
    <Button leftSection={<IconPlus size={15} />} onClick={() => change({ create: '1' })}>{t('common.create.product')}</Button>
  );
  return (
    <>
      <ListPage
        name="products"
        title={t('common.nav.products')}
        columns={columns}
        list={list}
        filters={filters}
        actions={create}
        phone={(product) => (
          <>
            <span className="cut">{product.name}</span>
            <span className="soft cut">{[product.sku, format.money(product.price)].filter(Boolean).join(' · ')}</span>
          </>
        )}
        empty={
          <EmptyState icon={<IconBox />} title={t('products.empty.title')} action={create}>
            {t('products.empty.text')}
          </EmptyState>
        }
        panel={(id) => ({ content: <ProductPanel id={id} />, to: `/products/${id}` })}
        bulk={(ids, done) =>
          may('products', 'write') && (
            <Button size="xs" variant="default" leftSection={<IconTrash size={14} />} loading={remove.isPending} onClick={() => remove.mutate(ids, { onSuccess: done })}>
              {t('common.remove')}
            </Button>
          )
        }
      />
      <ProductForm opened={view.create === '1'} onClose={() => change({ create: undefined })} onCreated={(product) => change({ create: undefined, open: product.id })} />
    </>
  );
}

/** What is in stock; less than nothing was sold before it came. */
export function Stock({ product }: { product: Product }) {
  const { t } = useTranslation();
  const format = useFormats();
  if (product.stock === null || product.stock === undefined) return null;
  const stock = format.number(Number(product.stock), { maximumFractionDigits: 6 });
  return product.stock.startsWith('-') ? <Tag tone="red" title={t('products.oversold')}>{stock}</Tag> : stock;
}

export function State({ product }: { product: Product }) {
  const { t } = useTranslation();
  return product.active === false ? <Tag>{t('products.state.retired')}</Tag> : <Tag tone="green">{t('products.state.active')}</Tag>;
}
