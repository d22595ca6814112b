import { Alert, Box, Button, Card, CardContent, Stack, TextField, Typography } from '@mui/material';
import { type FormEvent, useState } from 'react';
import { LocalesMenuButton, useLogin, useTranslate } from 'react-admin';
import { beginLogin, finishLogin } from '../providers.ts';

/** Password first, then the code that it sent. */
export function LoginPage() {
  const [translate, login] = [useTranslate(), useLogin()];
  const [sent, setSent] = useState<{ otp_id: string; dev_code?: string } | null>(null);
  const [problem, setProblem] = useState('');
  const [isBusy, setBusy] = useState(false);

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const given = Object.fromEntries(new FormData(event.currentTarget)) as Record<string, string>;
    setBusy(true);
    setProblem('');
    try {
      if (sent) await login(await finishLogin(sent.otp_id, given['code'] ?? ''));
      else setSent(await beginLogin(given['phone'] ?? '', given['password'] ?? ''));
    } catch (error) {
      setProblem((error as Error).message || translate('ra.notification.http_error'));
    } finally {
      setBusy(false);
    }
  }

  return (
    <Box sx={{ minHeight: '100vh', display: 'grid', placeItems: 'center', bgcolor: 'background.default', p: 2 }}>
      <Card sx={{ width: '100%', maxWidth: 380 }}>
        <CardContent>
          <Stack direction="row" sx={{ justifyContent: 'space-between', alignItems: 'center', mb: 2 }}>
            <Typography variant="h5">Parthub</Typography>
            <LocalesMenuButton />
          </Stack>
          <form onSubmit={submit}>
            <Stack spacing={2}>
              {sent ? (
                <>
                  <Alert severity="info">{translate('app.code_sent')}</Alert>
                  <TextField
                    key="code"
                    name="code"
                    label={translate('app.code')}
                    defaultValue={sent.dev_code ?? ''}
                    autoFocus
                    required
                    slotProps={{
                      htmlInput: { inputMode: 'numeric', autoComplete: 'one-time-code', pattern: '\\d{6}' },
                    }}
                  />
                </>
              ) : (
                <>
                  <TextField
                    key="phone"
                    name="phone"
                    type="tel"
                    label={translate('app.phone')}
                    placeholder="+998 90 123 45 67"
                    autoFocus
                    required
                    slotProps={{ htmlInput: { autoComplete: 'username' } }}
                  />
                  <TextField
                    key="password"
                    name="password"
                    type="password"
                    label={translate('app.password')}
                    required
                    slotProps={{ htmlInput: { autoComplete: 'current-password' } }}
                  />
                </>
              )}
              {problem && <Alert severity="error">{problem}</Alert>}
              <Button type="submit" variant="contained" size="large" disabled={isBusy}>
                {translate(sent ? 'app.sign_in' : 'app.send_code')}
              </Button>
              {sent && <Button onClick={() => setSent(null)}>{translate('ra.action.back')}</Button>}
            </Stack>
          </form>
        </CardContent>
      </Card>
    </Box>
  );
}
