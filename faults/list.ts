import type { Fault } from './fault.ts';
import { clientFaults } from './kinds/clients.ts';
import { clockFaults } from './kinds/clocks.ts';
import { instanceFaults } from './kinds/instances.ts';
import { postgresFaults } from './kinds/postgres.ts';
import { redisFaults } from './kinds/redis.ts';

export const faults: readonly Fault[] = [
  ...instanceFaults,
  ...postgresFaults,
  ...redisFaults,
  ...clientFaults,
  ...clockFaults,
];
