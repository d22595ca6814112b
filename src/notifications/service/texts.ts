import { type Locale, toCyrillic } from '../../common/messages.ts';
import type { Announcement } from '../contract/broadcast.ts';

/** Uzbek in Cyrillic is made from the Latin. {1} is what the title is about, never translated. */
type Title = readonly [uz: string, ru: string, en: string];

const titles = {
  post_approved: ['Eʼloningiz tasdiqlandi', 'Объявление одобрено', 'Your post was approved'],
  post_rejected: ['Eʼloningiz rad etildi', 'Объявление отклонено', 'Your post was rejected'],
  post_hidden: ['Eʼloningiz yashirildi', 'Объявление скрыто', 'Your post was hidden'],
  post_expiring: ['Eʼloningiz muddati tugayapti', 'Срок объявления истекает', 'Your post expires soon'],
  post_expired: ['Eʼloningiz muddati tugadi', 'Срок объявления истёк', 'Your post has expired'],
  b2b_enabled: ['Biznes profilingiz yoqildi', 'Бизнес-профиль включён', 'Your business profile is enabled'],
  b2b_rejected: ['Biznes profilingiz rad etildi', 'Бизнес-профиль отклонён', 'Your business profile was rejected'],
  b2b_suspended: [
    'Biznes profilingiz toʻxtatildi',
    'Бизнес-профиль приостановлен',
    'Your business profile is suspended',
  ],
  subscription_activated: ['Tarifingiz faollashtirildi', 'Тариф подключён', 'Your plan is active'],
  subscription_expiring: ['Tarifingiz muddati tugayapti', 'Срок тарифа истекает', 'Your plan expires soon'],
  subscription_expired: ['Tarifingiz muddati tugadi', 'Срок тарифа истёк', 'Your plan has expired'],
  subscription_canceled: ['Tarifingiz bekor qilindi', 'Тариф отменён', 'Your plan was canceled'],
  search_match: ['“{1}” boʻyicha yangi eʼlon', 'Новое объявление по запросу «{1}»', 'A new post for “{1}”'],
  contact_revealed: ['Telefon raqamingizni koʻrishdi', 'Ваш номер посмотрели', 'Your phone number was looked up'],
  security_login: ['Yangi qurilmadan kirildi', 'Вход с нового устройства', 'Login from a new device'],
  security_password: ['Parolingiz oʻzgartirildi', 'Пароль изменён', 'Your password was changed'],
  security_phone: ['Raqamingiz oʻzgartirildi', 'Номер телефона изменён', 'Your phone number was changed'],
} satisfies Record<string, Title>;

/** What a note says before anybody's language is known. */
export type Said =
  | { title: keyof typeof titles; about?: string | undefined; body?: string | undefined }
  | { announcement: Announcement };

/** Title and body as a user reads them. */
export function say(said: Said, locale: Locale): { title: string; body: string } {
  if ('announcement' in said) {
    const { title, body } = said.announcement;
    return { title: inLanguage(title, locale), body: inLanguage(body, locale) };
  }
  const [uz, ru, en] = titles[said.title];
  const title = inLanguage({ uz, ru, en }, locale).replaceAll('{1}', () => said.about ?? '');
  return { title, body: said.body ?? '' };
}

function inLanguage(text: Announcement['title'], locale: Locale): string {
  return text[locale] ?? toCyrillic(text.uz);
}

/** A day as people of every language here write it. */
export function sayDay(moment: string, timeZone: string): string {
  const { day, month, year } = Temporal.Instant.from(moment).toZonedDateTimeISO(timeZone);
  return `${String(day).padStart(2, '0')}.${String(month).padStart(2, '0')}.${year}`;
}
