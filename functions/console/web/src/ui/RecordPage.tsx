import { Tabs } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { IconChevronLeft } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { Page } from './Page';
import classes from './RecordPage.module.css';
import { useView } from './view';

export interface Tab {
  key: string;
  label: string;
  count?: number;
  content: ReactNode;
}

interface Props {
  title: string;
  /** The list it belongs to. */
  back: { to: string; label: string };
  beside?: ReactNode;
  actions?: ReactNode;
  /** The record's own fields, which stay beside the tabs; where there is no room beside, they are the second tab. */
  fields: ReactNode;
  tabs: Tab[];
}

/** A record: its fields on the left, everything about it in tabs on the right. The tab lies in the address. */
export function RecordPage({ title, back, beside, actions, fields, tabs: given }: Props) {
  const { t } = useTranslation();
  const [view, change] = useView();
  const narrow = useMediaQuery('(max-width: 62em)', false, { getInitialValueInEffect: false });
  const tabs = narrow ? given.toSpliced(1, 0, { key: 'fields', label: t('common.fields'), content: fields }) : given;
  const tab = tabs.find((tab) => tab.key === view.tab)?.key ?? tabs[0]?.key ?? '';
  return (
    <Page
      fixed
      title={title}
      above={
        <Link to={back.to} className={classes.back} aria-label={back.label} title={back.label}>
          <IconChevronLeft size={16} />
        </Link>
      }
      beside={beside}
      actions={actions}
    >
      <div className={classes.record}>
        {!narrow && <section className={classes.fields}>{fields}</section>}
        <section className={classes.main}>
          <Tabs value={tab} onChange={(next) => change({ tab: next === tabs[0]?.key ? undefined : (next ?? undefined) })} keepMounted={false}>
            <Tabs.List className={classes.tabs}>
              {tabs.map((tab) => (
                <Tabs.Tab key={tab.key} value={tab.key}>
                  {tab.label}
                  {tab.count !== undefined && tab.count > 0 && <span className={classes.count}>{tab.count}</span>}
                </Tabs.Tab>
              ))}
            </Tabs.List>
            {tabs.map((tab) => (
              <Tabs.Panel key={tab.key} value={tab.key} className={classes.panel}>{tab.content}</Tabs.Panel>
            ))}
          </Tabs>
        </section>
      </div>
    </Page>
  );
}
