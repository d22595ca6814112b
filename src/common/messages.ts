import { type ErrorCode, errorCatalogue } from './errors.ts';

export type Locale = 'uz' | 'uz-Cyrl' | 'ru' | 'en';
export const locales: readonly Locale[] = ['uz', 'uz-Cyrl', 'ru', 'en'];

/** English stands in the catalogue itself; Uzbek in Cyrillic is made from the Latin. [uz, ru] */
const texts: Record<ErrorCode, readonly [uz: string, ru: string]> = {
  bad_json: ['Soʻrov tanasi toʻgʻri JSON emas.', 'Тело запроса — не корректный JSON.'],
  validation_failed: [
    'Baʼzi maydonlar yoʻq yoki notoʻgʻri; details.fields ga qarang.',
    'Некоторые поля отсутствуют или неверны; см. details.fields.',
  ],
  duplicate_parameter: ['Soʻrov parametri bir necha marta berilgan.', 'Параметр запроса указан несколько раз.'],
  invalid_cursor: [
    'Kursor buzilgan yoki boshqa roʻyxatga tegishli.',
    'Курсор повреждён или относится к другому списку.',
  ],
  invalid_host: ['Bu manzilga bu yerda xizmat koʻrsatilmaydi.', 'Этот адрес здесь не обслуживается.'],
  idempotency_key_required: ['Bu chaqiruvga Idempotency-Key kerak.', 'Для этого вызова нужен Idempotency-Key.'],
  invalid_phone: ['Bu telefon raqami emas.', 'Это не номер телефона.'],
  phone_not_supported: [
    'Bu raqamga kod yuborilmaydi; Oʻzbekiston mobil raqamini kiriting.',
    'На этот номер коды не отправляются; укажите мобильный номер Узбекистана.',
  ],
  otp_invalid: ['Kod notoʻgʻri yoki eskirgan.', 'Код неверен или устарел.'],
  weak_password: ['Parol juda oddiy; details.reasons ga qarang.', 'Пароль слишком слабый; см. details.reasons.'],
  password_mismatch: ['Ikki parol bir xil emas.', 'Пароли не совпадают.'],
  own_post: ['Bu sizning eʼloningiz.', 'Это ваше объявление.'],
  unknown_event: ['Bu nomlar fazosida bunday hodisa yoʻq.', 'В этом пространстве имён нет такого события.'],
  protocol_unsupported: ['Bu protokol versiyasi qoʻllanmaydi.', 'Эта версия протокола не поддерживается.'],
  namespace_unknown: ['Bunday nomlar fazosi yoʻq.', 'Такого пространства имён нет.'],
  auth_required: ['Kirish tokeni kerak.', 'Нужен токен доступа.'],
  token_invalid: ['Kirish tokeni yaroqsiz.', 'Токен доступа недействителен.'],
  token_expired: ['Kirish tokeni muddati tugagan; uni yangilang.', 'Срок токена доступа истёк; обновите его.'],
  session_revoked: ['Bu seans tugatilgan; qaytadan kiring.', 'Этот сеанс завершён; войдите снова.'],
  session_expired: ['Seans muddati tugagan; qaytadan kiring.', 'Срок сеанса истёк; войдите снова.'],
  refresh_invalid: ['Yangilash tokeni yaroqsiz.', 'Токен обновления недействителен.'],
  refresh_reused: [
    'Yangilash tokeni avval ishlatilgan; seans tugatildi.',
    'Токен обновления уже использован; сеанс завершён.',
  ],
  verification_invalid: [
    'Tasdiqlash tokeni notoʻgʻri, ishlatilgan yoki eskirgan.',
    'Токен подтверждения неверен, использован или устарел.',
  ],
  invalid_credentials: ['Telefon raqami yoki parol notoʻgʻri.', 'Неверный номер телефона или пароль.'],
  not_authenticated: ['Bu ulanish tasdiqlanmagan.', 'Это соединение не авторизовано.'],
  permission_denied: ['Sizga bunga ruxsat yoʻq.', 'У вас нет на это права.'],
  account_blocked: ['Bu hisob bloklangan.', 'Этот аккаунт заблокирован.'],
  reauth_required: ['Buning uchun qaytadan kiring.', 'Для этого войдите ещё раз.'],
  password_required: ['Kodni parol bilan birga qayta yuboring.', 'Повторите код вместе с паролем.'],
  current_password_invalid: ['Joriy parol notoʻgʻri.', 'Текущий пароль неверен.'],
  captcha_required: ['Avval kapchani yeching.', 'Сначала пройдите капчу.'],
  b2b_not_enabled: ['Biznes profilingiz yoqilmagan.', 'Ваш бизнес-профиль не включён.'],
  subscription_required: ['Buning uchun faol obuna kerak.', 'Для этого нужна активная подписка.'],
  post_limit_reached: ['Oylik eʼlonlar chegarasiga yetdingiz.', 'Месячный лимит объявлений исчерпан.'],
  saved_search_limit_reached: [
    'Tarifingiz bundan ortiq saqlangan qidiruvga ruxsat bermaydi.',
    'Ваш тариф не допускает больше сохранённых поисков.',
  ],
  upload_quota_exceeded: ['Bugungi yuklashlar tugadi.', 'Сегодняшний лимит загрузок исчерпан.'],
  contact_hidden: ['Muallif telefon raqamini koʻrsatmaydi.', 'Автор не показывает номер телефона.'],
  recipient_unavailable: ['Bu foydalanuvchiga yozib boʻlmaydi.', 'Этому пользователю нельзя написать.'],
  origin_forbidden: ['Bu manbaga ruxsat yoʻq.', 'Этот источник не разрешён.'],
  identity_mismatch: [
    'Token boshqa foydalanuvchi yoki seansga tegishli.',
    'Токен принадлежит другому пользователю или сеансу.',
  ],
  not_found: ['Topilmadi.', 'Не найдено.'],
  method_not_allowed: ['Bu yerda bu usulga ruxsat yoʻq.', 'Этот метод здесь не разрешён.'],
  not_acceptable: ['Javob faqat JSON koʻrinishida bor.', 'Ответ существует только в виде JSON.'],
  conflict: ['U orada oʻzgartirilgan; details.current ga qarang.', 'Это тем временем изменили; см. details.current.'],
  invalid_state: ['Hozirgi holati bunga yoʻl qoʻymaydi.', 'Текущее состояние этого не допускает.'],
  idempotency_in_progress: [
    'Bu kalit bilan birinchi soʻrov hali bajarilmoqda.',
    'Первый запрос с этим ключом ещё выполняется.',
  ],
  phone_taken: ['Bu raqam boshqa hisobga tegishli.', 'Этот номер принадлежит другому аккаунту.'],
  already_subscribed: ['Sizda bu tarif bor.', 'Этот тариф у вас уже есть.'],
  duplicate_post: ['Xuddi shu eʼlonni yaqinda joylagansiz.', 'Вы недавно публиковали такое же объявление.'],
  already_reported: ['Siz bu haqda xabar bergansiz.', 'Вы уже пожаловались на это.'],
  thread_locked: ['Bu suhbat yopilgan.', 'Этот разговор закрыт.'],
  post_unavailable: ['Bu eʼlon boʻyicha yangi suhbat ochib boʻlmaydi.', 'По этому объявлению нельзя начать разговор.'],
  attachment_not_ready: ['Ilova hali tayyorlanmoqda.', 'Вложение ещё обрабатывается.'],
  edit_window_closed: ['Bu xabarni oʻzgartirish vaqti oʻtgan.', 'Менять это сообщение уже поздно.'],
  payload_too_large: ['Soʻrov juda katta.', 'Запрос слишком большой.'],
  unsupported_media_type: ['application/json yuboring.', 'Отправляйте application/json.'],
  unsupported_image: ['JPEG, PNG yoki WebP rasm yuboring.', 'Отправьте изображение JPEG, PNG или WebP.'],
  idempotency_conflict: [
    'Bu kalit avval boshqa mazmun bilan ishlatilgan.',
    'Этот ключ уже использован с другим содержимым.',
  ],
  content_rejected: ['Bu mazmunga ruxsat yoʻq.', 'Такое содержимое не допускается.'],
  rate_limited: ['Soʻrovlar juda koʻp; biroz kuting.', 'Слишком много запросов; подождите немного.'],
  otp_cooldown: ['Kod hozirgina yuborildi.', 'Код только что отправлен.'],
  otp_attempts_exceeded: [
    'Notoʻgʻri urinishlar koʻp; yangi kod soʻrang.',
    'Слишком много неверных попыток; запросите новый код.',
  ],
  otp_locked: ['Bu raqam vaqtincha qulflangan.', 'Этот номер временно заблокирован.'],
  login_locked: [
    'Notoʻgʻri parollar koʻp; kuting yoki kod bilan kiring.',
    'Слишком много неверных паролей; подождите или войдите по коду.',
  ],
  reveal_limit_reached: ['Bugungi kontaktlar tugadi.', 'Контакты на сегодня исчерпаны.'],
  too_many_connections: [
    'Bir foydalanuvchining ochiq ulanishlari juda koʻp.',
    'Слишком много открытых соединений одного пользователя.',
  ],
  internal: ['Bu yerda xatolik yuz berdi; u qayd etildi.', 'Здесь произошла ошибка; она записана.'],
  unavailable: [
    'Xizmat vaqtincha ishlamayapti; hech narsa yoʻqolmadi, qayta urining.',
    'Сервис временно недоступен; ничего не потеряно, повторите.',
  ],
  otp_unavailable: ['Hozir kod yuborib boʻlmaydi.', 'Сейчас коды отправить нельзя.'],
  server_busy: ['Server band; birozdan soʻng ulaning.', 'Сервер занят; подключитесь чуть позже.'],
  server_draining: [
    'Server qayta ishga tushmoqda; birozdan soʻng ulaning.',
    'Сервер перезапускается; подключитесь чуть позже.',
  ],
};

const attemptsLeft: Record<Locale, (left: number) => string> = {
  uz: left => `${left} ta urinish qoldi.`,
  'uz-Cyrl': left => `${left} та уриниш қолди.`,
  ru: left => `Осталось попыток: ${left}.`,
  en: left => `Tries left: ${left}.`,
};

/** What a person reads of an error: its name, and what can be said of this one. */
export function describeError(
  code: ErrorCode,
  details: Record<string, unknown> | undefined,
  locale: Locale,
): { title: string; detail: string } {
  const title = titleOf(code, locale);
  const left = details?.['attempts_left'];
  return { title, detail: typeof left === 'number' && left > 0 ? attemptsLeft[locale](left) : title };
}

function titleOf(code: ErrorCode, locale: Locale): string {
  const [uz, ru] = texts[code];
  if (locale === 'en') return errorCatalogue[code].message;
  if (locale === 'ru') return ru;
  return locale === 'uz' ? uz : toCyrillic(uz);
}

/** `ru-RU, uz;q=0.8` → `ru`; null where no language of ours is asked for. */
export function readLocale(header: string | undefined): Locale | null {
  const wanted = (header ?? '')
    .split(',')
    .map((part, index) => ({
      tag: part.split(';')[0]!.trim().toLowerCase(),
      q: Number(/;\s*q=([\d.]+)/.exec(part)?.[1] ?? 1),
      index,
    }))
    .filter(({ tag, q }) => tag !== '' && q > 0)
    .sort((a, b) => b.q - a.q || a.index - b.index);
  for (const { tag } of wanted) {
    if (tag.startsWith('uz-cyrl')) return 'uz-Cyrl';
    const found = locales.find(locale => tag === locale.toLowerCase() || tag.startsWith(`${locale.toLowerCase()}-`));
    if (found) return found;
  }
  return null;
}

const pairs: Record<string, string> = { oʻ: 'ў', gʻ: 'ғ', sh: 'ш', ch: 'ч', yo: 'ё', yu: 'ю', ya: 'я', ye: 'е' };
const letters: Record<string, string> = {
  a: 'а', b: 'б', d: 'д', e: 'е', f: 'ф', g: 'г', h: 'ҳ', i: 'и', j: 'ж', k: 'к', l: 'л', m: 'м', n: 'н', o: 'о', p: 'п',
  q: 'қ', r: 'р', s: 'с', t: 'т', u: 'у', v: 'в', x: 'х', y: 'й', z: 'з', ʼ: 'ъ',
}; // biome-ignore format: a table

/** JSON, WebP, names with dots, slashes or dashes; but `31-dekabr` and `narx-navo` are words like any other. */
const technical = /[A-Z]{2}|[a-z][A-Z]|[a-z][./][a-z]|(?<!\d|[a-zʻʼ]{2})-|-(?![a-z])/;

/** Technical words stay as they are. */
export function toCyrillic(text: string): string {
  return withOwnSigns(text).replace(/\S+/g, word => (technical.test(word) ? word : transliterate(word)));
}

/** People write `o'` or `o‘` for `oʻ`, and `'` for `ʼ` within a word; elsewhere these are quotation marks. */
function withOwnSigns(text: string): string {
  return text.replace(/(?<=o)['‘’`´](?=\p{L})|(?<=g)['‘’`´]/giu, 'ʻ').replace(/(?<=\p{L})['‘’`´](?=\p{L})/gu, 'ʼ');
}

function transliterate(word: string): string {
  const withStarts = word.replace(/(?<![\p{L}ʻʼ])e/giu, letter => (letter === 'e' ? 'э' : 'Э'));
  return withStarts.replace(/oʻ|gʻ|sh|ch|yo(?!ʻ)|yu|ya|ye|[a-zʼ]/gi, part => {
    const lower = part.toLowerCase();
    const made = pairs[lower] ?? letters[lower] ?? part;
    return part[0] === lower[0] ? made : made.toUpperCase();
  });
}
