import { z } from 'zod';
import { Usage } from '../billing/contract.ts';
import { command, fact, query } from '../common/operations.ts';
import { slot } from '../common/slots.ts';
import { feedOperations } from './contract/feed.ts';
import { referenceOperations } from './contract/reference.ts';
import { searchesOperations } from './contract/searches.ts';
import { Post, PostChanges, PostInput, Profile, profileFields } from './contract/shapes.ts';

const postId = z.uuid();

export const operations = {
  ...referenceOperations,
  ...feedOperations,
  ...searchesOperations,
  getProfile: query({
    summary: 'My business profile.',
    http: 'GET /api/b2b/profile/',
    input: z.object({}),
    output: Profile,
  }),
  putProfile: command({
    summary: 'Writes my business profile; the first time it asks for approval.',
    http: 'PUT /api/b2b/profile/',
    input: z.object(profileFields),
    output: Profile,
  }),
  createPost: command({
    summary: 'Publishes a post within the monthly limit of my plan, or keeps it as a draft.',
    http: 'POST /api/b2b/posts/',
    status: 201,
    input: PostInput.extend({ status: z.enum(['published', 'draft']).default('published') }),
    output: Post.extend({ usage: Usage }),
    errors: ['b2b_not_enabled', 'subscription_required', 'post_limit_reached'],
  }),
  getPost: query({
    summary: 'One post.',
    http: 'GET /api/b2b/posts/{post_id}/',
    access: 'optional',
    input: z.object({ post_id: postId }),
    output: Post,
    errors: ['b2b_not_enabled', 'not_found'],
  }),
  updatePost: command({
    summary: 'Changes some fields of my post.',
    http: 'PATCH /api/b2b/posts/{post_id}/',
    input: PostChanges.extend({ post_id: postId }),
    output: Post,
    errors: ['not_found', 'permission_denied', 'invalid_state', 'b2b_not_enabled'],
  }),
  replacePost: command({
    summary: 'Writes my post anew.',
    http: 'PUT /api/b2b/posts/{post_id}/',
    input: PostInput.extend({ post_id: postId }),
    output: Post,
    errors: ['not_found', 'permission_denied', 'invalid_state', 'b2b_not_enabled'],
  }),
  deletePost: command({
    summary: 'Removes my post; its conversations stay.',
    http: 'DELETE /api/b2b/posts/{post_id}/',
    status: 204,
    input: z.object({ post_id: postId }),
    output: z.object({}),
    errors: ['not_found', 'permission_denied', 'b2b_not_enabled'],
  }),
  publishPost: command({
    summary: 'Publishes my draft, or a closed or expired post again; only the first time takes a unit of the month.',
    http: 'POST /api/b2b/posts/{post_id}/publish/',
    input: z.object({ post_id: postId }),
    output: Post,
    errors: [
      'not_found',
      'permission_denied',
      'invalid_state',
      'b2b_not_enabled',
      'subscription_required',
      'post_limit_reached',
    ],
  }),
  closePost: command({
    summary: 'Takes my post off the board.',
    http: 'POST /api/b2b/posts/{post_id}/close/',
    input: z.object({ post_id: postId, reason: z.enum(['sold', 'bought', 'other']).optional() }),
    output: Post,
    errors: ['not_found', 'permission_denied', 'invalid_state', 'b2b_not_enabled'],
  }),
};

/** What a conversation shows of its post. */
export interface PostSnapshot {
  id: string;
  title: string;
  part_number: string | null;
  price: string | null;
  currency: string | null;
  status: string;
  thumb_url: string | null;
}

/** Something that the author of a post should know. */
export interface OfPost {
  authorId: string;
  post: PostSnapshot;
}

export const facts = {
  /** An operator opened the board to a business, or closed it; `reason` with the latter. */
  profileEnabled: fact<{ userId: string; isEnabled: boolean; reason?: string | null }>('b2b.profile-enabled'),
  profileRejected: fact<{ userId: string; reason: string | null }>('b2b.profile-rejected'),
  postPublished: fact<{ postId: string; authorId: string }>('b2b.post-published'),
  /** By a moderator. A restored post is approved. */
  postReviewed: fact<OfPost & { decision: 'approved' | 'rejected' | 'hidden'; reason: string | null }>(
    'b2b.post-reviewed',
  ),
  postExpiring: fact<OfPost & { expiresAt: string }>('b2b.post-expiring'),
  postExpired: fact<OfPost>('b2b.post-expired'),
  /**
   * A post that was just published fits saved searches: one entry for each user who is to be told (at most 200 for a post,
   * 20 for a user and hour); `group_key: search:{searchId}`.
   */
  searchMatched: fact<OfPost & { matches: readonly { userId: string; searchId: string; name: string }[] }>(
    'b2b.search-matched',
  ),
  /** `userId` has seen the author's phone number; told once for a post, user and day. */
  contactRevealed: fact<OfPost & { userId: string }>('b2b.contact-revealed'),
  /** Something that a conversation shows of the post has changed. */
  postChanged: fact<{ authorId: string; post: PostSnapshot }>('b2b.post-changed'),
};

/** The caller's conversation about a post, by `<post id>:<user id>`; filled by chat. */
export const myThreadOf = slot<string | null>('b2b.my-thread', null);
