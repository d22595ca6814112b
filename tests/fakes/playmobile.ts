import { fakeProvider } from './provider.ts';

export function fakePlaymobile() {
  const known = `Basic ${Buffer.from('parthub:secret').toString('base64')}`;
  return fakeProvider(({ headers }) =>
    headers.authorization === known
      ? { body: '"Request is received"' }
      : { status: 401, body: { 'error-code': 401, 'error-description': 'Unauthorized' } },
  );
}
