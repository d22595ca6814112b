import type { Gateway } from '../common/sockets.ts';
import { operations } from './contract.ts';
import { getPreferences, setPreferences } from './service/preferences.ts';
import { listNotifications, readAllNotifications, readNotifications } from './service/read.ts';

export function notificationsGateway(gateway: Gateway): void {
  gateway.handle(operations.listNotifications, listNotifications);
  gateway.handle(operations.readNotifications, readNotifications);
  gateway.handle(operations.readAllNotifications, readAllNotifications);
  gateway.handle(operations.getPreferences, getPreferences);
  gateway.handle(operations.setPreferences, setPreferences);
}
