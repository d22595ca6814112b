import type { Logger } from 'pino';
import { type Config, ConfigError } from '../../config.ts';
import { devDriver } from './dev.ts';
import { eskizDriver } from './eskiz.ts';
import type { CodeMessage, Driver, Notifier } from './notifier.ts';
import { playmobileDriver } from './playmobile.ts';
import { telegramDriver } from './telegram.ts';

/** One segment of the GSM 7-bit alphabet; its basic letters, of which ours use a part. */
const gsmText = /^[A-Za-z0-9 @£$¥\r\n!"#%&'()*+,\-./:;<=>?_¡¿äöñüàéèùìòÇØøÅåÆæßÉÄÖÑÜ§]*$/;
const SEGMENT_LENGTH = 160;

const changedText = 'Parthub: hisobingiz raqami ozgartirildi. Bu siz bolmasangiz, bizga yozing.';

/** The drivers of NOTIFIER, tried in their order, each once. Throws ConfigError for what cannot work. */
export function createNotifier(config: Config, log: Logger): Notifier {
  const textOf = templateOf(config);
  const makers: Record<string, () => Driver> = {
    dev: () => devDriver(log, config.DEBUG),
    eskiz: () => eskizDriver(config, textOf),
    playmobile: () => playmobileDriver(config, textOf),
    telegram: () => telegramDriver(config),
  };
  const drivers = config.NOTIFIER.map(name => {
    const make = Object.hasOwn(makers, name) ? makers[name] : undefined;
    if (!make) throw new ConfigError(`NOTIFIER: there is no driver ${name}`);
    return make();
  });
  return {
    async send(message) {
      for (const driver of inOrder(drivers, message)) {
        try {
          return { driver: driver.name, ...(await driver.send(message)) };
        } catch (error) {
          log.warn({ driver: driver.name, err: error }, 'driver did not take the code');
        }
      }
      throw new Error('no driver took the code');
    },
    async tell(phone) {
      for (const driver of drivers.filter(({ sendText }) => sendText)) {
        try {
          return await driver.sendText?.(phone, changedText);
        } catch (error) {
          log.warn({ driver: driver.name, err: error }, 'driver did not take the text');
        }
      }
      throw new Error('no driver took the text');
    },
    async confirm({ driver: name, ...used }) {
      try {
        await drivers.find(driver => driver.name === name)?.confirm?.(used);
      } catch (error) {
        log.warn({ driver: name, err: error }, 'driver did not take that its code was right');
      }
    },
  };
}

/** The channel that was asked for goes first; the others are still better than no code. */
function inOrder(drivers: readonly Driver[], { channel }: CodeMessage): Driver[] {
  if (channel === 'auto') return [...drivers];
  const fits = (driver: Driver) => driver.channel === channel || driver.channel === 'any';
  return [...drivers.filter(fits), ...drivers.filter(driver => !fits(driver))];
}

function templateOf({ SMS_TEMPLATE }: Config): (code: string) => string {
  const parts = SMS_TEMPLATE.split('{code}');
  const sample = parts.join('000000');
  if (parts.length !== 2) throw new ConfigError('SMS_TEMPLATE: {code} must stand in it once');
  if (!gsmText.test(sample) || sample.length > SEGMENT_LENGTH)
    throw new ConfigError(`SMS_TEMPLATE: must fit one GSM-7 segment (${SEGMENT_LENGTH} plain Latin letters)`);
  return code => parts.join(code);
}
