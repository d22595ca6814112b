import { afterAll, beforeAll, expect, test } from 'vitest';
import { faults } from '../../faults/list.ts';
import { type Site, startSite } from '../../faults/site.ts';
import { roomsOf, type Settings, tryFault } from '../../faults/try.ts';
import { seeded } from '../support/faulty-socket.ts';

/** Those that have found most; `npm run faults` tries all, for longer and with more clients. */
const tried = ['kill-one', 'postgres-restarted', 'postgres-commit-answer-lost', 'redis-killed', 'clients-cut'];
/** Other tests run beside: figures may be ten times as bad, anomalies are none in any case. */
const settings: Settings = { talks: 3, lastsSec: 2, baselineMs: 500, slack: 10 };
const SEED = 1;

let site: Site;
beforeAll(async () => {
  site = await startSite({ rooms: roomsOf(settings) * tried.length, needs: new Set(), drainSec: 1 });
}, 60_000);
afterAll(() => site.close());

test.each(tried)(
  'under the fault %s what is acknowledged is stored and shown once, in order, and in time',
  async name => {
    const fault = faults.find(one => one.name === name)!;
    const { anomalies, missed, figures } = await tryFault(fault, site, seeded(SEED), settings);
    expect({ anomalies, missed }).toEqual({ anomalies: [], missed: [] });
    expect(figures.acked).toBeGreaterThan(20);
  },
  60_000,
);
