import polyglotI18nProvider from 'ra-i18n-polyglot';
import english from 'ra-language-english';
import { keepLocale, locale } from './api.ts';
import { russian } from './i18n/ru.ts';
import { uzbek } from './i18n/uz.ts';

const ours = {
  phone: 'Phone',
  password: 'Password',
  code: 'Code',
  send_code: 'Send a code',
  sign_in: 'Sign in',
  code_sent: 'A code was sent to your phone.',
  reason: 'Reason',
  reason_help: 'Kept in the audit.',
  run: 'Do it',
  done: '%{ok} done',
  failed: '%{failed} refused: %{codes}',
  history: 'History',
  no_history: 'Nobody has changed it.',
  was: 'Was',
  is: 'Is',
  setup: 'Set-up',
  queues: 'Waiting for you',
  last_days: 'The last 30 days',
  conversion: '%{percent}% used, cost %{cost}',
  registrations: 'Registrations',
  posts: 'Posts',
  messages: 'Messages',
  otp_sent: 'Codes sent',
  reported: 'What was reported',
  context: 'Its context',
  open_thread: 'Read the conversation (leaves a row in the audit)',
  older: 'Older messages',
  system: 'System',
  csv: 'Export',
  filters_kept: 'Saved queries',
  announce: 'It goes to %{count} users. Send it?',
  yes: 'Yes',
  no: 'No',
};
export type Ours = typeof ours;
export type Texts = { ra: object; app: Ours };

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
