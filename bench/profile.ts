/**
 * Where the processor time of the server goes while people chat, part by part of its code, by V8's own profiler (which takes a tenth
 * itself). `npm run bench -- profile [--pairs 200] [--in-flight 8] [--devices 1] [--seconds 5] [--most 25]`
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Load, Measured } from './chat/measured.ts';
import { runLoad } from './support/load.ts';
import { readSettings } from './support/options.ts';
import type { Outcome } from './support/outcome.ts';
import { inWorld, root, talksOf } from './support/world.ts';

const SAMPLE_US = 250;
const SOURCE = pathToFileURL(join(root, 'src/')).href;

interface Profile {
  startTime: number;
  nodes: { id: number; callFrame: { functionName: string; url: string } }[];
  samples: number[];
  timeDeltas: number[];
}

export async function run(args: string[]): Promise<Outcome> {
  const settings = readSettings(args, { pairs: 200, 'in-flight': 8, devices: 1, seconds: 5, most: 25 });
  const { pairs, devices, seconds, most } = settings;
  return inWorld({ users: 2 * pairs, posts: pairs, threads: pairs }, async world => {
    const folder = join(world.folder, 'profile');
    const flags = ['--cpu-prof', `--cpu-prof-dir=${folder}`, `--cpu-prof-interval=${SAMPLE_US}`];
    const server = await world.startParthub({}, flags);
    const load: Load = {
      ...{
        url: server.match,
        pairs: talksOf(world, pairs),
        devices,
        inFlight: settings['in-flight'],
        bell: devices === 1,
      },
      ...{ warmUpMs: 5_000, measureMs: seconds * 1000 },
    };
    const { result, window } = await runLoad<Measured>(join(root, 'bench/chat/load.ts'), [], load, {});
    await server.end();
    const [file] = (await readdir(folder)).filter(name => name.endsWith('.cpuprofile'));
    const parts = partsOf(JSON.parse(await readFile(join(folder, file!), 'utf8')), window.get('')!);
    const shown = [...parts].filter(([name]) => name !== '(idle)').sort((a, b) => b[1] - a[1]);
    const total = shown.reduce((sum, [, us]) => sum + us, 0);
    const row = (name: string, us: number) => ({ name, cells: [us / result.messages, (us / total) * 100] });
    const rest = shown.slice(most).reduce((sum, [, us]) => sum + us, 0);
    const rows = [
      ...shown.slice(0, most).map(([name, us]) => row(name, us)),
      row('all others', rest),
      row('all', total),
    ];
    return {
      settings,
      measured: [{ title: 'the code itself, without what it calls', columns: ['µs a message', '%'], rows }],
      goals: [],
    };
  });
}

/** Microseconds of each part within the window. */
function partsOf(
  { startTime, nodes, samples, timeDeltas }: Profile,
  [began, ended]: [number, number],
): Map<string, number> {
  const nameOf = new Map(nodes.map(({ id, callFrame }) => [id, partOf(callFrame)]));
  const parts = new Map<string, number>();
  let at = startTime;
  for (const [index, id] of samples.entries()) {
    const us = timeDeltas[index]!;
    at += us;
    if (at < began || at > ended) continue;
    const name = nameOf.get(id)!;
    parts.set(name, (parts.get(name) ?? 0) + us);
  }
  return parts;
}

/** A package, a folder of ours, a module of Node, or what V8 and the system do. */
function partOf({ functionName, url }: { functionName: string; url: string }): string {
  const library = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1];
  if (library) return library;
  const own = url.startsWith(SOURCE) && /^[^/]+(?:\/[^/]+)?/.exec(url.slice(SOURCE.length))?.[0];
  if (own) return `src/${own}`;
  return url || functionName || '(anonymous)';
}
