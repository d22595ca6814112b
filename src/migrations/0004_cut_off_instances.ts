import { Migration } from '@mikro-orm/migrations';

export class CutOffInstances extends Migration {

  override name = '0004_cut_off_instances';

  override up(): void | Promise<void> {
    this.addSql(`create table "cut_off_instances" ("id" uuid not null, "until" timestamptz(3) not null, primary key ("id"));`);
  }

}
