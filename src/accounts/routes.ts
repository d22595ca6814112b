import type { HttpDoor } from '../common/http.ts';
import { operations } from './contract.ts';
import type { Notifier } from './notifiers/notifier.ts';
import { requestOtp, verifyOtp } from './service/codes.ts';
import { login, setPassword } from './service/passwords.ts';
import { logout, refreshTokens } from './service/sessions.ts';
import { getMe, updateMe } from './service/users.ts';

export function accountsRoutes(door: HttpDoor, notifier: Notifier): void {
  door.handle(operations.requestOtp, requestOtp(notifier));
  door.handle(operations.verifyOtp, verifyOtp);
  door.handle(operations.setPassword, setPassword);
  door.handle(operations.login, login);
  door.handle(operations.refreshTokens, refreshTokens);
  door.handle(operations.logout, logout);
  door.handle(operations.getMe, getMe);
  door.handle(operations.updateMe, updateMe);
}
