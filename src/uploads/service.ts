import { sql } from 'kysely';
import type { Context, ProcedureContext } from '../common/context.ts';
import { rows } from '../common/database.ts';
import { AppError } from '../common/errors.ts';
import { newId, randomToken } from '../common/ids.ts';
import type { Transact } from '../common/jobs.ts';
import { relaxed } from '../common/limits.ts';
import type { Input, Output } from '../common/operations.ts';
import { daysAfter } from '../common/time.ts';
import type { Config } from '../config.ts';
import type { Image, operations } from './contract.ts';
import { Upload } from './entities.ts';
import { type Encoded, encodeImage } from './images.ts';
import { imagesUrl, type Storage } from './storage.ts';

const A_DAY = 200;
const RANDOM_BYTES = 16;
/** What shows those whose files are being removed: nothing, so nothing else can show them any more. */
const REMOVAL = 'removal';

/**
 * Stores an image of the caller, re-encoded. It is shown by nothing yet, and is removed after a day unless it is attached.
 * Throws unsupported_image, payload_too_large, upload_quota_exceeded (200 a day).
 */
export function uploadImage(storage: Storage) {
  return async (
    ctx: ProcedureContext,
    input: Input<typeof operations.uploadImage>,
  ): Promise<Output<typeof operations.uploadImage>> => {
    await ensureQuota(ctx);
    const encoded = await encodeImage(input.file.content);
    // The row is first: its files go with it, whatever happens between the two, and nobody else knows its id yet.
    const upload = await ctx.transaction(inside => noteDown(inside, input, encoded));
    try {
      await storage.write(`${upload.fileName}.webp`, encoded.image);
      await storage.write(`${upload.fileName}.thumb.webp`, encoded.thumb);
    } catch (error) {
      await ctx.transaction(inside => giveUp(inside, upload));
      throw error;
    }
    return { ...presentImage(ctx.config, upload), purpose: upload.purpose };
  };
}

/** The caller's row is locked, so that of many at once no more are stored than there may be. */
async function noteDown(
  ctx: Context,
  input: Input<typeof operations.uploadImage>,
  { image, width, height }: Encoded,
): Promise<Upload> {
  const { em, now, actor } = ctx;
  await rows(em, sql`select from users where id = ${actor.userId} for no key update`);
  await ensureQuota(ctx);
  const upload = em.create(Upload, {
    ...{ id: newId(), user: actor.userId, purpose: input.purpose, fileName: randomToken(RANDOM_BYTES) },
    ...{ name: nameOf(input), bytes: image.length, width, height, createdAt: now },
  });
  await em.persist(upload).flush();
  return upload;
}

/** What came of it is removed as other orphans are, and counts for nobody. */
async function giveUp({ em }: Pick<Context, 'em'>, { id }: Upload): Promise<void> {
  await rows(em, sql`update uploads set attached_to = ${REMOVAL} where id = ${id}`);
}

const MOST_OF_A_NAME = 200;

/** Cut between characters: half of one is stored as another. */
function nameOf({ name, file }: Input<typeof operations.uploadImage>): string {
  return [...(name ?? file.name)].slice(0, MOST_OF_A_NAME).join('') || 'image';
}

async function ensureQuota({
  em,
  now,
  actor,
  config,
}: Pick<Context, 'em' | 'now' | 'actor' | 'config'>): Promise<void> {
  const [counted] = await rows<{ used: number }>(
    em,
    sql`select count(*)::int as used from uploads
        where user_id = ${actor.userId} and created_at > ${daysAfter(now, -1)} and attached_to is distinct from ${REMOVAL}`,
  );
  if (counted!.used >= relaxed(config, A_DAY)) throw new AppError('upload_quota_exceeded');
}

type Shown = Pick<Upload, 'id' | 'name' | 'bytes' | 'width' | 'height' | 'fileName'>;

function presentImage(config: Config, { id, name, bytes, width, height, fileName }: Shown): Image {
  const url = `${imagesUrl(config)}/${fileName}.webp`;
  const thumb_url = `${imagesUrl(config)}/${fileName}.thumb.webp`;
  return { id, kind: 'image', name, bytes, mime: 'image/webp', url, thumb_url, width, height };
}

export interface Claim {
  /** The caller's own place in the list, to tell claims apart. */
  ownerId: string;
  ids: readonly string[];
  purpose: Upload['purpose'];
  /** `<kind>:<id>` of what shows them from now on. */
  target: string;
}

/**
 * Gives uploads to what shows them, once and only by their owner; in the transaction that writes that. Asking again for the
 * same target gives the same images. null: one of them is somebody else's, used already, or meant for something else.
 */
export async function attachUploads(
  { em, config }: Pick<Context, 'em' | 'config'>,
  { ownerId, ids, purpose, target }: Claim,
): Promise<Image[] | null> {
  const unique = [...new Set(ids)].sort();
  const found = await rows<Omit<Shown, 'fileName'> & { file_name: string }>(
    em,
    sql`select id, name, bytes, width, height, file_name from uploads where id = any(${unique}::uuid[]) and user_id = ${ownerId}
        and purpose = ${purpose} and (attached_to is null or attached_to = ${target}) order by id for update`,
  );
  if (found.length !== unique.length) return null;
  await rows(em, sql`update uploads set attached_to = ${target} where id = any(${unique}::uuid[])`);
  const images = new Map(
    found.map(({ file_name, ...row }) => [row.id, presentImage(config, { ...row, fileName: file_name })]),
  );
  return [...new Set(ids)].map(id => images.get(id)!);
}

/** As `attachUploads`, instead of what the target showed before: that is free again. Throws not_found. */
export async function replaceUploads(ctx: Pick<Context, 'em' | 'config'>, claim: Claim): Promise<Image[]> {
  await releaseUploads(ctx, [claim.target]);
  const images = claim.ids.length > 0 ? await attachUploads(ctx, claim) : [];
  if (!images) throw new AppError('not_found');
  return images;
}

const avatarOf = (userId: string): string => `avatar:${userId}`;

/** Makes an upload the picture of its owner; null takes the picture away. Returns its address. Throws not_found. */
export async function setAvatar(
  ctx: Pick<Context, 'em' | 'config'>,
  userId: string,
  uploadId: string | null,
): Promise<string | null> {
  const claim = {
    ownerId: userId,
    ids: uploadId ? [uploadId] : [],
    purpose: 'avatar',
    target: avatarOf(userId),
  } as const;
  return (await replaceUploads(ctx, claim))[0]?.thumb_url ?? null;
}

export async function releaseAvatars(ctx: Pick<Context, 'em'>, userIds: readonly string[]): Promise<void> {
  await releaseUploads(ctx, userIds.map(avatarOf));
}

/** Nothing shows what users have uploaded who were deleted by then. */
export async function releaseOfDeleted({ em }: Pick<Context, 'em'>, deletedBy: Date): Promise<void> {
  await rows(
    em,
    sql`update uploads set attached_to = null where attached_to is not null
        and user_id in (select id from users where deleted_at <= ${deletedBy})`,
  );
}

/** What showed uploads, or was to, shows them no more: they are free again, and later orphans. */
export async function releaseUploads({ em }: Pick<Context, 'em'>, targets: readonly string[]): Promise<void> {
  if (targets.length === 0) return;
  await rows(em, sql`update uploads set attached_to = null where attached_to = any(${targets}::text[])`);
}

const REMOVED_AT_ONCE = 20;

/**
 * Removes what nothing has shown for a day; a job's work. No transaction waits for the storage. What fails is tried again by
 * the next run, and keeps nothing else from being removed.
 */
export function removeOrphans(storage: Storage) {
  return async (transact: Transact): Promise<{ removed: number }> => {
    for (let removed = 0; ; ) {
      const fileNames = await transact(takeOrphans);
      const failed = new Map<string, unknown>();
      await Promise.all(fileNames.map(name => removeFiles(storage, name).catch(error => failed.set(name, error))));
      const gone = fileNames.filter(name => !failed.has(name));
      await transact(({ em }) => rows(em, sql`delete from uploads where file_name = any(${gone}::text[])`));
      removed += gone.length;
      if (gone.length > 0) continue;
      const [error] = failed.values();
      if (error) throw error;
      return { removed };
    }
  };
}

async function removeFiles(storage: Storage, fileName: string): Promise<void> {
  for (const suffix of ['.webp', '.thumb.webp']) await storage.remove(fileName + suffix);
}

async function takeOrphans({ em, now }: Pick<Context, 'em' | 'now'>): Promise<string[]> {
  const taken = await rows<{ file_name: string }>(
    em,
    sql`update uploads set attached_to = ${REMOVAL} where id in (
          select id from uploads where attached_to = ${REMOVAL} or (attached_to is null and created_at <= ${daysAfter(now, -1)})
          order by created_at limit ${REMOVED_AT_ONCE} for update skip locked)
        returning file_name`,
  );
  return taken.map(({ file_name }) => file_name);
}
