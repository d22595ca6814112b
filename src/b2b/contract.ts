import { fact } from '../common/operations.ts';
import { slot } from '../common/slots.ts';
import { feedOperations } from './contract/feed.ts';
import { moderationOperations } from './contract/moderation.ts';
import { postOperations } from './contract/posts.ts';
import { profileOperations } from './contract/profiles.ts';
import { referenceOperations } from './contract/reference.ts';
import { searchesOperations } from './contract/searches.ts';

export const operations = {
  ...referenceOperations,
  ...profileOperations,
  ...feedOperations,
  ...postOperations,
  ...searchesOperations,
  ...moderationOperations,
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

/** What has happened to a post; most of it its author should know. */
export interface OfPost {
  authorId: string;
  post: PostSnapshot;
}

export const facts = {
  /** An operator opened the board to a business, or closed it; `reason` with the latter. */
  profileEnabled: fact<{ userId: string; isEnabled: boolean; reason?: string | null }>('b2b.profile-enabled'),
  profileRejected: fact<{ userId: string; reason: string | null }>('b2b.profile-rejected'),
  /** It is on the board for the first time. */
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
  /** Its owner has forgotten a saved search. */
  searchDeleted: fact<{ userId: string; searchId: string }>('b2b.search-deleted'),
  /** `userId` has seen the author's phone number; told once for a post, user and day. */
  contactRevealed: fact<OfPost & { userId: string }>('b2b.contact-revealed'),
  /** Something that a conversation shows of the post has changed; `isShown`: everybody may see what it says by now. */
  postChanged: fact<OfPost & { isShown: boolean }>('b2b.post-changed'),
};

/** The caller's conversation about a post, by `<post id>:<user id>`; filled by chat. */
export const myThreadOf = slot<string | null>('b2b.my-thread', null);
