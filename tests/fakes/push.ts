import { createDecipheriv, createECDH, type ECDH, hkdfSync, randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { type FakeProvider, fakeProvider } from './provider.ts';

export interface Browser {
  /** What its page sends to `push-subscriptions/`. */
  subscription: { endpoint: string; keys: { p256dh: string; auth: string } };
  /** What it was sent, decrypted as only it can. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into any push
  shown(): any[];
}

export interface FakePush extends FakeProvider {
  buildBrowser(): Browser;
  /** How long it takes a push. */
  delayMs: number;
}

/** A maker of browsers that takes web push (RFC 8030); by default it takes all. `next` makes it answer 410, 429, hang. */
export async function fakePush(): Promise<FakePush> {
  const provider = await fakeProvider(async () => {
    if (push.delayMs > 0) await pause(push.delayMs);
    return { status: 201, body: '' };
  });
  const push = Object.assign(provider, {
    delayMs: 0,
    buildBrowser() {
      const ecdh = createECDH('prime256v1');
      ecdh.generateKeys();
      const auth = randomBytes(16);
      const path = `/push/${randomBytes(12).toString('base64url')}`;
      const keys = { p256dh: ecdh.getPublicKey('base64url'), auth: auth.toString('base64url') };
      const mine = () => provider.received.filter(one => one.path === path);
      return {
        subscription: { endpoint: provider.url + path, keys },
        shown: () => mine().map(one => JSON.parse(decrypt(one.body, ecdh, auth))),
      };
    },
  });
  return push;
}

/** One record of aes128gcm (RFC 8188) with the keys of web push (RFC 8291). */
function decrypt(body: Buffer, ecdh: ECDH, auth: Buffer): string {
  const salt = body.subarray(0, 16);
  const sender = body.subarray(21, 21 + body[20]!);
  const sealed = body.subarray(21 + body[20]!);
  const derive = (key: Uint8Array, by: Buffer, info: Buffer, bytes: number) =>
    Buffer.from(hkdfSync('sha256', key, by, info, bytes));
  const info = Buffer.concat([Buffer.from('WebPush: info\0'), ecdh.getPublicKey(), sender]);
  const secret = derive(ecdh.computeSecret(sender), auth, info, 32);
  const key = derive(secret, salt, Buffer.from('Content-Encoding: aes128gcm\0'), 16);
  const nonce = derive(secret, salt, Buffer.from('Content-Encoding: nonce\0'), 12);
  const decipher = createDecipheriv('aes-128-gcm', key, nonce).setAuthTag(sealed.subarray(-16));
  const text = Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
  return text.subarray(0, text.lastIndexOf(2)).toString();
}
