import type { Fault } from './fault.ts';
import { instanceFaults } from './kinds/instances.ts';
import { postgresFaults } from './kinds/postgres.ts';

export const faults: readonly Fault[] = [...instanceFaults, ...postgresFaults];
