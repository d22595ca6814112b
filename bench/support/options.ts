import { type ParseArgsConfig, parseArgs } from 'node:util';

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

/** Options that are numbers, each with its preset; what is no number is refused. */
export function numbersOf<Name extends string>(args: string[], presets: Record<Name, number>): Record<Name, number> {
  const names = Object.keys(presets) as Name[];
  const options = Object.fromEntries(names.map(name => [name, { type: 'string' as const }]));
  const { values } = parseArgs({ args, options });
  const given = names.map(name => {
    const value = Number(values[name] ?? presets[name]);
    if (!Number.isFinite(value) || value < 0) throw new Error(`--${name} is a number`);
    return [name, value];
  });
  return Object.fromEntries(given) as Record<Name, number>;
}
