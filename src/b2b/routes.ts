import type { HttpDoor } from '../common/http.ts';
import { operations } from './contract.ts';
import { getPost, listPosts } from './service/feed.ts';
import { closePost, createPost, deletePost, publishPost, replacePost, updatePost } from './service/posts.ts';
import { getProfile, putProfile } from './service/profiles.ts';
import { listBrands, listCategories, listRegions } from './service/reference.ts';
import {
  createSavedSearch,
  deleteSavedSearch,
  listSavedSearches,
  updateSavedSearch,
} from './service/saved-searches.ts';
import { suggest } from './service/suggest.ts';

export function b2bRoutes(door: HttpDoor): void {
  door.handle(operations.listCategories, listCategories, { isTagged: true });
  door.handle(operations.listBrands, listBrands, { isTagged: true });
  door.handle(operations.listRegions, listRegions, { isTagged: true });
  door.handle(operations.getProfile, getProfile);
  door.handle(operations.putProfile, putProfile);
  door.handle(operations.listPosts, listPosts);
  door.handle(operations.suggest, suggest);
  door.handle(operations.listSavedSearches, listSavedSearches);
  door.handle(operations.createSavedSearch, createSavedSearch);
  door.handle(operations.updateSavedSearch, updateSavedSearch);
  door.handle(operations.deleteSavedSearch, deleteSavedSearch);
  door.handle(operations.createPost, createPost, { headers: post => ({ Location: `/api/b2b/posts/${post.id}/` }) });
  door.handle(operations.getPost, getPost);
  door.handle(operations.updatePost, updatePost);
  door.handle(operations.replacePost, replacePost);
  door.handle(operations.deletePost, deletePost);
  door.handle(operations.publishPost, publishPost);
  door.handle(operations.closePost, closePost);
}
