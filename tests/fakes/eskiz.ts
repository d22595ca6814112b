import { fakeProvider } from './provider.ts';

/** Eskiz: logs in, takes messages of who is logged in. `expire` ends the token that it gave. */
export async function fakeEskiz() {
  let logins = 0;
  let isExpired = false;
  const provider = await fakeProvider(({ path, headers }) => {
    if (path === '/api/auth/login') {
      logins += 1;
      isExpired = false;
      return { body: { message: 'token_generated', data: { token: `token-${logins}` }, token_type: 'bearer' } };
    }
    if (isExpired || headers.authorization !== `Bearer token-${logins}`)
      return { status: 401, body: { message: 'Expired' } };
    return { body: { id: `sms-${logins}`, status: 'waiting', message: 'Waiting for SMS provider' } };
  });
  const expire = () => {
    isExpired = true;
  };
  return Object.assign(provider, { expire });
}
