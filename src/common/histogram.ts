import type { Metric, Registry } from 'prom-client';

interface Child {
  labels: Record<string, string>;
  /** Of each bucket alone; the last one has no end. */
  counts: number[];
  sum: number;
}

export interface Histogram {
  /** What is observed with these values of its labels. */
  labels(...values: readonly string[]): (value: number) => void;
}

interface Shape {
  name: string;
  help: string;
  labelNames: readonly string[];
  /** Ascending upper bounds. */
  buckets: readonly number[];
}

/**
 * A histogram in the registry of `prom-client`, whose own looks its children and buckets up by text: two observations of a
 * message cost more there than the reading of its frame.
 */
export function registerHistogram(registry: Registry, { name, help, labelNames, buckets }: Shape): Histogram {
  const children: Child[] = [];
  const about = { name, help, type: 'histogram', aggregator: 'sum' };
  const get = async () => ({
    ...about,
    values: children.filter(({ counts }) => counts.some(count => count > 0)).flatMap(valuesOf),
  });
  registry.registerMetric({ ...about, get } as unknown as Metric);

  function valuesOf({ labels, counts, sum }: Child) {
    let below = 0;
    const bounds = [...buckets, '+Inf'].map((le, index) => {
      below += counts[index]!;
      return { metricName: `${name}_bucket`, labels: { le, ...labels }, value: below };
    });
    return [
      ...bounds,
      { metricName: `${name}_sum`, labels, value: sum },
      { metricName: `${name}_count`, labels, value: below },
    ];
  }

  return {
    labels(...values) {
      const labels = Object.fromEntries(labelNames.map((label, index) => [label, values[index]!]));
      const child: Child = { labels, counts: new Array(buckets.length + 1).fill(0), sum: 0 };
      children.push(child);
      return value => {
        let bucket = 0;
        while (bucket < buckets.length && value > buckets[bucket]!) bucket += 1;
        child.counts[bucket]! += 1;
        child.sum += value;
      };
    },
  };
}
