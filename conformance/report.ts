import type { Verdict } from './prove.ts';

const signs: Record<Verdict['result'], [string, number]> = {
  kept: ['✓', 32],
  broken: ['✗', 31],
  'not tried': ['–', 33],
};

export const painted = (text: string, colour: number) =>
  process.stdout.isTTY ? `\x1b[${colour}m${text}\x1b[0m` : text;

/** One promise with its figure. */
export function tellVerdict({ name, sentence, result, figure, ms }: Verdict): string {
  const [sign, colour] = signs[result];
  const head = `${painted(`${sign} ${name}`, colour)}  ${sentence}`;
  return `${head}\n    ${result}: ${figure}${result === 'not tried' ? '' : ` · ${(ms / 1_000).toFixed(1)} s`}`;
}

const count = (verdicts: readonly Verdict[], result: Verdict['result']) =>
  verdicts.filter(one => one.result === result).length;

export function tellSum(verdicts: readonly Verdict[], seconds: number): string {
  const counts = (['kept', 'broken', 'not tried'] as const).map(result => `${count(verdicts, result)} ${result}`);
  return `${counts.join(', ')} in ${Math.round(seconds)} s`;
}
