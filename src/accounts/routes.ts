import type { HttpDoor } from '../common/http.ts';
import { operations } from './contract.ts';
import type { Notifier } from './notifiers/notifier.ts';
import { changePhone, deleteMe, endSession, listSessions } from './service/account.ts';
import { requestOtp } from './service/codes.ts';
import { login, verifyOtp } from './service/logins.ts';
import { setPassword } from './service/passwords.ts';
import { logout, refreshTokens } from './service/sessions.ts';
import { actOnUsers, adminLogin, adminVerify } from './service/staff.ts';
import { actOnOtpLog } from './service/staff-otp.ts';
import { actOnSessions } from './service/staff-sessions.ts';
import { getMe, type SetAvatar, updateMe } from './service/users.ts';

export function accountsRoutes(door: HttpDoor, notifier: Notifier, setAvatar: SetAvatar): void {
  door.handle(operations.requestOtp, requestOtp(notifier));
  door.handle(operations.verifyOtp, verifyOtp);
  door.handle(operations.setPassword, setPassword);
  door.handle(operations.login, login);
  door.handle(operations.refreshTokens, refreshTokens);
  door.handle(operations.logout, logout);
  door.handle(operations.getMe, getMe);
  door.handle(operations.updateMe, updateMe(setAvatar));
  door.handle(operations.deleteMe, deleteMe);
  door.handle(operations.changePhone, changePhone(notifier));
  door.handle(operations.listSessions, listSessions);
  door.handle(operations.endSession, endSession);
  door.handle(operations.adminLogin, adminLogin(notifier));
  door.handle(operations.adminVerify, adminVerify);
  door.handle(operations.actOnUsers, actOnUsers);
  door.handle(operations.actOnSessions, actOnSessions);
  door.handle(operations.actOnOtpLog, actOnOtpLog);
}
