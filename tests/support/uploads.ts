import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll } from 'vitest';
import type { TestApp, TestUser } from './app.ts';

/** A folder for the images of one test file. */
export async function uploadFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'parthub-uploads-'));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** An image that was just uploaded, and is shown by nothing yet. */
export async function uploadImage(
  app: TestApp,
  who: TestUser,
  purpose: 'post' | 'chat' | 'avatar' = 'post',
): Promise<{ id: string; url: string; thumb_url: string }> {
  const picture = sharp({ create: { width: 40, height: 30, channels: 3, background: '#c33' } });
  const form = new FormData();
  form.set('purpose', purpose);
  form.set('file', new File([new Uint8Array(await picture.png().toBuffer())], 'part.png'));
  const headers = { authorization: `Bearer ${who.token}` };
  const response = await fetch(`${app.url}/api/uploads/`, { method: 'POST', body: form, headers });
  return (await response.json()) as { id: string; url: string; thumb_url: string };
}
