interface Waiting<Job, Result> {
  job: Job;
  resolve: (result: Result) => void;
  reject: (error: unknown) => void;
  since: number;
}

export interface GroupCommit<Job, Result> {
  /** `since`: when its caller began to wait, by the monotonic clock. */
  submit(job: Job, since?: number): Promise<Result>;
}

interface Options<Job, Result> {
  /** Runs a batch in one transaction and answers every job at its place. */
  run: (jobs: Job[]) => Promise<PromiseSettledResult<Result>[]>;
  /** Jobs that share a lane run in the order of their submission and never in two batches at once. */
  lanes: readonly ((job: Job) => string | undefined)[];
  /**
   * Who waits longer is refused, within a quarter of a second, and not run any more: while the database hangs, the queue would
   * only grow. What is under way by then may still be stored.
   */
  maxWaitMs: number;
  refuse: () => Error;
  /** Why a job that waits is not run any more. */
  refusalOf?: (job: Job) => Error | null;
  maxBatch?: number;
  maxInFlight?: number;
}

const LOOK_EVERY_MS = 250;

/**
 * Group commit: while a batch is being committed the next one gathers. There is no timer, so the first caller on an
 * idle server never waits; the more callers there are, the larger the batches and the cheaper each of them.
 */
export function groupCommit<Job, Result>(options: Options<Job, Result>): GroupCommit<Job, Result> {
  const { run, lanes, maxWaitMs, refuse, refusalOf = () => null, maxBatch = 256, maxInFlight = 2 } = options;
  let waiting: Waiting<Job, Result>[] = [];
  const busyLanes = new Set<string | undefined>();
  const inFlight = new Set<Waiting<Job, Result>[]>();
  let scheduled = false;
  let watch: NodeJS.Timeout | undefined;

  /** Takes what may run now; what shares a lane with a batch in flight, or with a job left behind, stays. */
  function takeBatch(): Waiting<Job, Result>[] {
    const taken: Waiting<Job, Result>[] = [];
    const left: Waiting<Job, Result>[] = [];
    const leftLanes = new Set<string | undefined>();
    const mayRun = ({ job }: Waiting<Job, Result>): boolean => {
      for (const laneOf of lanes) {
        const lane = laneOf(job);
        if (lane !== undefined && (busyLanes.has(lane) || leftLanes.has(lane))) return false;
      }
      return true;
    };
    for (const one of waiting) {
      const refusal = refusalOf(one.job);
      if (refusal) one.reject(refusal);
      else if (taken.length < maxBatch && mayRun(one)) taken.push(one);
      else {
        for (const laneOf of lanes) leftLanes.add(laneOf(one.job));
        left.push(one);
      }
    }
    waiting = left;
    return taken;
  }

  async function runBatch(batch: Waiting<Job, Result>[]): Promise<void> {
    inFlight.add(batch);
    for (const { job } of batch) for (const laneOf of lanes) busyLanes.add(laneOf(job));
    try {
      const results = await run(batch.map(one => one.job));
      for (const [index, result] of results.entries()) {
        if (result.status === 'fulfilled') batch[index]!.resolve(result.value);
        else batch[index]!.reject(result.reason);
      }
    } catch (error) {
      for (const one of batch) one.reject(error);
    }
    for (const { job } of batch) for (const laneOf of lanes) busyLanes.delete(laneOf(job));
    inFlight.delete(batch);
    start();
  }

  /** One timer for all: of its own each call would have a promise and a timer more. */
  function refuseLate(): void {
    const oldest = performance.now() - maxWaitMs;
    const isLate = ({ since }: Waiting<Job, Result>) => since < oldest;
    for (const one of [waiting, ...inFlight].flat()) if (isLate(one)) one.reject(refuse());
    waiting = waiting.filter(one => !isLate(one));
    if (waiting.length > 0 || inFlight.size > 0) return;
    clearInterval(watch);
    watch = undefined;
  }

  function start(): void {
    scheduled = false;
    while (inFlight.size < maxInFlight && waiting.length > 0) {
      const batch = takeBatch();
      if (batch.length === 0) return;
      void runBatch(batch);
    }
  }

  return {
    submit: (job, since = performance.now()) =>
      new Promise((resolve, reject) => {
        // Not with the next look: each of those behind each other on one connection would wait for one of its own.
        if (performance.now() - since > maxWaitMs) return reject(refuse());
        waiting.push({ job, resolve, reject, since });
        watch ??= setInterval(refuseLate, LOOK_EVERY_MS).unref();
        // What one read of the event loop brought (many frames of many sockets) shares a batch.
        if (!scheduled) {
          scheduled = true;
          setImmediate(start);
        }
      }),
  };
}
