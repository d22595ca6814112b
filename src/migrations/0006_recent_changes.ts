import { Migration } from '@mikro-orm/migrations';

export class RecentChanges extends Migration {

  override name = '0006_recent_changes';

  override up(): void | Promise<void> {
    this.addSql(`alter table "participants" add "me_changed_at" timestamptz(3) null;`);
    this.addSql(`create index participants_by_change on participants (me_changed_at) where me_changed_at is not null;`);

    this.addSql(`alter table "threads" add "changed_within" timestamptz(3) generated always as (date_bin('10 minutes', updated_at, timestamptz '2000-01-01 00:00:00+00')) stored null;`);
    this.addSql(`create index "threads_by_change" on "threads" ("changed_within");`);
  }

}
