import { parseArgs } from 'node:util';
import { buildCore, prepareDatabase } from './app.ts';
import { type Arguments, type Command, commands, UsageError } from './cli/commands.ts';
import { asAppError, isOutage, isRefusedLogin, isUnknownTable } from './common/database.ts';
import { AppError, presentError } from './common/errors.ts';
import { newId } from './common/ids.ts';
import { createLog } from './common/log.ts';
import { ConfigError, loadConfig } from './config.ts';
import { startEmbedded } from './embedded.ts';

const [name, ...rest] = process.argv.slice(2);
const isJson = rest.includes('--json');

if (name === 'runserver') await import('./main.ts');
else process.exitCode = await main();

/** 0 done, 1 refused or failed, 2 wrong usage. */
async function main(): Promise<0 | 1 | 2> {
  const command = Object.hasOwn(commands, name ?? '') ? commands[name!] : undefined;
  if (!command) return explain();
  try {
    const given = readArguments(command, rest);
    if (given.options['help']) process.stdout.write(`${command.usage}\n  ${command.does}\n`);
    else report(command, await runCommand(command, given));
    return 0;
  } catch (error) {
    return refuse(command, error);
  }
}

/** Nobody named a command that there is. */
function explain(): 0 | 2 {
  process.stderr.write(usage());
  if (name === undefined || name === '--help' || name === 'help') return 0;
  if (isJson) writeRefusal(new AppError('validation_failed'), `there is no command ${name}`);
  return 2;
}

function readArguments(command: Command, args: string[]): Arguments {
  try {
    const options = { ...command.options, json: { type: 'boolean' }, help: { type: 'boolean' } } as const;
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    ensureNoMore(command, positionals);
    return { positionals, options: values as Arguments['options'] };
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** What would be passed over in silence was meant as something. */
function ensureNoMore({ usage }: Command, positionals: string[]): void {
  const wanted = usage.match(/<\w+>/g) ?? [];
  if (positionals.length > wanted.length) throw new UsageError(`${positionals[wanted.length]} is too much`);
}

/** Uses the running embedded PostgreSQL, else starts and stops it; what is changed holds at once, without a restart. */
async function runCommand(command: Command, given: Arguments): Promise<Record<string, unknown>> {
  if (command.alone) return command.alone();
  const config = loadConfig();
  const log = createLog(config, 2);
  const embedded = config.DATABASE_URL ? null : await startEmbedded(config);
  try {
    const core = await buildCore(config, config.DATABASE_URL ?? embedded!.url, {
      ...{ log, push: () => {}, isPatient: true },
    });
    try {
      const applied = embedded || command.migrates ? await prepareDatabase(core) : [];
      return await command.run({ core, config, applied }, given);
    } finally {
      await core.orm.close();
    }
  } finally {
    await embedded?.stop();
  }
}

function report(command: Command, answer: Record<string, unknown>): void {
  process.stdout.write(isJson ? `${JSON.stringify({ ok: true, ...answer })}\n` : `${command.say(answer)}\n`);
}

function refuse(command: Command, error: unknown): 1 | 2 {
  if (error instanceof UsageError) {
    process.stderr.write(`${error.message}\nusage: npm run -s cli -- ${command.usage}\n`);
    if (isJson) writeRefusal(new AppError('validation_failed'), error.message);
    return 2;
  }
  if (error instanceof ConfigError) {
    process.stderr.write(`${error.message}\n`);
    if (isJson) writeRefusal(new AppError('internal'), error.message);
    return 1;
  }
  const refused = asAppError(error);
  const reason = reasonOf(error, refused);
  if (isJson) writeRefusal(refused, reason);
  else
    process.stderr.write(`${refused.code}: ${reason}${refused.details ? ` ${JSON.stringify(refused.details)}` : ''}\n`);
  if (reason === refused.message && refused.code === 'internal')
    process.stderr.write(`${(refused.cause as Error)?.stack ?? refused.stack}\n`);
  return 1;
}

/** For an operator, who can do something about it, unlike a client. */
function reasonOf(error: unknown, refused: AppError): string {
  if (isUnknownTable(error)) return 'the database is not migrated; npm run migrate does it';
  if (isOutage(error) || isRefusedLogin(error)) return `the database lets nobody in: ${(error as Error).message}`;
  const { syscall, message } = error as NodeJS.ErrnoException;
  return syscall ? message : refused.message;
}

function writeRefusal(error: AppError, message?: string): void {
  process.stdout.write(`${JSON.stringify({ ok: false, error: presentError(error, newId(), message) })}\n`);
}

function usage(): string {
  const lines = Object.values(commands).map(({ usage, does }) => `  ${usage}\n      ${does}\n`);
  return `npm run -s cli -- <command> [--json]\n\n${lines.join('')}  runserver\n      the same as npm start\n`;
}
