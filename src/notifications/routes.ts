import type { HttpDoor } from '../common/http.ts';
import { operations } from './contract.ts';
import { broadcast } from './service/broadcasts.ts';
import { getPreferences, setPreferences } from './service/preferences.ts';
import { subscribePush, unsubscribePush } from './service/push-subscriptions.ts';
import { listNotifications, readAllNotifications, readNotifications } from './service/read.ts';

export function notificationsRoutes(door: HttpDoor): void {
  door.handle(operations.listNotifications, listNotifications);
  door.handle(operations.readNotifications, readNotifications);
  door.handle(operations.readAllNotifications, readAllNotifications);
  door.handle(operations.getPreferences, getPreferences);
  door.handle(operations.setPreferences, setPreferences);
  door.handle(operations.subscribePush, subscribePush);
  door.handle(operations.unsubscribePush, unsubscribePush);
  door.handle(operations.broadcast, broadcast);
}
