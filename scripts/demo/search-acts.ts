import type { Stage } from './acts.ts';
import type { Account } from './client.ts';

/** A saved search is hit by a post that spells its words otherwise, and its owner hears it live. */
export async function searchIsHit({ transcript, client, run }: Stage, buyer: Account, seller: Account): Promise<void> {
  transcript.act('The buyer saves a search, and hears of the next part that fits it');
  const filters = { q: `Ўриндиқ ғилофи ${run}`, intent: 'sell', region: 'UZ-TK' };
  const saved = await transcript.step(`the buyer saves “${filters.q}” in Tashkent`, () =>
    client.call(buyer, 'POST', '/api/b2b/saved-searches/', { name: 'Gʻiloflar', filters }),
  );
  const bell = await client.connect(buyer, '/notifications');
  const post = await transcript.step(`${seller.name} publishes “Oʻrindiq gʻilofi”`, () =>
    client.call(seller, 'POST', '/api/b2b/posts/', { title: `Oʻrindiq gʻilofi Cobalt ${run}`, region: 'UZ-TK' }),
  );
  const publishedAt = performance.now();
  const { notification } = await bell.hears(
    'notification:created',
    one => one.notification.group_key === `search:${saved.id}`,
  );
  const waited = Math.round(performance.now() - publishedAt);
  transcript.heard(buyer.name, `${notification.type} “${notification.title}”, ${waited} ms after the answer`);
  const { results } = await client.call(buyer, 'GET', '/api/b2b/saved-searches/');
  const own = results.find((one: { id: string }) => one.id === saved.id);
  transcript.expect('the saved search counts one new post', own?.new_count === 1);
  const again = await client.call(buyer, 'GET', `/api/b2b/posts/?${new URLSearchParams(filters)}`);
  transcript.expect(
    'and finds it',
    again.results.some((one: { id: string }) => one.id === post.id),
  );
  await client.call(buyer, 'DELETE', `/api/b2b/saved-searches/${saved.id}/`);
}
