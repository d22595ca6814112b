import type { TestApp } from './app.ts';
import { eventually } from './eventually.ts';

/** So many statements wait for a lock that somebody else has. */
export function waiting(app: TestApp, count: number): Promise<void> {
  const ofWaiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
  return eventually(async () => {
    const found = (await app.orm.em.fork().execute(ofWaiting)).length;
    if (found !== count) throw new Error(`${found} wait`);
  });
}
