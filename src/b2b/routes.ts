import type { HttpDoor } from '../common/http.ts';
import { etagOf } from '../common/preconditions.ts';
import { operations } from './contract.ts';
import { addBannedWord, removeBannedWord } from './service/banned-words.ts';
import { revealContact } from './service/contacts.ts';
import { addFavorite, listFavorites, removeFavorite } from './service/favorites.ts';
import { listPosts } from './service/feed.ts';
import { createPost, deletePost, replacePost, updatePost } from './service/posts.ts';
import { getProfile, putProfile } from './service/profiles.ts';
import { closePost, publishPost, renewPost } from './service/publish.ts';
import { listBrands, listCategories, listRegions } from './service/reference.ts';
import {
  createSavedSearch,
  deleteSavedSearch,
  listSavedSearches,
  updateSavedSearch,
} from './service/saved-searches.ts';
import { actOnPosts } from './service/staff-posts.ts';
import { actOnProfiles } from './service/staff-profiles.ts';
import { suggest } from './service/suggest.ts';
import { getPost, type Views } from './service/views.ts';

export function b2bRoutes(door: HttpDoor, views: Views): void {
  const tagged = { headers: etagOf };
  door.handle(operations.listCategories, listCategories);
  door.handle(operations.listBrands, listBrands);
  door.handle(operations.listRegions, listRegions);
  door.handle(operations.getProfile, getProfile, tagged);
  door.handle(operations.putProfile, putProfile, tagged);
  door.handle(operations.listPosts, listPosts);
  door.handle(operations.suggest, suggest);
  door.handle(operations.listSavedSearches, listSavedSearches);
  door.handle(operations.createSavedSearch, createSavedSearch);
  door.handle(operations.updateSavedSearch, updateSavedSearch);
  door.handle(operations.deleteSavedSearch, deleteSavedSearch);
  door.handle(operations.createPost, createPost, {
    headers: post => ({ ...etagOf(post), Location: `/api/b2b/posts/${post.id}/` }),
  });
  door.handle(operations.getPost, getPost(views), tagged);
  door.handle(operations.updatePost, updatePost, tagged);
  door.handle(operations.replacePost, replacePost, tagged);
  door.handle(operations.deletePost, deletePost);
  door.handle(operations.publishPost, publishPost, tagged);
  door.handle(operations.closePost, closePost, tagged);
  door.handle(operations.renewPost, renewPost, tagged);
  door.handle(operations.addFavorite, addFavorite);
  door.handle(operations.removeFavorite, removeFavorite);
  door.handle(operations.listFavorites, listFavorites);
  door.handle(operations.revealContact, revealContact);
  door.handle(operations.actOnProfiles, actOnProfiles);
  door.handle(operations.actOnPosts, actOnPosts);
  door.handle(operations.addBannedWord, addBannedWord);
  door.handle(operations.removeBannedWord, removeBannedWord);
}
