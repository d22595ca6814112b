import { sql } from 'kysely';
import { setReadReceipts } from '../../chat/service/thread-changes.ts';
import type { Context, SharedContext } from '../../common/context.ts';
import { lockName, rows } from '../../common/database.ts';
import { AppError } from '../../common/errors.ts';
import type { Locale } from '../../common/messages.ts';
import type { Input } from '../../common/operations.ts';
import type { Filler } from '../../common/slots.ts';
import { isSecurity, type NotificationType, notificationTypes, type Preferences } from '../contract/shapes.ts';
import type { operations } from '../contract.ts';
import { isQuiet } from './quiet-hours.ts';

/** What a user wants, as the columns of `wantsColumns` hold it. */
export interface Wants {
  locale: Locale;
  disabled_types: string[];
  quiet_types: string[];
  quiet_hours: Preferences['quiet_hours'];
}

/** Of `users u left join notification_preferences p on p.user_id = u.id`. */
export const wantsColumns = sql`u.locale, coalesce(p.disabled_types, '{}') as disabled_types,
  coalesce(p.quiet_types, '{}') as quiet_types, p.quiet_hours`;

export function isEnabled(wants: Wants, type: NotificationType): boolean {
  return !wants.disabled_types.includes(type);
}

/** Whether a note of this type may make a noise at this moment. */
export function mayAlert(wants: Wants, type: NotificationType, at: Date): boolean {
  return !wants.quiet_types.includes(type) && !(wants.quiet_hours && isQuiet(wants.quiet_hours, at));
}

/** What these users want to be told, by id; ids that do not exist are left out. */
export async function loadWants(
  { em }: Pick<SharedContext, 'em'>,
  userIds: readonly string[],
): Promise<ReadonlyMap<string, Wants>> {
  const found = await rows<Wants & { id: string }>(
    em,
    sql`select u.id, ${wantsColumns} from users u left join notification_preferences p on p.user_id = u.id
        where u.id = any(${userIds}::uuid[])`,
  );
  return new Map(found.map(row => [row.id, row]));
}

interface Stored extends Omit<Wants, 'locale'> {
  read_receipts: boolean;
}

const preset: Stored = { disabled_types: [], quiet_types: [], quiet_hours: null, read_receipts: true };

async function load({ em, actor }: Context): Promise<Stored> {
  const [stored] = await rows<Stored>(
    em,
    sql`select disabled_types, quiet_types, quiet_hours, read_receipts from notification_preferences
        where user_id = ${actor.userId}`,
  );
  return stored ?? preset;
}

function present({ disabled_types, quiet_types, quiet_hours, read_receipts }: Stored): Preferences {
  const entries = notificationTypes.map(type => [
    type,
    { enabled: !disabled_types.includes(type), alert: !quiet_types.includes(type) },
  ]);
  return { types: Object.fromEntries(entries), quiet_hours, read_receipts };
}

/** What the caller wants to be told, and when. */
export async function getPreferences(ctx: Context): Promise<Preferences> {
  return present(await load(ctx));
}

/**
 * Changes what the caller wants to be told; what is not given stays. Throws validation_failed for a `security_*` that is
 * switched off.
 */
export async function setPreferences(
  ctx: Context,
  input: Input<typeof operations.setPreferences>,
): Promise<Preferences> {
  const { userId } = ctx.actor;
  ensureSecurityIsOn(input);
  await lockReceipts(ctx, [userId], 'exclusive');
  const stored = await load(ctx);
  const { types, ...rest } = present(stored);
  const wanted = { ...rest, ...defined(input), types: { ...types, ...defined(input.types ?? {}) } };
  const without = (key: 'enabled' | 'alert') => notificationTypes.filter(type => !wanted.types[type][key]);
  await rows(
    ctx.em,
    sql`insert into notification_preferences (user_id, disabled_types, quiet_types, quiet_hours, read_receipts)
        values (${userId}, ${without('enabled')}, ${without('alert')},
          ${wanted.quiet_hours && JSON.stringify(wanted.quiet_hours)}::jsonb, ${wanted.read_receipts})
        on conflict (user_id) do update set disabled_types = excluded.disabled_types, quiet_types = excluded.quiet_types,
          quiet_hours = excluded.quiet_hours, read_receipts = excluded.read_receipts`,
  );
  if (wanted.read_receipts !== stored.read_receipts) await setReadReceipts(ctx, userId, wanted.read_receipts);
  return wanted;
}

function defined<Fields extends object>(fields: Fields): { [Key in keyof Fields]?: Exclude<Fields[Key], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}

function ensureSecurityIsOn({ types = {} }: Input<typeof operations.setPreferences>): void {
  const off = notificationTypes.filter(type => {
    const given = types[type];
    return isSecurity(type) && given && !(given.enabled && given.alert);
  });
  if (off.length === 0) return;
  const fields = off.map(type => ({ path: `types.${type}`, code: 'cannot_be_switched_off' }));
  throw new AppError('validation_failed', { fields });
}

/** What chat asks when a thread begins; until its commit the answer stays true. */
export const findReadReceipts: Filler<boolean> = async (scope, userIds) => {
  await lockReceipts(scope, userIds, 'shared');
  const found = await rows<{ user_id: string; read_receipts: boolean }>(
    scope.em,
    sql`select user_id, read_receipts from notification_preferences where user_id = any(${userIds}::uuid[])`,
  );
  return new Map(found.map(row => [row.user_id, row.read_receipts]));
};

/** A thread that begins and a change of read receipts wait for each other: neither sees half of the other. */
async function lockReceipts(
  { em }: Pick<SharedContext, 'em'>,
  userIds: readonly string[],
  mode: 'shared' | 'exclusive',
): Promise<void> {
  for (const userId of [...userIds].sort()) await lockName(em, `read-receipts ${userId}`, mode);
}
