import type { Gateway } from '../common/sockets.ts';
import { operations } from './contract.ts';
import { listNotifications, readAllNotifications, readNotifications } from './service/read.ts';

export function notificationsGateway(gateway: Gateway): void {
  gateway.handle(operations.listNotifications, listNotifications);
  gateway.handle(operations.readNotifications, readNotifications);
  gateway.handle(operations.readAllNotifications, readAllNotifications);
}
