/** Every waiting time of this module, in ms. */
export interface Times {
  /** A lease that is not renewed ends after this: so long a crashed node's users seem to be there. */
  lease: number;
  renew: number;
  /** So long after their last activity users are `away`. */
  active: number;
  /** From the end of the last lease to `offline`: a reload or a tunnel is not told. */
  grace: number;
  /** What leases say of users who have left is kept so long; the database knows it by then. */
  keep: number;
  /** Between two pushes to one socket. */
  push: number;
  /** What is gathered together, and so the most that a push waits for without need. */
  pass: number;
  /** A lost word of another node is noticed by then. */
  look: number;
  /** A lost word about who may see whom is noticed by then. */
  sight: number;
  /** Between two checks of whether the store is there and of what is due. */
  check: number;
  /** After an outage every node has so long to renew its leases before anybody is said to be offline. */
  settle: number;
  /** Between two writes of last-seen times, and between two of one user. */
  write: number;
  writeUser: number;
}

const SECOND = 1_000;
const MINUTE = 60_000;

export function scaledTimes(scale: number): Times {
  return {
    lease: MINUTE / scale,
    renew: (25 * SECOND) / scale,
    active: (5 * MINUTE) / scale,
    grace: (15 * SECOND) / scale,
    keep: (10 * MINUTE) / scale,
    push: SECOND / scale,
    pass: 100 / scale,
    look: (30 * SECOND) / scale,
    sight: MINUTE / scale,
    check: SECOND / scale,
    settle: (3 * SECOND) / scale,
    write: MINUTE / scale,
    writeUser: (5 * MINUTE) / scale,
  };
}
