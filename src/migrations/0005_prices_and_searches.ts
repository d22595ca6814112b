import { Migration } from '@mikro-orm/migrations';

export class PricesAndSearches extends Migration {

  override name = '0005_prices_and_searches';

  /**
   * A price of 1e12 has 13 digits before its point. Searches that were saved before moments were read strictly may hold
   * one that PostgreSQL cannot read, and an author in capitals, which no post has.
   */
  override up(): void | Promise<void> {
    this.addSql(`alter table "posts" alter column "price" type numeric(15,2);`);
    this.addSql(`do $$ declare search record; begin
      for search in select id, wanted->>'created_after' as moment from saved_searches where wanted->>'created_after' is not null loop
        begin perform search.moment::timestamptz;
        exception when others then
          update saved_searches set filters = filters - 'created_after', wanted = wanted - 'created_after' where id = search.id;
        end;
      end loop;
    end $$;`);
    this.addSql(`update saved_searches set filters = jsonb_set(filters, '{author}', to_jsonb(lower(filters->>'author'))), wanted = jsonb_set(wanted, '{author}', to_jsonb(lower(wanted->>'author'))), anchors = array(select case when anchor like 'author:%' then lower(anchor) else anchor end from unnest(anchors) anchor) where wanted->>'author' <> lower(wanted->>'author');`);
  }

}
