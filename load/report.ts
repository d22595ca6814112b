import type { Latency, Second, Summary } from './meter.ts';
import type { Verdict } from './verdict.ts';

export interface ServerSecond {
  cpu: number;
  rssMb: number;
}

export interface Result {
  profile: string;
  settings: Record<string, unknown>;
  at: string;
  verdict: Verdict;
  /** The generator itself had not enough of the processor: the figures say too little of the server. */
  generatorIsBottleneck: boolean;
  findings: Record<string, unknown>;
  summary: Summary;
  server: ServerSecond[];
}

/** More than nine tenths of a core, or a loop that is late by a quarter of a second, in a tenth of the seconds. */
export function isBottleneck(seconds: readonly Second[]): boolean {
  const busy = seconds.filter(one => one.generatorCpu > 0.9 || one.generatorLagMs > 250);
  return busy.length > 0 && busy.length >= seconds.length / 10;
}

const latency = (name: string, { count, p50, p95, p99, p999, max }: Latency) =>
  count === 0
    ? []
    : [`${name.padEnd(10)} ${count} times, ms: p50 ${p50}, p95 ${p95}, p99 ${p99}, p99.9 ${p999}, max ${max}`];

/** What a person reads at the end of a run. */
export function tellResult({ verdict, generatorIsBottleneck, findings, summary, server }: Result): string {
  const { sent, acked, delivered, failures, disconnects, connections } = summary;
  const memory = Math.max(0, ...server.map(one => one.rssMb));
  return [
    `connected  ${connections} times; sent ${sent}, acknowledged ${acked}, delivered ${delivered}`,
    ...latency('connect', summary.connect),
    ...latency('ack', summary.ack),
    ...latency('delivery', summary.delivery),
    ...latency('recovery', summary.recovery),
    ...Object.entries({ ...failures, ...disconnects }).map(([reason, count]) => `failed     ${count} × ${reason}`),
    ...Object.entries(findings).map(([name, value]) => `${name}: ${JSON.stringify(value)}`),
    ...(memory > 0 ? [`server     at most ${memory} MB, ${Math.max(...server.map(one => one.cpu))} cores`] : []),
    `verdict    lost ${verdict.lost}, twice ${verdict.twice}, out of order ${verdict.disordered}`,
    ...(generatorIsBottleneck
      ? ['The generator itself was the bottleneck: spread the load, or lower --rate or --devices.']
      : []),
  ].join('\n');
}

interface Line {
  name: string;
  values: number[];
}
const colours = ['#0b5cad', '#c2410c', '#15803d', '#7e22ce'];
const [WIDTH, HEIGHT] = [900, 200];

function plot(title: string, unit: string, lines: readonly Line[]): string {
  const most = Math.max(1e-9, ...lines.flatMap(one => one.values));
  const pathOf = ({ values }: Line) =>
    values.map((value, at) => `${((at / Math.max(1, values.length - 1)) * WIDTH).toFixed(1)},${(HEIGHT - (value / most) * HEIGHT).toFixed(1)}`).join(' '); // biome-ignore format: one line reads better
  const drawn = lines.map((line, at) => `<polyline points="${pathOf(line)}" fill="none" stroke="${colours[at]}" stroke-width="1.5"/>`); // biome-ignore format: one line reads better
  const legend = lines.map(({ name }, at) => `<span style="color:${colours[at]}">■ ${name}</span>`).join(' ');
  return `<h2>${title}</h2><p>${legend} · highest ${Math.round(most * 100) / 100} ${unit}</p>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${title}">${drawn.join('')}</svg>`;
}

const escaped = (text: string) => text.replace(/[&<>]/g, sign => `&#${sign.charCodeAt(0)};`);

/** One page that needs nothing else. */
export function resultPage(result: Result): string {
  const { seconds } = result.summary;
  const line = (name: string, read: (second: Second) => number): Line => ({ name, values: seconds.map(read) });
  const plots = [
    plot('Delivery over time', 'ms', [line('p99', one => one.delivery.p99), line('p50', one => one.delivery.p50)]),
    plot('Throughput', '/s', [line('due', one => one.target), line('acknowledged', one => one.acked), line('delivered', one => one.delivered)]), // biome-ignore format: one line reads better
    plot('Connections', '', [line('open', one => one.connections)]),
    plot('Generator', 'cores', [line('processor', one => one.generatorCpu)]),
    ...(result.server.length > 0
      ? [plot('Server', 'cores', [{ name: 'processor', values: result.server.map(one => one.cpu) }]), plot('Server memory', 'MB', [{ name: 'resident', values: result.server.map(one => one.rssMb) }])] // biome-ignore format: one line reads better
      : []),
  ];
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Load: ${result.profile}</title>
<style>body{font:15px/1.5 system-ui,sans-serif;max-width:${WIDTH}px;margin:24px auto}svg{border:1px solid #ddd;width:100%}pre{background:#f5f6f8;padding:12px;overflow:auto}</style>
<h1>${result.profile}, ${result.at}</h1><pre>${escaped(JSON.stringify(result.settings))}\n${escaped(tellResult(result))}</pre>${plots.join('\n')}</html>\n`;
}
