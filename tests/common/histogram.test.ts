import { Histogram, Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { registerHistogram } from '../../src/common/histogram.ts';

const about = { name: 'wait_seconds', help: 'Time of waiting.', labelNames: ['event'] };
const buckets = [0.001, 0.5, 2];
/** Below, on and above each bound. */
const values = [0, 0.0005, 0.001, 0.0011, 0.5, 1.25, 2, 2.5, 1e6];

test('what is read of it is what `prom-client` would say of the same observations', async () => {
  const [own, theirs] = [new Registry(), new Registry()];
  const [ours, known] = [
    registerHistogram(own, { ...about, buckets }),
    new Histogram({ ...about, buckets, registers: [theirs] }),
  ];
  for (const event of ['message:send', 'sync:pull']) {
    const observe = ours.labels(event);
    for (const value of values) observe(value);
    for (const value of values) known.labels(event).observe(value);
  }
  expect(await own.metrics()).toBe(await theirs.metrics());
});

test('without labels too; what was never observed is not told', async () => {
  const own = new Registry();
  registerHistogram(own, { ...about, buckets }).labels('never');
  registerHistogram(own, { ...about, name: 'plain', labelNames: [], buckets }).labels()(1);
  const text = await own.metrics();
  expect(text).not.toContain('never');
  expect(text).toContain('plain_bucket{le="2"} 1\nplain_bucket{le="+Inf"} 1\nplain_sum 1\nplain_count 1\n');
});
