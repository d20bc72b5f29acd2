import i18next from 'i18next';
import { initReactI18next } from 'react-i18next';

export const LANGUAGES = { en: 'English', 'zh-CN': '简体中文' } as const;
export type Language = keyof typeof LANGUAGES;

const KEPT = 'rapport.language';

/** The language asked for, else the browser's, else English. */
export function preferred(): Language {
  const wanted = [localStorage.getItem(KEPT), ...navigator.languages];
  for (const tag of wanted) {
    if (tag?.toLowerCase().startsWith('zh')) return 'zh-CN';
    if (tag?.toLowerCase().startsWith('en')) return 'en';
  }
  return 'en';
}

const texts = {
  en: () => import('./en'),
  'zh-CN': () => import('./zh-CN'),
};

export async function start(language: Language = preferred()): Promise<void> {
  const { default: translation } = await texts[language]();
  await i18next.use(initReactI18next).init({
    lng: language,
    resources: { [language]: { translation } },
    interpolation: { escapeValue: false },
    returnNull: false,
  });
  document.documentElement.lang = language;
}

export async function speak(language: Language): Promise<void> {
  const { default: translation } = await texts[language]();
  i18next.addResourceBundle(language, 'translation', translation, true, true);
  localStorage.setItem(KEPT, language);
  await i18next.changeLanguage(language);
  document.documentElement.lang = language;
}
