import polyglotI18nProvider from 'ra-i18n-polyglot';
import english from 'ra-language-english';
import { keepLocale, locale } from './api.ts';
import { ours } from './i18n/en.ts';
import { russian } from './i18n/ru.ts';
import { uzbek } from './i18n/uz.ts';

type Tree = { [key: string]: string | Tree };

function over(base: Tree, top: Tree): Tree {
  const merged = { ...base };
  for (const [key, value] of Object.entries(top))
    merged[key] = typeof value === 'object' ? over((base[key] ?? {}) as Tree, value) : value;
  return merged;
}

const texts: Record<string, Tree> = {
  en: over(english as unknown as Tree, { app: ours }),
  ru: over(english as unknown as Tree, russian as unknown as Tree),
  uz: over(english as unknown as Tree, uzbek as unknown as Tree),
};

document.documentElement.lang = locale();

const provider = polyglotI18nProvider(
  wanted => texts[wanted] as never,
  locale(),
  [
    { locale: 'uz', name: 'Oʻzbekcha' },
    { locale: 'ru', name: 'Русский' },
    { locale: 'en', name: 'English' },
  ],
  { allowMissing: true },
);

/** Names come from the server in the language that is asked for: another language is another page. */
export const i18nProvider: typeof provider = {
  ...provider,
  async changeLocale(wanted) {
    keepLocale(wanted);
    localStorage.setItem('RaStore.locale', JSON.stringify(wanted));
    window.location.reload();
  },
};
