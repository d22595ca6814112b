import type { TestProxy } from '../tests/support/proxy.ts';
import type { Heal } from './fault.ts';

/** Connections that stand are reset; new ones are good at once. */
export function resetConnections(networks: readonly TestProxy[]): void {
  for (const network of networks) network.cut();
  for (const network of networks) network.resume();
}

/** Nothing passes any more, over new connections neither. What stood so is reset at the end. */
export function makeHalfOpen(networks: readonly TestProxy[]): Heal {
  for (const network of networks) network.pause();
  return () => resetConnections(networks);
}
