import type { Limit } from '../../common/operations.ts';
import { sessionLimits } from '../../common/session.ts';

const { send } = sessionLimits;
const hot = { by: 'user', isHot: true } as const;

export const sendLimits: readonly Limit[] = [
  { name: 'send', ...hot, points: send.per_s, windowSec: 1, burst: send.burst },
  { name: 'send-minute', ...hot, points: send.per_min, windowSec: 60 },
];
export const openLimits: readonly Limit[] = [{ name: 'thread-open', ...hot, points: 10, windowSec: 60 }];
export const readLimits: readonly Limit[] = [{ name: 'thread-read', ...hot, points: 5, windowSec: 1 }];
export const deliveredLimits: readonly Limit[] = [{ name: 'thread-delivered', ...hot, points: 5, windowSec: 1 }];
/** Lists, single threads and histories have one budget. */
export const listLimits: readonly Limit[] = [{ name: 'lists', ...hot, points: 10, windowSec: 1 }];
export const searchLimits: readonly Limit[] = [{ name: 'message-search', ...hot, points: 1, windowSec: 1 }];
