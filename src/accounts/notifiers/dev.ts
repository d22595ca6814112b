import type { Logger } from 'pino';
import type { Notifier } from './notifier.ts';

/** Sends nothing: the code stands in the answer (`dev_code`), and in the server's log as one readable line. */
export function devNotifier(log: Logger): Notifier {
  return {
    name: 'dev',
    async send({ phone, code, otpId }) {
      log.info(`Code for ${phone.slice(0, 6)}…${phone.slice(-2)}: ${code}`);
      return { providerId: otpId };
    },
    async tell(phone) {
      log.info(`Told ${phone.slice(0, 6)}…${phone.slice(-2)} that its account has a new number`);
    },
  };
}
