import { expect } from 'vitest';
import type { TestApp, TestUser } from './app.ts';

/** Publishes on the board of an app, and reads it as a user. */
export function boardOf(app: TestApp) {
  const path = (query: object) =>
    `/api/b2b/posts/?${new URLSearchParams(Object.entries(query).map(([k, v]) => [k, `${v}`]))}`;

  async function pageOf(who: TestUser, query: object) {
    const { status, body } = await app.get(who, path(query));
    expect(status, JSON.stringify(body)).toBe(200);
    return body;
  }
  const titles = async (who: TestUser, query: object): Promise<string[]> =>
    (await pageOf(who, query)).results.map((post: { title: string }) => post.title);

  async function publish(who: TestUser, post: object, headers = {}): Promise<{ id: string }> {
    const { status, body } = await app.post(who, '/api/b2b/posts/', post, headers);
    expect(status, JSON.stringify(body)).toBe(201);
    return body;
  }

  return { path, pageOf, titles, publish };
}
