import { setTimeout as pause } from 'node:timers/promises';
import { fakeProvider } from './provider.ts';

/** A bucket: takes objects by signed requests alone, and forgets them. `next` answers otherwise; names that end so are `held`. */
export async function fakeS3({
  accessKey,
  bucket,
  slowMs = 0,
}: {
  accessKey: string;
  bucket: string;
  slowMs?: number;
}) {
  const objects = new Map<string, { type: string | undefined }>();
  const held = new Set<string>();
  const provider = await fakeProvider(async ({ method, path, headers }) => {
    if (slowMs > 0) await pause(slowMs);
    const isSigned = headers.authorization?.startsWith(`AWS4-HMAC-SHA256 Credential=${accessKey}/`);
    if (!isSigned || !path.startsWith(`/${bucket}/`))
      return { status: 403, body: '<Error><Code>AccessDenied</Code></Error>' };
    const name = path.slice(bucket.length + 2);
    if ([...held].some(end => name.endsWith(end)))
      return { status: 403, body: '<Error><Code>AccessDenied</Code></Error>' };
    if (method === 'PUT') objects.set(name, { type: headers['content-type'] });
    if (method === 'DELETE') objects.delete(name);
    return { status: method === 'DELETE' ? 204 : 200, body: '' };
  });
  return { ...provider, objects, held };
}
