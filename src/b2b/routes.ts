import type { HttpDoor } from '../common/http.ts';
import { operations } from './contract.ts';
import { getPost, listPosts } from './service/feed.ts';
import { closePost, createPost, deletePost, publishPost, replacePost, updatePost } from './service/posts.ts';
import { getProfile, putProfile } from './service/profiles.ts';

export function b2bRoutes(door: HttpDoor): void {
  door.handle(operations.getProfile, getProfile);
  door.handle(operations.putProfile, putProfile);
  door.handle(operations.listPosts, listPosts);
  door.handle(operations.createPost, createPost, { headers: post => ({ Location: `/api/b2b/posts/${post.id}/` }) });
  door.handle(operations.getPost, getPost);
  door.handle(operations.updatePost, updatePost);
  door.handle(operations.replacePost, replacePost);
  door.handle(operations.deletePost, deletePost);
  door.handle(operations.publishPost, publishPost);
  door.handle(operations.closePost, closePost);
}
