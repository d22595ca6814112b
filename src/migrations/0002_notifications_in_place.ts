import { Migration } from '@mikro-orm/migrations';

export class NotificationsInPlace extends Migration {

  override name = '0002_notifications_in_place';

  override up(): void | Promise<void> {
    this.addSql(`create unique index notifications_unread_groups on notifications (user_id, group_key) where read_at is null;`);
    this.addSql(`drop index "notifications_one_unread_per_group";`);
    this.addSql(`drop index "notifications_unread";`);
    this.addSql(`drop index "notifications_by_user";`);
    this.addSql(`create index "notifications_by_user" on "notifications" ("user_id", "id");`);
    // Room for the next version of a row on its own page, without which an update in place (HOT) is not possible.
    this.addSql(`alter table notifications set (fillfactor = 70);`);
    this.addSql(`alter table threads set (fillfactor = 85);`);
  }

  override down(): void | Promise<void> {
    this.addSql(`alter table threads reset (fillfactor);`);
    this.addSql(`alter table notifications reset (fillfactor);`);
    this.addSql(`drop index "notifications_by_user";`);
    this.addSql(`drop index "notifications_unread_groups";`);
    this.addSql(`create unique index notifications_one_unread_per_group on notifications (user_id, group_key) where read_at is null and group_key is not null;`);
    this.addSql(`create index "notifications_by_user" on "notifications" ("user_id", "updated_at", "id");`);
    this.addSql(`create index notifications_unread on notifications (user_id) where read_at is null;`);
  }

}
