const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };

export type Ending = keyof typeof EXIT_CODES;
export const endings = Object.keys(EXIT_CODES) as Ending[];

/** This process was asked to end. */
export class Interrupted extends Error {
  readonly exitCode: number;

  constructor(signal: Ending) {
    super(signal);
    this.exitCode = EXIT_CODES[signal];
  }
}

const asked = Promise.withResolvers<never>();
asked.promise.catch(() => {});
let isHeard = false;

/**
 * What the work comes to, unless this process is asked to end before (Ctrl-C): then `Interrupted` is thrown, so that the `finally`
 * around it ends what was begun. Who asks again does not hinder that.
 */
export function untilInterrupted<T>(work: Promise<T>): Promise<T> {
  if (!isHeard) for (const signal of endings) process.on(signal, () => interrupt(signal));
  isHeard = true;
  return Promise.race([work, asked.promise]);
}

/** Works with what is being opened, and closes it in any case: also when it is opened too late to be worked with. */
export async function whileOpen<Opened extends { close(): Promise<unknown> } | null, T>(
  opening: Promise<Opened>,
  work: (opened: Opened) => Promise<T>,
): Promise<T> {
  try {
    return await untilInterrupted(opening.then(work));
  } finally {
    const opened = await opening.catch(() => null);
    await opened?.close();
  }
}

function interrupt(signal: Ending): void {
  asked.reject(new Interrupted(signal));
  process.on('uncaughtException', () => {}); // of what is given up: its connections are cut
}

/** Ends as the shell expects it; any other error is thrown again. */
export function exitIfInterrupted(error: unknown): never {
  if (error instanceof Interrupted) process.exit(error.exitCode);
  throw error;
}
