import { sql } from 'kysely';
import { presentPublicUsers } from '../../accounts/service/users.ts';
import type { SharedContext } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import type { Notification, NotificationType } from '../contract.ts';

export interface NotificationRow {
  id: string;
  user_id: string;
  type: NotificationType;
  group_key: string | null;
  count: number;
  title: string;
  body: string;
  actor_ids: string[];
  data: Notification['data'];
  rev: number;
  read_at: string | null;
  created_at: string;
  updated_at: string;
}

/** Named, since a prepared statement of `*` fails once a column was added beneath it. */
export const noteColumns = sql`n.id, n.user_id, n.type, n.group_key, n.count, n.title, n.body, n.actor_ids, n.data, n.rev,
  n.read_at, n.created_at, n.updated_at`;

export interface BadgeView {
  unread: number;
  unseen: number;
}

const time = (value: string) => new Date(value).toISOString();

/** In bulk: the actors of all rows are read at once. */
export async function presentNotifications(
  ctx: Pick<SharedContext, 'em' | 'now' | 'slot'>,
  found: readonly NotificationRow[],
): Promise<Notification[]> {
  const people = await presentPublicUsers(
    ctx,
    found.flatMap(row => row.actor_ids),
  );
  return found.map(row => ({
    id: row.id,
    type: row.type,
    group_key: row.group_key,
    count: row.count,
    title: row.title,
    body: row.body,
    actors: row.actor_ids.flatMap(id => people.get(id) ?? []),
    data: row.data,
    read_at: row.read_at && time(row.read_at),
    created_at: time(row.created_at),
    updated_at: time(row.updated_at),
    rev: row.rev,
  }));
}

/** Unread and unseen rows by user: absolute numbers, which every device shows as they are. */
export async function countBadges(
  { em }: Pick<SharedContext, 'em'>,
  userIds: readonly string[],
): Promise<Map<string, BadgeView>> {
  const found = await rows<BadgeView & { user_id: string }>(
    em,
    sql`select user_id, count(*)::int as unread, (count(*) filter (where seen_at is null))::int as unseen
        from notifications where user_id = any(${userIds}::uuid[]) and read_at is null group by user_id`,
    { isHot: true },
  );
  const badges = new Map(found.map(({ user_id, unread, unseen }) => [user_id, { unread, unseen }]));
  return new Map(userIds.map(id => [id, badges.get(id) ?? { unread: 0, unseen: 0 }]));
}
