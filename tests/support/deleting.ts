import type { Reply, TestApp, TestUser } from './app.ts';
import { waiting } from './locks.ts';
import { buildPost } from './talk.ts';

export const deleteAccount = (app: TestApp, who: TestUser): Promise<Reply> =>
  app.delete(who, '/api/auth/me/', { confirm: 'DELETE' });

/** What is asked while the account is being deleted, and what it is answered once that is done. */
export async function askWhileDeleted(app: TestApp, who: TestUser, ask: () => Promise<Reply>): Promise<Reply> {
  const postId = await buildPost(app, who);
  const under = await app.orm.em.fork().transactional(async em => {
    await em.execute('select 1 from posts where id = ? for update', [postId]);
    const deleting = deleteAccount(app, who);
    await waiting(app, 1);
    const asking = ask();
    await waiting(app, 2);
    return { deleting, asking };
  });
  const { status } = await under.deleting;
  if (status !== 202) throw new Error(`not deleted: ${status}`);
  return under.asking;
}
