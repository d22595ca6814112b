import type { Gateway } from '../common/sockets.ts';
import { operations } from './contract.ts';
import { setMode } from './service/mode.ts';
import type { Presence } from './service/presence.ts';

export function presenceGateway(gateway: Gateway, presence: Presence): void {
  gateway.handle(operations.subscribe, presence.subscribe);
  gateway.handle(operations.get, presence.get);
  gateway.handle(operations.ping, presence.ping);
  gateway.handle(operations.setMode, setMode);
  gateway.onConnect((connection, { userId }) => presence.arrive({ connection, userId }));
  gateway.onDisconnect((connection, { userId }) => presence.leave({ connection, userId }));
}
