import { HttpError } from 'react-admin';
import { type AdminResource, ask } from './api.ts';
import { i18nProvider } from './i18n.ts';

interface Answer {
  id: string;
  count: number;
}

/** What goes to many: first it is counted to how many, and only who agrees to the number sends it. */
export async function announce(resource: AdminResource, data: Record<string, unknown>): Promise<{ id: string }> {
  const params: Record<string, unknown> = { id: crypto.randomUUID() };
  for (const { name, within, part } of resource.fields) {
    if (!data[name]) continue;
    if (within) params[within] = { ...(params[within] as object), [part ?? name]: data[name] };
    else params[name] = data[name];
  }
  const reason = data['reason'] ? { reason: data['reason'] } : {};
  const path = resource.preview as string;
  const { count } = await ask<Answer>('POST', path, { params, ...reason });
  if (!window.confirm(i18nProvider.translate('app.announce', { count })))
    throw new HttpError(i18nProvider.translate('ra.notification.canceled'), 400);
  await ask<Answer>('POST', path, { params: { ...params, confirm: count }, ...reason });
  return { id: params['id'] as string };
}
