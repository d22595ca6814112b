import { Migration } from '@mikro-orm/migrations';

export class Initial extends Migration {

  override name = '0001_initial';

  override up(): void | Promise<void> {
    this.addSql('create extension if not exists pg_trgm;');
    this.addSql(`create table "audit_log" ("id" uuid not null, "at" timestamptz(3) not null, "actor_id" uuid null, "actor_role" varchar(16) null, "ip" varchar(64) not null, "request_id" varchar(64) not null, "action" varchar(60) not null, "resource" varchar(40) not null, "object_id" varchar(80) null, "before" jsonb null, "after" jsonb null, "reason" text null, primary key ("id"));`);
    this.addSql(`create index "audit_log_resource_object_id_id_index" on "audit_log" ("resource", "object_id", "id");`);
    this.addSql(`create index "audit_log_actor_id_id_index" on "audit_log" ("actor_id", "id");`);
    this.addSql(`create index "audit_log_action_id_index" on "audit_log" ("action", "id");`);
    this.addSql(`create index "audit_log_object_id_id_index" on "audit_log" ("object_id", "id");`);

    this.addSql(`create table "banned_words" ("id" uuid not null, "word" varchar(60) not null, "created_at" timestamptz(3) not null, primary key ("id"));`);
    this.addSql(`alter table "banned_words" add constraint "banned_words_word_unique" unique ("word");`);

    this.addSql(`create table "blocks" ("blocker_id" uuid not null, "blocked_id" uuid not null, "created_at" timestamptz(3) not null, primary key ("blocker_id", "blocked_id"));`);

    this.addSql(`create table "brands" ("id" uuid not null, "code" varchar(60) not null, "name" varchar(60) not null, "kind" varchar(8) not null, "aliases" text[] not null, "keys" text[] not null, "sort_order" int not null, primary key ("id"));`);
    this.addSql(`alter table "brands" add constraint "brands_code_unique" unique ("code");`);
    this.addSql(`create index brands_keys on brands using gin (keys);`);

    this.addSql(`create table "broadcasts" ("id" uuid not null, "actor_id" uuid not null, "text" jsonb not null, "audience" varchar(16) not null, "count" int not null, "sent" int not null default 0, "reached_user_id" uuid null, "created_at" timestamptz(3) not null, "finished_at" timestamptz(3) null, primary key ("id"));`);
    this.addSql(`create index broadcasts_unfinished on broadcasts (id) where finished_at is null;`);

    this.addSql(`create table "categories" ("id" uuid not null, "code" varchar(60) not null, "parent_id" uuid null, "name" jsonb not null, "search_norm" text not null, "sort_order" int not null, primary key ("id"));`);
    this.addSql(`alter table "categories" add constraint "categories_code_unique" unique ("code");`);

    this.addSql(`create table "otp_counters" ("key" varchar(100) not null, "started_at" timestamptz(3) not null, "count" int not null default 0, "verified" int not null default 0, primary key ("key"));`);
    this.addSql(`create index "otp_counters_started_at_index" on "otp_counters" ("started_at");`);

    this.addSql(`create table "failure_budgets" ("subject" varchar(100) not null, "started_at" timestamptz(3) not null, "failures" int not null default 0, "locked_until" timestamptz(3) null, "lock_level" int not null default 0, primary key ("subject"));`);
    this.addSql(`create index "failure_budgets_started_at_index" on "failure_budgets" ("started_at");`);

    this.addSql(`create table "focus_leases" ("connection" varchar(40) not null, "user_id" uuid not null, "thread_id" uuid not null, "expires_at" timestamptz(3) not null, primary key ("connection"));`);
    this.addSql(`create index "focus_leases_by_user" on "focus_leases" ("user_id", "thread_id");`);

    this.addSql(`create table "idempotency_keys" ("user_id" uuid not null, "target" varchar(200) not null, "key" varchar(128) not null, "body_hash" bytea not null, "status" int null, "body" text null, "headers" jsonb null, "created_at" timestamptz(3) not null, primary key ("user_id", "target", "key"));`);
    this.addSql(`create index "idempotency_keys_created_at_index" on "idempotency_keys" ("created_at");`);

    this.addSql(`create table "messages" ("id" uuid not null, "thread_id" uuid not null, "seq" int not null, "rev" int not null, "sender_id" uuid null, "client_id" uuid not null, "content_hash" bytea not null, "type" varchar(8) not null default 'text', "text" text null, "reply_to_id" uuid null, "attachments" jsonb null, "reactions" jsonb null, "part_numbers" text[] null, "changed_at" timestamptz(3) null, "created_at" timestamptz(3) not null, "edited_at" timestamptz(3) null, "deleted_at" timestamptz(3) null, primary key ("id"));`);
    this.addSql(`create index messages_changed on messages (thread_id, rev) where changed_at is not null;`);
    this.addSql(`create index messages_part_numbers on messages using gin (part_numbers) where part_numbers is not null;`);
    this.addSql(`alter table "messages" add constraint "messages_thread_seq" unique ("thread_id", "seq");`);
    this.addSql(`alter table "messages" add constraint "messages_sender_client" unique ("sender_id", "client_id");`);

    this.addSql(`create table "notifications" ("id" uuid not null, "user_id" uuid not null, "type" varchar(40) not null, "group_key" varchar(80) null, "count" int not null default 1, "title" text not null, "body" text not null, "actor_ids" text[] not null, "data" jsonb not null, "rev" int not null default 1, "seen_at" timestamptz(3) null, "read_at" timestamptz(3) null, "pushed_at" timestamptz(3) null, "created_at" timestamptz(3) not null, "updated_at" timestamptz(3) not null, primary key ("id"));`);
    this.addSql(`create unique index notifications_one_unread_per_group on notifications (user_id, group_key) where read_at is null and group_key is not null;`);
    this.addSql(`create index "notifications_by_user" on "notifications" ("user_id", "updated_at", "id");`);
    this.addSql(`create index notifications_unread on notifications (user_id) where read_at is null;`);

    this.addSql(`create table "notification_preferences" ("user_id" uuid not null, "disabled_types" text[] not null default '{}', "quiet_types" text[] not null default '{}', "quiet_hours" jsonb null, "read_receipts" boolean not null default true, primary key ("user_id"));`);

    this.addSql(`create table "otp_request_log" ("id" uuid not null, "at" timestamptz(3) not null, "phone" varchar(16) not null, "purpose" varchar(20) not null, "ip" varchar(64) not null, "outcome" varchar(32) not null, "otp_id" uuid null, primary key ("id"));`);
    this.addSql(`create index "otp_request_log_at_index" on "otp_request_log" ("at");`);
    this.addSql(`create index "otp_request_log_phone_at_index" on "otp_request_log" ("phone", "at");`);
    this.addSql(`create index "otp_request_log_ip_id_index" on "otp_request_log" ("ip", "id");`);
    this.addSql(`create index "otp_request_log_outcome_id_index" on "otp_request_log" ("outcome", "id");`);

    this.addSql(`create table "participants" ("thread_id" uuid not null, "user_id" uuid not null, "side" varchar(6) not null, "me_rev" int not null default 1, "is_marked_unread" boolean not null default false, "muted_until" timestamptz(3) null, "is_archived" boolean not null default false, "hides_receipts" boolean not null default false, "removed_at" timestamptz(3) null, primary key ("thread_id", "user_id"));`);
    this.addSql(`create index "participants_by_user" on "participants" ("user_id", "thread_id");`);

    this.addSql(`create table "phone_budgets" ("subject" varchar(24) not null, "last_sent_at" timestamptz(3) null, "hour_started_at" timestamptz(3) not null, "hour_count" int not null default 0, "day_started_at" timestamptz(3) not null, "day_count" int not null default 0, primary key ("subject"));`);

    this.addSql(`create table "phone_otps" ("id" uuid not null, "phone" varchar(16) not null, "purpose" varchar(20) not null, "code_hmac" bytea not null, "attempts" int not null default 0, "expires_at" timestamptz(3) not null, "used_at" timestamptz(3) null, "created_at" timestamptz(3) not null, "is_test" boolean not null default false, "driver" varchar(20) null, "provider_id" varchar(100) null, "cost" numeric(12,4) null, "delivery_status" varchar(30) null, primary key ("id"));`);
    this.addSql(`create index "phone_otps_phone_created_at_index" on "phone_otps" ("phone", "created_at");`);

    this.addSql(`create table "plans" ("id" uuid not null, "code" varchar(40) not null, "name" varchar(80) not null, "description" text not null default '', "price" numeric(14,2) not null default '0', "currency" varchar(3) not null default 'UZS', "trial_days" int not null default 0, "sort_order" int not null default 0, "entitlements" jsonb not null, "is_active" boolean not null default true, "created_at" timestamptz(3) not null, primary key ("id"));`);
    this.addSql(`alter table "plans" add constraint "plans_code_unique" unique ("code");`);

    this.addSql(`create table "post_views" ("day" date not null, "post_id" uuid not null, "user_id" uuid not null, primary key ("day", "post_id", "user_id"));`);

    this.addSql(`create table "post_words" ("word" text not null, primary key ("word"));`);
    this.addSql(`create index post_words_trigrams on post_words using gin (word gin_trgm_ops) with (fastupdate = off);`);

    this.addSql(`create table "presences" ("user_id" uuid not null, "is_invisible" boolean not null default false, "last_seen_at" timestamptz(3) null, primary key ("user_id"));`);

    this.addSql(`create table "push_subscriptions" ("id" uuid not null, "user_id" uuid not null, "session_id" uuid not null, "endpoint" varchar(1000) not null, "p256dh" varchar(100) not null, "auth" varchar(40) not null, "created_at" timestamptz(3) not null, primary key ("id"));`);
    this.addSql(`create index "push_subscriptions_session_id_index" on "push_subscriptions" ("session_id");`);
    this.addSql(`alter table "push_subscriptions" add constraint "push_subscriptions_endpoint_unique" unique ("endpoint");`);
    this.addSql(`create index "push_subscriptions_by_user" on "push_subscriptions" ("user_id", "id");`);

    this.addSql(`create table "regions" ("code" varchar(40) not null, "parent_code" varchar(40) null, "name" jsonb not null, "sort_order" int not null, primary key ("code"));`);

    this.addSql(`create table "reports" ("id" uuid not null, "reporter_id" uuid not null, "client_id" uuid not null, "target_type" varchar(8) not null, "target_id" uuid not null, "thread_id" uuid null, "subject_id" uuid null, "reason" varchar(8) not null, "comment" text null, "copy" jsonb not null, "status" varchar(10) not null default 'open', "assignee_id" uuid null, "resolution" text null, "resolved_at" timestamptz(3) null, "created_at" timestamptz(3) not null, primary key ("id"));`);
    this.addSql(`create index "reports_by_status" on "reports" ("status", "id");`);
    this.addSql(`create index "reports_by_subject" on "reports" ("subject_id", "id");`);
    this.addSql(`create index "reports_by_assignee" on "reports" ("assignee_id", "id");`);
    this.addSql(`alter table "reports" add constraint "reports_reporter_client" unique ("reporter_id", "client_id");`);
    this.addSql(`alter table "reports" add constraint "reports_one_per_target" unique ("reporter_id", "target_type", "target_id");`);

    this.addSql(`create table "threads" ("id" uuid not null, "post_id" uuid not null, "buyer_id" uuid not null, "seller_id" uuid not null, "post" jsonb not null, "rev" int not null default 1, "last_seq" int not null default 0, "activity_id" uuid not null, "is_locked" boolean not null default false, "is_blocked" boolean not null default false, "buyer_read_seq" int not null default 0, "seller_read_seq" int not null default 0, "buyer_delivered_seq" int not null default 0, "seller_delivered_seq" int not null default 0, "is_buyer_removed" boolean not null default false, "is_seller_removed" boolean not null default false, "created_at" timestamptz(3) not null, "updated_at" timestamptz(3) not null, primary key ("id"));`);
    this.addSql(`create index "threads_by_pair" on "threads" ("buyer_id", "seller_id");`);
    this.addSql(`alter table "threads" add constraint "threads_post_buyer" unique ("post_id", "buyer_id");`);

    this.addSql(`create table "used_tokens" ("jti" uuid not null, "expires_at" timestamptz(3) not null, primary key ("jti"));`);
    this.addSql(`create index "used_tokens_expires_at_index" on "used_tokens" ("expires_at");`);

    this.addSql(`create table "users" ("id" uuid not null, "phone" varchar(16) null, "former_phone" varchar(16) null, "full_name" varchar(80) null, "avatar_url" text null, "locale" varchar(8) not null default 'uz', "role" varchar(16) not null default 'user', "password_hash" text null, "blocked_at" timestamptz(3) null, "blocked_until" timestamptz(3) null, "block_reason" text null, "active_at" timestamptz(3) null, "deleted_at" timestamptz(3) null, "set_aside_at" timestamptz(3) null, "created_at" timestamptz(3) not null, primary key ("id"));`);
    this.addSql(`alter table "users" add constraint "users_phone_unique" unique ("phone");`);
    this.addSql(`create index users_staff on users (role, id) where role <> 'user';`);
    this.addSql(`create index users_blocked on users (id) where blocked_at is not null;`);
    this.addSql(`create index users_names on users using gin (full_name gin_trgm_ops);`);
    this.addSql(`create index users_phones on users using gin (phone gin_trgm_ops);`);

    this.addSql(`create table "uploads" ("id" uuid not null, "user_id" uuid not null, "purpose" varchar(8) not null, "name" varchar(200) not null, "file_name" varchar(40) not null, "bytes" int not null, "width" int not null, "height" int not null, "attached_to" varchar(80) null, "created_at" timestamptz(3) not null, primary key ("id"));`);
    this.addSql(`alter table "uploads" add constraint "uploads_file_name_unique" unique ("file_name");`);
    this.addSql(`create index "uploads_attached_to_index" on "uploads" ("attached_to");`);
    this.addSql(`create index "uploads_user_id_created_at_index" on "uploads" ("user_id", "created_at");`);
    this.addSql(`create index uploads_orphans on uploads (created_at) where attached_to is null;`);

    this.addSql(`create table "subscriptions" ("id" uuid not null, "user_id" uuid not null, "plan_id" uuid not null, "status" varchar(16) not null, "current_period_start" timestamptz(3) null, "current_period_end" timestamptz(3) null, "trial_end" timestamptz(3) null, "cancel_at_period_end" boolean not null default false, "next_plan_id" uuid null, "next_period_end" timestamptz(3) null, "warned_of_end" timestamptz(3) null, "created_at" timestamptz(3) not null, "updated_at" timestamptz(3) not null, primary key ("id"));`);
    this.addSql(`create index "subscriptions_user_id_index" on "subscriptions" ("user_id");`);
    this.addSql(`create index "subscriptions_by_status" on "subscriptions" ("status", "id");`);
    this.addSql(`create index subscriptions_running_by_end on subscriptions (current_period_end) where status in ('trialing', 'active', 'past_due');`);
    this.addSql(`create unique index subscriptions_one_not_ended on subscriptions (user_id) where status in ('pending', 'trialing', 'active', 'past_due');`);
    this.addSql(`alter table "subscriptions" add constraint "subscriptions_running_has_period" check (status in ('pending', 'canceled') or (current_period_start is not null and current_period_end is not null));`);
    this.addSql(`alter table "subscriptions" add constraint "subscriptions_paid_plan_is_named" check (next_period_end is null or next_plan_id is not null);`);

    this.addSql(`create table "sessions" ("id" uuid not null, "user_id" uuid not null, "salt" bytea not null, "counter" int not null default 0, "amr" text[] not null, "auth_at" timestamptz(3) not null, "created_at" timestamptz(3) not null, "refreshed_at" timestamptz(3) not null, "expires_at" timestamptz(3) not null, "revoked_at" timestamptz(3) null, "revoke_reason" varchar(32) null, "device_id" varchar(100) null, "device_name" varchar(100) null, "platform" varchar(50) null, "ip" varchar(64) null, "user_agent" varchar(300) null, primary key ("id"));`);
    this.addSql(`create index "sessions_user_id_index" on "sessions" ("user_id");`);

    this.addSql(`create table "search_match_hours" ("user_id" uuid not null, "hour" timestamptz(3) not null, "told" int not null, primary key ("user_id"));`);
    this.addSql(`alter table "search_match_hours" add constraint "search_match_hours_told" check (told between 0 and 20);`);

    this.addSql(`create table "saved_searches" ("id" uuid not null, "user_id" uuid not null, "name" varchar(60) not null, "filters" jsonb not null, "notify" boolean not null default true, "new_count" int not null default 0, "wanted" jsonb not null, "anchors" text[] not null, "created_at" timestamptz(3) not null, primary key ("id"));`);
    this.addSql(`create index "saved_searches_user_id_id_index" on "saved_searches" ("user_id", "id");`);
    this.addSql(`create index saved_searches_anchors on saved_searches using gin (anchors) with (fastupdate = off);`);
    this.addSql(`alter table "saved_searches" add constraint "saved_searches_new_count" check (new_count >= 0);`);

    this.addSql(`create table "posts" ("id" uuid not null, "author_id" uuid not null, "status" varchar(16) not null, "intent" varchar(4) not null, "title" varchar(120) not null, "body" text null, "category_id" uuid null, "part_number" varchar(40) null, "oem_numbers" text[] not null default '{}', "brand" varchar(60) null, "condition" varchar(16) null, "fitments" jsonb not null, "images" jsonb not null default '[]', "price" numeric(14,2) null, "currency" varchar(3) null, "price_negotiable" boolean not null default false, "unit" varchar(4) null, "quantity" int null, "min_order_qty" int null, "region" varchar(16) null, "city" varchar(80) null, "part_norm" text[] not null, "search_norm" text not null, "search_vector" tsvector generated always as (to_tsvector('simple', search_norm)) stored null, "brand_norm" text null, "city_norm" text null, "fits_norm" jsonb not null default '[]', "fits_keys" text[] not null default '{}', "matched_at" timestamptz(3) null, "views_count" int not null default 0, "favorites_count" int not null default 0, "moderation_state" varchar(8) not null default 'none', "moderation_reason" text null, "close_reason" varchar(8) null, "counted_at" timestamptz(3) null, "published_at" timestamptz(3) null, "bumped_at" timestamptz(3) null, "expires_at" timestamptz(3) null, "expires_in_days" int not null default 30, "expiring_told_at" timestamptz(3) null, "renewed_at" timestamptz(3) null, "rev" int not null default 1, "created_at" timestamptz(3) not null, "updated_at" timestamptz(3) not null, primary key ("id"));`);
    this.addSql(`create index posts_feed on posts (published_at desc, id desc) where status = 'published';`);
    this.addSql(`create index "posts_by_status" on "posts" ("status", "id");`);
    this.addSql(`create index posts_part_norm on posts using gin (part_norm) with (fastupdate = off);`);
    this.addSql(`create index posts_search_vector on posts using gin (search_vector) with (fastupdate = off);`);
    this.addSql(`create index posts_cheapest on posts (coalesce(price, 10000000000000), id) where status = 'published';`);
    this.addSql(`create index posts_dearest on posts (coalesce(price, -1) desc, id desc) where status = 'published';`);
    this.addSql(`create index posts_of_category on posts (category_id, published_at desc, id desc) where status = 'published';`);
    this.addSql(`create index posts_of_brand on posts (brand_norm, published_at desc, id desc) where status = 'published';`);
    this.addSql(`create index posts_fits_keys on posts using gin (fits_keys) with (fastupdate = off);`);
    this.addSql(`create index "posts_author_id_created_at_index" on "posts" ("author_id", "created_at");`);
    this.addSql(`create index "posts_author_id_counted_at_index" on "posts" ("author_id", "counted_at");`);
    this.addSql(`create index posts_lifetime on posts (expires_at) where status = 'published';`);
    this.addSql(`create index posts_to_review on posts (id) where moderation_state = 'pending';`);

    this.addSql(`create table "monthly_usage" ("user_id" uuid not null, "period" varchar(7) not null, "used" int not null, primary key ("user_id", "period"));`);

    this.addSql(`create table "favorites" ("user_id" uuid not null, "post_id" uuid not null, "id" uuid not null, "created_at" timestamptz(3) not null, primary key ("user_id", "post_id"));`);
    this.addSql(`create index "favorites_user_id_id_index" on "favorites" ("user_id", "id");`);

    this.addSql(`create table "contact_reveals" ("user_id" uuid not null, "day" date not null, "post_id" uuid not null, "author_id" uuid not null, "created_at" timestamptz(3) not null, primary key ("user_id", "day", "post_id"));`);
    this.addSql(`create index "contact_reveals_author_id_index" on "contact_reveals" ("author_id");`);

    this.addSql(`create table "b2b_profiles" ("user_id" uuid not null, "company_name" varchar(120) null, "tin" varchar(9) null, "activity" text[] not null default '{}', "region" varchar(16) null, "city" varchar(80) null, "address" varchar(300) null, "about" text null, "hide_phone" boolean not null default false, "logo_upload_id" uuid null, "logo_url" text null, "is_enabled" boolean not null default false, "is_verified" boolean not null default false, "status" varchar(16) not null default 'pending', "reason" text null, "rev" int not null default 1, "created_at" timestamptz(3) not null, "updated_at" timestamptz(3) not null, primary key ("user_id"));`);
    this.addSql(`create index "b2b_profiles_by_status" on "b2b_profiles" ("status", "user_id");`);
    this.addSql(`create index "b2b_profiles_by_tin" on "b2b_profiles" ("tin");`);
    this.addSql(`create index b2b_profiles_names on b2b_profiles using gin (company_name gin_trgm_ops);`);

    this.addSql(`alter table "uploads" add constraint "uploads_user_id_foreign" foreign key ("user_id") references "users" ("id") on delete cascade;`);

    this.addSql(`alter table "subscriptions" add constraint "subscriptions_user_id_foreign" foreign key ("user_id") references "users" ("id") on delete cascade;`);
    this.addSql(`alter table "subscriptions" add constraint "subscriptions_plan_id_foreign" foreign key ("plan_id") references "plans" ("id");`);
    this.addSql(`alter table "subscriptions" add constraint "subscriptions_next_plan_id_foreign" foreign key ("next_plan_id") references "plans" ("id") on delete set null;`);

    this.addSql(`alter table "sessions" add constraint "sessions_user_id_foreign" foreign key ("user_id") references "users" ("id") on delete cascade;`);

    this.addSql(`alter table "search_match_hours" add constraint "search_match_hours_user_id_foreign" foreign key ("user_id") references "users" ("id") on update cascade on delete cascade;`);

    this.addSql(`alter table "saved_searches" add constraint "saved_searches_user_id_foreign" foreign key ("user_id") references "users" ("id") on delete cascade;`);

    this.addSql(`alter table "posts" add constraint "posts_author_id_foreign" foreign key ("author_id") references "users" ("id") on delete cascade;`);

    this.addSql(`alter table "monthly_usage" add constraint "monthly_usage_user_id_foreign" foreign key ("user_id") references "users" ("id") on delete cascade;`);

    this.addSql(`alter table "favorites" add constraint "favorites_user_id_foreign" foreign key ("user_id") references "users" ("id") on update cascade on delete cascade;`);
    this.addSql(`alter table "favorites" add constraint "favorites_post_id_foreign" foreign key ("post_id") references "posts" ("id") on update cascade on delete cascade;`);

    this.addSql(`alter table "contact_reveals" add constraint "contact_reveals_user_id_foreign" foreign key ("user_id") references "users" ("id") on delete cascade;`);
    this.addSql(`alter table "contact_reveals" add constraint "contact_reveals_author_id_foreign" foreign key ("author_id") references "users" ("id") on delete cascade;`);

    this.addSql(`alter table "b2b_profiles" add constraint "b2b_profiles_user_id_foreign" foreign key ("user_id") references "users" ("id") on update cascade on delete cascade;`);
    this.addSql(`create function refuse_change() returns trigger language plpgsql as $$
    begin raise exception '% is append-only', tg_table_name using errcode = 'insufficient_privilege'; end $$;
    create trigger audit_log_append_only before update or delete or truncate on audit_log
      for each statement execute function refuse_change();`);
  }

}
