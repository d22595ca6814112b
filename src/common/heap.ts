import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/**
 * Lets the heap double before all of it is marked anew. By itself V8 does that once or twice a second where little is allocated, as
 * at 1,000 messages a second: more than a tenth of the processor time, and pauses.
 */
export function growFreely(): void {
  setFlagsFromString('--heap-growing-percent=100');
}

/**
 * Gives back what starting has taken: V8 keeps room for new objects as large as the loading of modules has made it (70 MB),
 * for as long as little happens. It takes a tenth of a second, once; under load the room grows again.
 */
export function returnMemory(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as (options: object) => void;
  collect({ type: 'major', execution: 'sync', flavor: 'last-resort' });
}
