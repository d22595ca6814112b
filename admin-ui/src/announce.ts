import { HttpError } from 'react-admin';
import { type AdminResource, ask } from './api.ts';
import { renamed } from './field-errors.ts';
import { i18nProvider } from './i18n.ts';

interface Answer {
  id: string;
  state: 'preview' | 'sending' | 'sent';
  count: number;
}

let last: { said: string; id: string } | null = null;

/** Until its answer has come the same announcement has the same id: who lost the answer and repeats it sends nothing twice. */
function idOf(said: string): string {
  if (last?.said !== said) last = { said, id: crypto.randomUUID() };
  return last.id;
}

/** What goes to many: first it is counted to how many, and only who agrees to the number sends it. */
export async function announce(resource: AdminResource, data: Record<string, unknown>): Promise<{ id: string }> {
  const params: Record<string, unknown> = {};
  for (const { name, within, part } of resource.fields) {
    if (!data[name]) continue;
    if (within) params[within] = { ...(params[within] as object), [part ?? name]: data[name] };
    else params[name] = data[name];
  }
  const reason = data['reason'] ? { reason: data['reason'] } : {};
  const path = resource.preview as string;
  params['id'] = idOf(JSON.stringify(params));
  /** `params.title.uz` is the field `title_uz`. */
  const nameOf = (wrong: string) => {
    const [, within, part] = wrong.split('.');
    return resource.fields.find(field => field.within === within && field.part === part)?.name ?? within ?? wrong;
  };
  const { count, state } = await ask<Answer>('POST', path, { params, ...reason }).catch(error => {
    throw renamed(error, nameOf);
  });
  if (state === 'preview' && !window.confirm(i18nProvider.translate('app.announce', { count })))
    throw new HttpError(i18nProvider.translate('ra.notification.canceled'), 400);
  if (state === 'preview') await ask<Answer>('POST', path, { params: { ...params, confirm: count }, ...reason });
  last = null;
  return { id: params['id'] as string };
}
