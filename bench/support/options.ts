import { type ParseArgsConfig, parseArgs } from 'node:util';

/** Its message is for whoever has typed the options. */
export class OptionError extends Error {}

function fail(reason: string): never {
  throw new OptionError(reason);
}

/** As `parseArgs`; an option that there is not, or that lacks its value, is refused in its words. */
export function readOptions<Config extends ParseArgsConfig>(
  config: Config,
  refuse: (reason: string) => never,
): ReturnType<typeof parseArgs<Config>>['values'] {
  try {
    return parseArgs(config).values;
  } catch (error) {
    return refuse((error as Error).message);
  }
}

type Settings<Presets> = { [Name in keyof Presets]: Presets[Name] extends number ? number : string };

/** Options with their presets; whose preset is a number is one. Throws an `OptionError`. */
export function readSettings<Presets extends Record<string, number | string>>(
  args: string[],
  presets: Presets,
): Settings<Presets> {
  const options = Object.fromEntries(Object.keys(presets).map(name => [name, { type: 'string' as const }]));
  const values = readOptions({ args, options }, fail);
  const given = Object.entries(presets).map(([name, preset]) => {
    const value = values[name] ?? preset;
    return [name, typeof preset === 'number' ? numberOf(name, value) : value];
  });
  return Object.fromEntries(given) as Settings<Presets>;
}

function numberOf(name: string, given: number | string): number {
  const value = given === '' ? Number.NaN : Number(given);
  return Number.isFinite(value) && value >= 0 ? value : fail(`--${name} is a number, 0 or more`);
}
