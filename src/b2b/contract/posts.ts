import { z } from 'zod';
import { Usage } from '../../billing/contract.ts';
import { anyId, command, cursor, ifMatch, nextCursor, pageLimit, query } from '../../common/operations.ts';
import { Post, PostChanges, PostInput } from './shapes.ts';

const onePost = z.object({ post_id: anyId });
const ifMatchHeader = { if_match: 'If-Match' };
const ownPost = ['not_found', 'permission_denied', 'invalid_state', 'b2b_not_enabled'] as const;
const publishing = ['subscription_required', 'content_rejected'] as const;

export const postOperations = {
  createPost: command({
    summary: 'Publishes a post within the monthly limit of my plan, or keeps it as a draft.',
    http: 'POST /api/b2b/posts/',
    status: 201,
    limits: [{ name: 'posts', by: 'user', points: 20, windowSec: 3_600 }],
    input: PostInput.extend({ status: z.enum(['published', 'draft']).default('published') }),
    output: Post.extend({ usage: Usage }),
    errors: ['b2b_not_enabled', 'not_found', 'post_limit_reached', 'duplicate_post', ...publishing],
  }),
  getPost: query({
    summary: 'One post; my look at it counts once a day.',
    http: 'GET /api/b2b/posts/{post_id}/',
    access: 'optional',
    input: onePost,
    output: Post,
    errors: ['b2b_not_enabled', 'not_found'],
  }),
  updatePost: command({
    summary: 'Changes some fields of my post; a rejected one is reviewed again.',
    http: 'PATCH /api/b2b/posts/{post_id}/',
    headers: ifMatchHeader,
    input: PostChanges.extend({ post_id: anyId, if_match: ifMatch }),
    output: Post,
    errors: [...ownPost, 'conflict', ...publishing],
  }),
  replacePost: command({
    summary: 'Writes my post anew; a rejected one is reviewed again.',
    http: 'PUT /api/b2b/posts/{post_id}/',
    headers: ifMatchHeader,
    input: PostInput.extend({ post_id: anyId, if_match: ifMatch }),
    output: Post,
    errors: [...ownPost, 'conflict', ...publishing],
  }),
  deletePost: command({
    summary: 'Removes my post; its conversations stay.',
    http: 'DELETE /api/b2b/posts/{post_id}/',
    headers: ifMatchHeader,
    status: 204,
    input: onePost.extend({ if_match: ifMatch }),
    output: z.object({}),
    errors: ['not_found', 'permission_denied', 'b2b_not_enabled', 'conflict'],
  }),
  publishPost: command({
    summary: 'Publishes my draft, or a closed or expired post again; only the first time takes a unit of the month.',
    http: 'POST /api/b2b/posts/{post_id}/publish/',
    input: onePost,
    output: Post,
    errors: [...ownPost, ...publishing, 'post_limit_reached', 'duplicate_post'],
  }),
  closePost: command({
    summary: 'Takes my post off the board.',
    http: 'POST /api/b2b/posts/{post_id}/close/',
    input: onePost.extend({ reason: z.enum(['sold', 'bought', 'other']).optional() }),
    output: Post,
    errors: ownPost,
  }),
  renewPost: command({
    summary: 'Begins the lifetime of my post anew, once in 24 hours; a closed or expired one is on the board again.',
    http: 'POST /api/b2b/posts/{post_id}/renew/',
    input: onePost,
    output: Post,
    errors: [...ownPost, ...publishing, 'rate_limited'],
  }),
  addFavorite: command({
    summary: 'Keeps a post among my favourites.',
    http: 'POST /api/b2b/posts/{post_id}/favorite/',
    status: 204,
    input: onePost,
    output: z.object({}),
    errors: ['b2b_not_enabled', 'not_found'],
  }),
  removeFavorite: command({
    summary: 'Keeps a post no longer.',
    http: 'DELETE /api/b2b/posts/{post_id}/favorite/',
    status: 204,
    input: onePost,
    output: z.object({}),
    errors: ['b2b_not_enabled'],
  }),
  listFavorites: query({
    summary: 'The posts I keep, the latest kept first.',
    http: 'GET /api/b2b/favorites/',
    paged: true,
    input: z.object({ limit: pageLimit(100), cursor }),
    output: z.object({ results: z.array(Post), next_cursor: nextCursor }),
    errors: ['b2b_not_enabled', 'invalid_cursor'],
  }),
  revealContact: command({
    summary: "The author's phone number: so many a day as my plan allows, logged, and the author is told.",
    http: 'POST /api/b2b/posts/{post_id}/reveal-contact/',
    input: onePost,
    output: z.object({ phone: z.string().meta({ example: '+998901234567' }) }),
    errors: ['b2b_not_enabled', 'not_found', 'own_post', 'invalid_state', 'contact_hidden', 'reveal_limit_reached'],
  }),
};
