import type { HttpDoor } from '../common/http.ts';
import { operations } from './contract.ts';
import { listNotifications, readAllNotifications, readNotifications } from './service/read.ts';

export function notificationsRoutes(door: HttpDoor): void {
  door.handle(operations.listNotifications, listNotifications);
  door.handle(operations.readNotifications, readNotifications);
  door.handle(operations.readAllNotifications, readAllNotifications);
}
