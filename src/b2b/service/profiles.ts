import { sql } from 'kysely';
import type { Company } from '../../accounts/contract.ts';
import type { Actor, Context } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import type { Input } from '../../common/operations.ts';
import type { SlotScope } from '../../common/slots.ts';
import type { Profile } from '../contract/shapes.ts';
import { facts, type operations } from '../contract.ts';
import { B2bProfile } from '../entities.ts';

/** My business profile; before there is one its `status` is `none`. */
export async function getProfile({ em, actor }: Context): Promise<Profile> {
  return presentProfile(await em.findOne(B2bProfile, { user: actor.userId }));
}

/** Writes my business profile. The first one, and one after a rejection, waits for an operator. */
export async function putProfile(ctx: Context, input: Input<typeof operations.putProfile>): Promise<Profile> {
  const { em, now, actor, config } = ctx;
  const profile = await reachOrBegin(ctx, actor.userId);
  const { company_name, hide_phone, tin, activity, region, city, address, about } = input;
  Object.assign(profile, {
    ...{ companyName: company_name, hidePhone: hide_phone, tin: tin ?? null, activity },
    ...{ region: region ?? null, city: city ?? null, address: address ?? null, about: about ?? null },
    ...{ rev: profile.rev + 1, updatedAt: now },
    ...(profile.status === 'rejected' && { status: 'pending', reason: null }),
  });
  await em.flush();
  if (config.B2B_AUTO_ENABLE && profile.status === 'pending')
    await enableProfile(ctx, { userId: actor.userId, isEnabled: true });
  return presentProfile(profile);
}

async function reachOrBegin({ em, now }: Pick<Context, 'em' | 'now'>, userId: string): Promise<B2bProfile> {
  await rows(
    em,
    sql`insert into b2b_profiles (user_id, rev, created_at, updated_at) values (${userId}, 0, ${now}, ${now}) on conflict do nothing`,
  );
  return em.findOneOrFail(B2bProfile, { user: userId });
}

export interface Enabling {
  userId: string;
  isEnabled: boolean;
  companyName?: string | undefined;
}

/** Opens the board to a user, or closes it; for staff. A missing profile is made. */
export async function enableProfile(
  ctx: Pick<Context<Actor | null>, 'em' | 'now' | 'emit'>,
  { userId, isEnabled, companyName }: Enabling,
): Promise<Profile> {
  const profile = await reachOrBegin(ctx, userId);
  profile.isEnabled = isEnabled;
  profile.status = isEnabled ? 'enabled' : 'suspended';
  if (companyName !== undefined) profile.companyName = companyName;
  profile.rev += 1;
  profile.updatedAt = ctx.now;
  await ctx.em.flush();
  ctx.emit(facts.profileEnabled, { userId, isEnabled });
  return presentProfile(profile);
}

function presentProfile(profile: B2bProfile | null): Profile {
  return {
    company_name: profile?.companyName ?? null,
    tin: profile?.tin ?? null,
    activity: (profile?.activity ?? []) as Profile['activity'],
    region: profile?.region ?? null,
    city: profile?.city ?? null,
    address: profile?.address ?? null,
    about: profile?.about ?? null,
    hide_phone: profile?.hidePhone ?? false,
    is_enabled: profile?.isEnabled ?? false,
    status: profile?.status ?? 'none',
    reason: profile?.reason ?? null,
    rev: profile?.rev ?? 0,
  };
}

interface CompanyRow extends Company {
  user_id: string;
}

/** What accounts shows of companies. */
export async function findCompanies({ em }: SlotScope, userIds: readonly string[]): Promise<Map<string, Company>> {
  const found = await rows<CompanyRow>(
    em,
    sql`select user_id, is_enabled, status, company_name, is_verified from b2b_profiles where user_id = any(${userIds}::uuid[])`,
  );
  return new Map(found.map(({ user_id, ...company }) => [user_id, company]));
}

/** What billing asks before it says that somebody may post. */
export async function findEnabled(scope: SlotScope, userIds: readonly string[]): Promise<Map<string, boolean>> {
  const companies = await findCompanies(scope, userIds);
  return new Map([...companies].map(([userId, { is_enabled }]) => [userId, is_enabled]));
}
