import type { TestApp } from './app.ts';
import { eventually } from './eventually.ts';

/** So many statements wait for a lock that somebody else has, and have for so long. */
export function waiting(app: TestApp, count: number, seconds = 0): Promise<void> {
  const ofWaiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
    and query_start <= now() - make_interval(secs => ${seconds})`;
  return eventually(async () => {
    const found = (await app.orm.em.fork().execute(ofWaiting)).length;
    if (found !== count) throw new Error(`${found} wait`);
  });
}
