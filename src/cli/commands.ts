import type { ParseArgsOptionsConfig } from 'node:util';
import webPush from 'web-push';
import { audit } from '../accounts/service/audit.ts';
import { createSuperuser, reachUserByPhone } from '../accounts/service/superusers.ts';
import type { Core } from '../app.ts';
import { profileFields } from '../b2b/contract/shapes.ts';
import { enableProfile } from '../b2b/service/profiles.ts';
import type { SubscriptionStatus } from '../billing/entities.ts';
import { seedPlans } from '../billing/service/plans.ts';
import { MOST_DAYS, setSubscription } from '../billing/service/subscriptions.ts';
import type { Context } from '../common/context.ts';
import { newId } from '../common/ids.ts';
import type { Config } from '../config.ts';
import { collectStatic } from './collectstatic.ts';
import { type Prompt, withPrompt } from './prompt.ts';
import { seedLoad } from './seed-load.ts';

/** What the command line was used wrongly for; told with the command's usage, exit code 2. */
export class UsageError extends Error {}

export interface Arguments {
  positionals: string[];
  options: Record<string, string | boolean | undefined>;
}

export interface Host {
  core: Core;
  config: Config;
  /** Names of the migrations that were applied before the command ran. */
  applied: string[];
}

interface Described {
  usage: string;
  does: string;
  options?: ParseArgsOptionsConfig;
  /** The answer for people, without --json. */
  say(answer: Record<string, unknown>): string;
}

interface Hosted extends Described {
  /** Applies pending migrations first, on an outside database too. */
  migrates?: true;
  run(host: Host, given: Arguments): Promise<Record<string, unknown>>;
  alone?: never;
}

/** Needs neither settings nor a database. */
interface Alone extends Described {
  alone(): Promise<Record<string, unknown>> | Record<string, unknown>;
}

export type Command = Hosted | Alone;

function change<T>({ core }: Host, work: (ctx: Context<null>) => Promise<T>): Promise<T> {
  return core.executor.transaction({ now: new Date(), requestId: newId(), ip: 'cli', userAgent: null }, work);
}

function positional({ positionals }: Arguments, index: number, name: string): string {
  const value = positionals[index];
  if (value === undefined) throw new UsageError(`${name} is missing`);
  return value;
}

export function wholeNumber(text: unknown, name: string, preset: number): number {
  if (text === undefined) return preset;
  if (typeof text !== 'string' || !/^\d{1,9}$/.test(text)) throw new UsageError(`--${name} takes a whole number`);
  return Number(text);
}

/** As long and as plain as the one that users give themselves. */
function companyOf({ options }: Arguments): string | undefined {
  const read = profileFields.company_name.optional().safeParse(options['company']);
  if (!read.success) throw new UsageError('--company takes 2 to 120 characters');
  return read.data;
}

const givenSuperuser = (config: Config) => ({ phone: config.SUPERUSER_PHONE, password: config.SUPERUSER_PASSWORD });

async function askSuperuser({ askText, askSecret }: Prompt) {
  return { phone: await askText('Phone: '), password: await askSecret('Password: ') };
}

const statuses = ['pending', 'trialing', 'active', 'past_due', 'expired', 'canceled'];

export const commands: Record<string, Command> = {
  migrate: {
    usage: 'migrate',
    does: 'applies pending migrations',
    migrates: true,
    run: async ({ applied }) => ({ applied }),
    say: ({ applied }) => (applied as string[]).map(name => `applied ${name}`).join('\n') || 'nothing to apply',
  },
  createsuperuser: {
    usage: 'createsuperuser [--no-input]',
    does: 'asks for phone and password, or takes SUPERUSER_PHONE and SUPERUSER_PASSWORD',
    options: { 'no-input': { type: 'boolean' } },
    async run(host, { options }) {
      const { phone, password } = options['no-input'] ? givenSuperuser(host.config) : await withPrompt(askSuperuser);
      if (!phone || !password)
        throw new UsageError(
          'Phone and password are needed; with --no-input as SUPERUSER_PHONE and SUPERUSER_PASSWORD',
        );
      return { ...(await change(host, ctx => createSuperuser(ctx, { phone, password }))) };
    },
    say: ({ phone, created }) => `${phone} ${created ? 'was made' : 'is now'} superuser`,
  },
  'seed:plans': {
    usage: 'seed:plans',
    does: 'adds the plans basic, pro and premium; existing ones stay as they are',
    run: host =>
      change(host, async ctx => {
        const created = await seedPlans(ctx);
        for (const code of created) audit(ctx, { action: 'seed', resource: 'plans', after: { plan: code } });
        return { created };
      }),
    say: ({ created }) => `created: ${(created as string[]).join(', ') || 'none, all exist'}`,
  },
  'enable-b2b': {
    usage: 'enable-b2b <phone> [--company NAME] [--off]',
    does: 'opens the board to a user (or closes it); user and profile are made when missing',
    options: { company: { type: 'string' }, off: { type: 'boolean' } },
    run: (host, given) =>
      change(host, async ctx => {
        const companyName = companyOf(given);
        const { id, phone } = await reachUserByPhone(ctx, positional(given, 0, '<phone>'));
        const { company_name, is_enabled } = await enableProfile(ctx, {
          userId: id,
          isEnabled: !given.options['off'],
          companyName,
        });
        const action = is_enabled ? 'enable' : 'suspend';
        audit(ctx, { action, resource: 'b2b-profiles', objectId: id, after: { company_name, is_enabled } });
        return { user_id: id, phone, company_name, is_enabled };
      }),
    say: ({ phone, is_enabled }) => `${phone}: business profile ${is_enabled ? 'enabled' : 'switched off'}`,
  },
  'set-subscription': {
    usage: 'set-subscription <phone> <plan> [--status active] [--days 30]',
    does: "ends the user's subscription and begins another; user and seeded plans are made when missing",
    options: { status: { type: 'string' }, days: { type: 'string' } },
    run(host, given) {
      const planCode = positional(given, 1, '<plan>');
      const status = (given.options['status'] ?? 'active') as SubscriptionStatus;
      if (!statuses.includes(status)) throw new UsageError(`--status is one of ${statuses.join(', ')}`);
      const days = wholeNumber(given.options['days'], 'days', 30);
      if (days > MOST_DAYS) throw new UsageError(`--days is at most ${MOST_DAYS}`);
      return change(host, async ctx => {
        const { id: userId, phone } = await reachUserByPhone(ctx, positional(given, 0, '<phone>'));
        await seedPlans(ctx);
        const subscription = await setSubscription(ctx, { userId, planCode, status, days });
        audit(ctx, {
          action: 'set_subscription',
          resource: 'subscriptions',
          objectId: subscription.id,
          after: { plan: planCode, status, current_period_end: subscription.current_period_end },
        });
        await ctx.em.flush();
        return { user_id: userId, phone, subscription };
      });
    },
    say: ({ phone, subscription }) => {
      const { plan, status, current_period_end } = subscription as {
        plan: { name: string };
        status: string;
        current_period_end: string;
      };
      return `${phone}: ${plan.name}, ${status} until ${current_period_end ?? 'it is activated'}`;
    },
  },
  collectstatic: {
    usage: 'collectstatic',
    does: 'copies the assets of the API docs into static/docs, for a server or CDN in front',
    alone: async () => ({ files: await collectStatic() }),
    say: ({ files }) => `${files} files copied to static/`,
  },
  'vapid-keys': {
    usage: 'vapid-keys',
    does: 'makes a pair of keys for web push (VAPID_PUBLIC_KEY, VAPID_PRIVATE_KEY); nothing is stored',
    alone() {
      const { publicKey, privateKey } = webPush.generateVAPIDKeys();
      return { public_key: publicKey, private_key: privateKey };
    },
    say: ({ public_key, private_key }) => `VAPID_PUBLIC_KEY=${public_key}\nVAPID_PRIVATE_KEY=${private_key}`,
  },
  'seed:load': {
    usage:
      'seed:load --users N [--posts N] [--threads N] [--plan premium] [--token-ttl 86400] [--out FILE] [--confirm]',
    does: 'makes users with tokens, posts and threads for a load test; no code is sent',
    options: {
      users: { type: 'string' },
      posts: { type: 'string' },
      threads: { type: 'string' },
      plan: { type: 'string' },
      'token-ttl': { type: 'string' },
      out: { type: 'string' },
      confirm: { type: 'boolean' },
    },
    run: (host, { options }) => seedLoad(host, options),
    say: ({ users, posts, threads, out }) => `${users} users, ${posts} posts, ${threads} threads; tokens in ${out}`,
  },
};
