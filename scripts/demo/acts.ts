import { randomUUID } from 'node:crypto';
import type { Account, Client, Device } from './client.ts';
import type { DemoServer } from './server.ts';
import type { Transcript } from './transcript.ts';

export interface CatalogueSeller {
  n: number;
  company_name: string;
  region: string;
  city: string;
  activity: string[];
}
export type CataloguePost = { seller: number; title: string; part_number?: string; category?: string } & Record<
  string,
  unknown
>;
export interface Catalogue {
  sellers: CatalogueSeller[];
  posts: CataloguePost[];
}

export interface Stage {
  transcript: Transcript;
  client: Client;
  server: DemoServer;
  /** Makes phone numbers and titles of this run its own, so that the demo can be run again on the same server. */
  run: number;
}

const phoneOf = ({ run }: Stage, n: number) => `+99888${String(run).padStart(5, '0')}${String(n).padStart(2, '0')}`;

/** The three steps of an operator: plans exist, the business is enabled, the subscription is active. */
async function enable(
  { server }: Stage,
  { phone, name }: Pick<Account, 'phone' | 'name'>,
  plan: string | null,
): Promise<void> {
  await server.cli('enable-b2b', phone, '--company', name);
  if (plan !== null) await server.cli('set-subscription', phone, plan);
}

export async function sellersOpen(stage: Stage, { sellers }: Catalogue): Promise<Account[]> {
  const { transcript, client } = stage;
  transcript.act('Twelve sellers log in, an operator enables them and gives them a plan');
  const accounts: Account[] = [];
  for (const { n, company_name, region, city, activity } of sellers) {
    const account = await transcript.step(`${company_name} logs in by phone code`, () =>
      client.logIn(company_name, phoneOf(stage, n)),
    );
    if (n === 1) {
      const early = await client.refused(account, 'POST', '/api/b2b/posts/', { title: 'Too early' });
      transcript.expect('before that it may not post: b2b_not_enabled', early?.problem.code === 'b2b_not_enabled');
    }
    await client.call(account, 'PUT', '/api/b2b/profile/', { company_name, region, city, activity });
    const plan = n === 10 ? 'basic' : 'premium';
    await transcript.step(`  the operator enables it, plan ${plan}`, () => enable(stage, account, plan));
    accounts.push(account);
  }
  return accounts;
}

export async function sellersPublish(stage: Stage, { posts }: Catalogue, sellers: readonly Account[]): Promise<number> {
  const { transcript, client } = stage;
  transcript.act('They publish their parts');
  const categoryIds = await readCategories(client);
  let published = 0;
  for (const [index, account] of sellers.entries()) {
    const own = posts.filter(post => post.seller === index + 1);
    let refusal: string | null = null;
    await transcript.step(
      account.name,
      async () => {
        for (const { seller: _, category, ...fields } of own) {
          const post = { ...fields, category_id: categoryIds.get(category ?? '') };
          const refused = await client.refused(account, 'POST', '/api/b2b/posts/', post);
          if (refused) {
            refusal = refused.problem.code;
            if (refusal !== 'post_limit_reached') throw refused;
            break;
          }
          published += 1;
        }
      },
      () => (refusal ? `stopped by ${refusal}` : `${own.length} posts`),
    );
    if (index === 9) {
      const billing = await client.call(account, 'GET', '/api/billing/me/');
      const { posts_used, posts_limit, resets_at } = billing.usage;
      transcript.expect(
        `the basic plan ends at ${posts_limit} posts a month (used ${posts_used}, again from ${resets_at})`,
        refusal === 'post_limit_reached' && posts_used === 5,
      );
    }
  }
  return published;
}

/** The ids of the categories, by code. */
async function readCategories(client: Client): Promise<Map<string, string>> {
  const { results } = await client.call(null, 'GET', '/api/b2b/categories/');
  const all = results.flatMap((one: { children: object[] }) => [one, ...one.children]);
  return new Map(all.map(({ code, id }: { code: string; id: string }) => [code, id]));
}

export interface Found {
  buyer: Account;
  post: { id: string; title: string };
}

export async function buyerFinds(stage: Stage, seller: Account): Promise<Found> {
  const { transcript, client } = stage;
  transcript.act('A buyer looks for a coil, by its number');
  const buyer = await transcript.step('the buyer logs in', () =>
    client.logIn('Mirobod Avtoservis', phoneOf(stage, 50)),
  );
  await transcript.step('  and is enabled, without a plan', () => enable(stage, buyer, null));
  const ids = new Set<string>();
  let post: Found['post'] | undefined;
  for (const spelling of ['90919-02252', '9091902252', '90919 02252']) {
    const path = `/api/b2b/posts/?intent=sell&limit=100&part_number=${encodeURIComponent(spelling)}`;
    const { results } = await transcript.step(
      `search “${spelling}”`,
      () => client.call(buyer, 'GET', path),
      page => `${page.results.length} found`,
    );
    post = results.find((one: { author: { display_name: string } }) => one.author.display_name === seller.name);
    if (post) ids.add(post.id);
  }
  transcript.expect('every spelling finds the same post', ids.size === 1 && post !== undefined);
  const count = async (q: string) =>
    (await client.call(buyer, 'GET', `/api/b2b/posts/?q=${encodeURIComponent(q)}&limit=100`)).results.length;
  const [latin, cyrillic] = [await count('tormoz'), await count('тормоз')];
  transcript.expect(`“tormoz” and “тормоз” find the same ${latin} posts`, latin > 0 && latin === cyrillic);
  if (!post) throw new Error(`the coil of ${seller.name} was not found`);
  return { buyer, post };
}

export interface Devices {
  buyerChat: Device;
  buyerTablet: Device;
  sellerChat: Device;
  sellerBell: Device;
  outsiderChat: Device;
  outsiderBell: Device;
}

export async function devicesConnect(
  { transcript, client }: Stage,
  buyer: Account,
  seller: Account,
  outsider: Account,
): Promise<Devices> {
  transcript.act('Devices connect: the seller with one, the buyer with two, somebody who has no part in it with one');
  const connect = (who: Account, namespace: string) =>
    transcript.step(`${who.name} on ${namespace}`, () => client.connect(who, namespace));
  return {
    buyerChat: await connect(buyer, '/chat'),
    buyerTablet: await connect(buyer, '/chat'),
    sellerChat: await connect(seller, '/chat'),
    sellerBell: await connect(seller, '/notifications'),
    outsiderChat: await connect(outsider, '/chat'),
    outsiderBell: await connect(outsider, '/notifications'),
  };
}

const lines = [
  'Assalomu alaykum! Katushka bormi?',
  'Va alaykum assalom, bor. Denso, yangi.',
  'Narxi qancha, 4 dona olsam?',
  'Toʻrttasiga chegirma qilamiz.',
  'Yaxshi, ertaga olib ketaman.',
];

export async function theyTalk(
  stage: Stage,
  { buyer, post }: Found,
  seller: Account,
  devices: Devices,
): Promise<string> {
  const { transcript } = stage;
  const { buyerChat, sellerChat, sellerBell } = devices;
  transcript.act(`The buyer opens a chat from “${post.title}”, and they talk`);
  const opened = await transcript.step('thread:open with a first message', () =>
    buyerChat.ask('thread:open', { post_id: post.id, first_message: { client_id: randomUUID(), text: lines[0] } }),
  );
  const threadId: string = opened.thread.id;
  transcript.expect('the thread is new, its first message has seq 1', opened.created && opened.message.seq === 1);
  await sellerChat.hears('thread:created', ({ thread }) => thread.id === threadId);
  transcript.heard(seller.name, `thread:created about “${opened.thread.post.title}”`);
  const note = await sellerBell.hears(
    'notification:created',
    ({ notification }) => notification.data.thread_id === threadId,
  );
  transcript.heard(seller.name, `notification:created “${note.notification.body}”, badge ${note.badge.unread}`);
  for (const [index, text] of lines.entries()) {
    if (index === 0) continue;
    const [speaker, name, listener, listenerName] =
      index % 2 === 0
        ? [buyerChat, buyer.name, sellerChat, seller.name]
        : [sellerChat, seller.name, buyerChat, buyer.name];
    const sent = await transcript.step(
      `${name}: ${text}`,
      () => speaker.ask('message:send', { thread_id: threadId, client_id: randomUUID(), text }),
      ({ message }) => `acknowledged, stored as seq ${message.seq}`,
    );
    await listener.hears('message:created', ({ message }) => message.id === sent.message.id);
    transcript.heard(listenerName, `message:created seq ${sent.message.seq}`);
  }
  return threadId;
}

export async function nothingIsLost(
  { transcript, client }: Stage,
  { buyer, post }: Found,
  seller: Account,
  devices: Devices,
  threadId: string,
): Promise<void> {
  const { buyerChat, sellerChat, sellerBell } = devices;
  transcript.act('Nothing is lost, nothing is shown twice, nobody else hears');
  const retry = { thread_id: threadId, client_id: randomUUID(), text: 'Manzilingiz qayerda?' };
  const first = await buyerChat.ask('message:send', retry);
  const again = await buyerChat.ask('message:send', retry);
  transcript.expect(
    'a repeated send is the same message, told as a duplicate',
    again.duplicate && again.message.id === first.message.id,
  );
  const overRest = await client.call(buyer, 'POST', '/api/chat/send/', retry);
  transcript.expect('over REST too', overRest.duplicate && overRest.message.seq === 6);
  const { messages } = await sellerChat.ask('thread:history', { thread_id: threadId });
  transcript.expect(
    'the history is what was said, in order',
    messages.map((message: { text: string }) => message.text).join() === [...lines, retry.text].join(),
  );
  const { results } = await client.call(seller, 'GET', '/api/notifications/?unread_only=1');
  const rows = results.filter((row: { data: { thread_id?: string } }) => row.data.thread_id === threadId);
  const told = ['notification:created', 'notification:updated'].map(event =>
    sellerBell.hears(event, ({ notification: { id, count } }) => id === rows[0]?.id && count === rows[0]?.count),
  );
  await Promise.any(told);
  transcript.expect(
    `the seller has one unread row for the thread (count ${rows[0]?.count}), and was told so live`,
    rows.length === 1,
  );
  await everyDeviceHasItOnce({ transcript }, devices, threadId);
  const refused = await client.refused(null, 'GET', `/api/b2b/posts/${post.id}/`);
  transcript.expect('and without a token one sees nothing', refused?.status === 401);
}

async function everyDeviceHasItOnce(
  { transcript }: Pick<Stage, 'transcript'>,
  devices: Devices,
  threadId: string,
): Promise<void> {
  const { buyerTablet, outsiderChat, outsiderBell } = devices;
  await buyerTablet.ask('thread:get', { thread_id: threadId });
  const seen = new Map<number, number>();
  for (const { event, payload } of buyerTablet.heard)
    if (event === 'message:created') seen.set(payload.message.rev, payload.message.seq);
  transcript.expect("the buyer's second device heard all six messages", new Set(seen.values()).size === 6);
  const pulled = await buyerTablet.ask('sync:pull', { threads: [] });
  const own = pulled.threads.find((one: { thread: { id: string } }) => one.thread.id === threadId);
  transcript.expect('a pull from nothing returns the whole conversation', own?.messages.length === 6);
  await outsiderChat.ask('thread:list', {});
  await outsiderBell.ask('notification:list', {});
  const overheard = [...outsiderChat.heard, ...outsiderBell.heard].filter(one =>
    JSON.stringify(one.payload).includes(threadId),
  );
  transcript.expect('who has no part in it heard nothing', overheard.length === 0);
}
