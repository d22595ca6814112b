import type { Logger } from 'pino';
import type { Driver } from './notifier.ts';

/** Sends nothing: the code stands in the answer (`dev_code`), and with DEBUG in the server's log, as one readable line. */
export function devDriver(log: Logger, isShown: boolean): Driver {
  const masked = (phone: string) => `${phone.slice(0, 6)}…${phone.slice(-2)}`;
  return {
    name: 'dev',
    channel: 'any',
    async send({ phone, code, otpId }) {
      if (isShown) log.info(`Code for ${masked(phone)}: ${code}`);
      return { providerId: otpId };
    },
    async sendText(phone, text) {
      if (isShown) log.info(`Text for ${masked(phone)}: ${text}`);
    },
  };
}
