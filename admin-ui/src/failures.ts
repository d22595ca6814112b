import { useEvent, useLogoutIfAccessDenied, useNotify } from 'react-admin';

/** For calls that no list or form makes: a session that has ended leads to the login, any other failure is said. */
export function useFailure(): (error: unknown) => Promise<void> {
  const [notify, logoutIfDenied] = [useNotify(), useLogoutIfAccessDenied()];
  return useEvent(async (error: unknown) => {
    if (await logoutIfDenied(error)) return;
    notify((error as Error).message || 'ra.notification.http_error', { type: 'error' });
  });
}
