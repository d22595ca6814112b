import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { markdownOf, type Report } from './outcome.ts';

const page = join(import.meta.dirname, '../../docs/benchmarks.md');
const partOf = (name: string) => new RegExp(`(<!-- ${name} -->\n)[\\s\\S]*?(<!-- end of ${name} -->)`);

/** Puts the figures into docs/benchmarks.md, each between the marks of its benchmark; what was not measured stays. */
export function writeFigures(reports: readonly Report[]): void {
  let text = readFileSync(page, 'utf8');
  for (const report of reports)
    text = text.replace(partOf(report.name), (_, begin, end) => `${begin}${markdownOf(report)}\n${end}`);
  writeFileSync(page, text);
}
