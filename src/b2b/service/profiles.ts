import { LockMode } from '@mikro-orm/core';
import { sql } from 'kysely';
import type { Company } from '../../accounts/contract.ts';
import { keepAccount } from '../../accounts/service/users.ts';
import type { Actor, Context } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import type { Input } from '../../common/operations.ts';
import { ensureMatch } from '../../common/preconditions.ts';
import type { SlotScope } from '../../common/slots.ts';
import { releaseUploads, replaceUploads } from '../../uploads/service.ts';
import type { Profile } from '../contract/shapes.ts';
import { facts, type operations } from '../contract.ts';
import { B2bProfile } from '../entities.ts';

/** My business profile; before there is one its `status` is `none`. */
export async function getProfile({ em, actor }: Context): Promise<Profile> {
  return presentProfile(await em.findOne(B2bProfile, { user: actor.userId }));
}

/**
 * Writes my business profile. The first one, and one after a rejection, waits for an operator; a new tax number has to be
 * verified anew. Throws conflict, session_revoked, and not_found for a logo that is somebody else's or used already.
 */
export async function putProfile(ctx: Context, input: Input<typeof operations.putProfile>): Promise<Profile> {
  const { em, now, actor, config } = ctx;
  await keepAccount(ctx, actor.userId);
  const profile = await reachOrBegin(ctx, actor.userId);
  await ensureMatch(input.if_match, profile, () => presentProfile(profile));
  // Later on staff may have had their reasons.
  const opensItself = config.B2B_AUTO_ENABLE && profile.rev === 0;
  const { company_name, hide_phone, tin = null, activity, region, city, address, about } = input;
  await showLogo(ctx, profile, input.logo_upload_id ?? null);
  Object.assign(profile, {
    ...{ companyName: company_name, hidePhone: hide_phone, tin, activity },
    ...{ region: region ?? null, city: city ?? null, address: address ?? null, about: about ?? null },
    ...{ isVerified: profile.isVerified && profile.tin === tin, rev: profile.rev + 1, updatedAt: now },
    ...(profile.status === 'rejected' && { status: 'pending', reason: null }),
  });
  if (opensItself) decideOn(ctx, profile, { status: 'enabled', reason: null });
  await em.flush();
  return presentProfile(profile);
}

const logoOf = (userId: string): string => `logo:${userId}`;

async function showLogo(ctx: Context, profile: B2bProfile, uploadId: string | null): Promise<void> {
  if (uploadId === (profile.logoUploadId ?? null)) return;
  const claim = { ownerId: profile.user, ids: uploadId ? [uploadId] : [], purpose: 'avatar' } as const;
  const [logo] = await replaceUploads(ctx, { ...claim, target: logoOf(profile.user) });
  Object.assign(profile, { logoUploadId: uploadId, logoUrl: logo?.thumb_url ?? null });
}

/** Takes the logos of these users away, whose accounts are deleted. */
export async function removeLogos(ctx: Pick<Context, 'em'>, userIds: readonly string[]): Promise<void> {
  await releaseUploads(ctx, userIds.map(logoOf));
  await ctx.em.nativeUpdate(B2bProfile, { user: { $in: [...userIds] } }, { logoUploadId: null, logoUrl: null });
}

/** What belongs to a deleted account waits for no operator. */
export async function withdrawRequests({ em }: Pick<Context, 'em'>, userIds: readonly string[]): Promise<void> {
  await em.nativeUpdate(B2bProfile, { user: { $in: [...userIds] }, status: 'pending' }, { status: 'none' });
}

/** Nothing that says who or where they were is left of businesses whose users were deleted by then. */
export async function blankProfiles({ em }: Pick<Context, 'em'>, deletedBy: Date): Promise<void> {
  await rows(
    em,
    sql`update b2b_profiles set company_name = null, tin = null, activity = '{}', region = null, city = null, address = null,
          about = null, reason = null, is_verified = false
        where user_id in (select id from users where deleted_at <= ${deletedBy})
          and num_nonnulls(company_name, tin, region, city, address, about, reason) > 0`,
  );
}

/** Locked until the commit. */
async function reachOrBegin({ em, now }: Pick<Context, 'em' | 'now'>, userId: string): Promise<B2bProfile> {
  await rows(
    em,
    sql`insert into b2b_profiles (user_id, rev, created_at, updated_at) values (${userId}, 0, ${now}, ${now}) on conflict do nothing`,
  );
  return em.findOneOrFail(B2bProfile, { user: userId }, { lockMode: LockMode.PESSIMISTIC_WRITE });
}

export interface Decision {
  status: 'enabled' | 'rejected' | 'suspended';
  /** For its owner; why it was not enabled. */
  reason: string | null;
}

/** Opens the board to a business, or closes it, and tells its user; the profile is locked. */
export function decideOn(
  ctx: Pick<Context<Actor | null>, 'now' | 'emit'>,
  profile: B2bProfile,
  { status, reason }: Decision,
): void {
  const isEnabled = status === 'enabled';
  Object.assign(profile, { isEnabled, status, reason, rev: profile.rev + 1, updatedAt: ctx.now });
  const userId = profile.user;
  if (status === 'rejected') ctx.emit(facts.profileRejected, { userId, reason });
  else ctx.emit(facts.profileEnabled, { userId, isEnabled, reason });
}

export interface Enabling {
  userId: string;
  isEnabled: boolean;
  companyName?: string | undefined;
}

/** Opens the board to a user, or closes it; for operators on the command line. A missing profile is made. */
export async function enableProfile(
  ctx: Pick<Context<Actor | null>, 'em' | 'now' | 'emit'>,
  { userId, isEnabled, companyName }: Enabling,
): Promise<Profile> {
  const profile = await reachOrBegin(ctx, userId);
  if (companyName !== undefined) profile.companyName = companyName;
  decideOn(ctx, profile, { status: isEnabled ? 'enabled' : 'suspended', reason: null });
  await ctx.em.flush();
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
    logo_upload_id: profile?.logoUploadId ?? null,
    logo_url: profile?.logoUrl ?? null,
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
    sql`select user_id, is_enabled, status, company_name, is_verified, logo_url from b2b_profiles where user_id = any(${userIds}::uuid[])`,
    { isHot: true },
  );
  return new Map(found.map(({ user_id, ...company }) => [user_id, company]));
}

/** What billing asks before it says that somebody may post. */
export async function findEnabled(scope: SlotScope, userIds: readonly string[]): Promise<Map<string, boolean>> {
  const companies = await findCompanies(scope, userIds);
  return new Map([...companies].map(([userId, { is_enabled }]) => [userId, is_enabled]));
}
