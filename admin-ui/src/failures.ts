import { useEvent, useLogoutIfAccessDenied, useNotify, useRedirect } from 'react-admin';
import type { AdminResource } from './api.ts';

/** For calls that no list or form makes: a session that has ended leads to the login, any other failure is said. */
export function useFailure(): (error: unknown) => Promise<void> {
  const [notify, logoutIfDenied] = [useNotify(), useLogoutIfAccessDenied()];
  return useEvent(async (error: unknown) => {
    if (await logoutIfDenied(error)) return;
    notify((error as Error).message || 'ra.notification.http_error', { type: 'error' });
  });
}

/** For the page of a record that cannot be read: the library would say of any failure that there is no such record. */
export function useUnreadable({ name, needs }: AdminResource): (error: unknown) => void {
  const [failed, redirect] = [useFailure(), useRedirect()];
  return useEvent((error: unknown) => {
    void failed(error);
    redirect(needs.length === 0 ? `/${name}` : '/');
  });
}
