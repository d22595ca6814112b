import { expect, test } from 'vitest';
import { DAY } from '../support/accounts.ts';
import { type TestUser, useApp } from '../support/app.ts';
import { buildTalk, message } from '../support/talk.ts';
import { uploadFolder, uploadImage } from '../support/uploads.ts';
import { buildDealer, postInput } from '../support/worlds.ts';

const app = useApp({ UPLOAD_DIR: await uploadFolder() });

/** Each with the image that it shows from then on. */
const shown: Record<string, () => Promise<{ url: string; thumb_url: string }>> = {
  async 'a message'() {
    const { buyer, thread } = await buildTalk(app);
    const image = await uploadImage(app, buyer, 'chat');
    await app.post(buyer, '/api/chat/send/', message(thread, { attachments: [image.id] }));
    return image;
  },
  async 'a post'() {
    const dealer = await buildDealer(app);
    const image = await uploadImage(app, dealer);
    expect((await app.post(dealer, '/api/b2b/posts/', postInput({ image_ids: [image.id] }))).status).toBe(201);
    return image;
  },
  async 'an account'() {
    const user: TestUser = await app.buildUser();
    const image = await uploadImage(app, user, 'avatar');
    expect((await app.patch(user, '/api/auth/me/', { avatar_upload_id: image.id })).status).toBe(200);
    return image;
  },
};

test.each(Object.keys(shown))('an image that %s shows is not removed, however old it is', async what => {
  const image = await shown[what]!();
  await app.jobs.run('remove-orphans', new Date(Date.now() + 400 * DAY));
  for (const url of [image.url, image.thumb_url]) expect((await fetch(new URL(url, app.url))).status).toBe(200);
});
