import { Migration } from '@mikro-orm/migrations';

export class ReadNotifications extends Migration {

  override name = '0003_read_notifications';

  override up(): void | Promise<void> {
    this.addSql(`create index notifications_read on notifications (read_at) where read_at is not null;`);
  }

}
