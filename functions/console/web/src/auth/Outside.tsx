import { UnstyledButton } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { type Language, LANGUAGES, speak } from '../i18n';
import classes from './Outside.module.css';

interface Props {
  title: string;
  text?: ReactNode;
  /** Where else one may want to go from here. */
  foot?: ReactNode;
  children: ReactNode;
}

/** A page for whoever is not signed in: one calm column, in the language that is chosen below it. */
export function Outside({ title, text, foot, children }: Props) {
  const { t, i18n } = useTranslation();
  useDocumentTitle(`${title} · Rapport`);
  return (
    <div className={classes.outside}>
      <main className={classes.column}>
        <p className={classes.name}>
          Rapport <span>{t('auth.sentence')}</span>
        </p>
        <h1 className={classes.title}>{title}</h1>
        <p className={classes.text}>{text}</p>
        {children}
        {foot && <div className={classes.foot}>{foot}</div>}
      </main>
      <footer className={classes.languages}>
        {(Object.entries(LANGUAGES) as Array<[Language, string]>).map(([language, name]) => (
          <UnstyledButton
            key={language}
            lang={language}
            className={classes.language}
            aria-pressed={i18n.language === language}
            onClick={() => void speak(language)}
          >
            {name}
          </UnstyledButton>
        ))}
      </footer>
    </div>
  );
}
