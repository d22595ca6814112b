import { Migration } from '@mikro-orm/migrations';

export class PendingFirst extends Migration {

  override name = '0007_pending_first';

  override up(): void | Promise<void> {
    this.addSql(`create index b2b_profiles_pending_first on b2b_profiles ((status = 'pending'), user_id);`);
  }

}
