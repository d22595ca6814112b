import { isAtRest } from '../conformance/messages.ts';
import { pause, wholeMs } from '../conformance/stage.ts';
import { eventually } from '../tests/support/eventually.ts';
import { credentialsOf, type Device, startDevice } from './device.ts';
import type { Fault, Scene } from './fault.ts';
import { AFTERMATH_MS, type Figures, judge, readFigures, type Times } from './figures.ts';
import { findAnomalies, type Talk } from './history.ts';
import { createLedger, type Ledger } from './ledger.ts';
import { type Probe, startProbe } from './probe.ts';
import type { Site } from './site.ts';
import { startTraffic, type Traffic } from './traffic.ts';

export interface Settings {
  /** Threads with two devices of each side, all of which send. */
  talks: number;
  lastsSec: number;
  /** Before the fault, to compare with. */
  baselineMs: number;
  /** Factor of all limits. */
  slack: number;
}

export interface Result {
  name: string;
  sentence: string;
  figures: Figures;
  anomalies: string[];
  missed: string[];
  note: string;
  ms: number;
}

/** Threads with one message, sent amid the fault: no later one shows that it is missing. */
const QUIET = 2;
/** Talks, quiet threads, and one for the probes. */
export const roomsOf = ({ talks }: Pick<Settings, 'talks'>): number => talks + QUIET + 1;

const SETTLE_MS = 90_000;
/** A client that has failed again and again waits for so long. */
const BACK_MS = 50_000;

export async function tryFault(fault: Fault, site: Site, random: () => number, settings: Settings): Promise<Result> {
  const startedAt = performance.now();
  await eventually(() => ensureReady(site), SETTLE_MS);
  const ledger = createLedger();
  const rooms = Array.from({ length: roomsOf(settings) }, () => site.takeRoom());
  const probed = rooms.pop()!;
  const talks = await Promise.all(
    rooms.map((room, n) => openTalk(site, room, n < settings.talks ? 2 : 1, random, ledger)),
  );
  const devices = talks.flatMap(talk => talk.devices);
  const probes = site.instances.map(one => startProbe(one, probed.sides[0].access, probed.threadId, ledger));
  const run = { site, ledger, settings, devices, talks };
  try {
    await eventually(() => ensureAll(devices, isAtRest, 'a client does not come to rest'), SETTLE_MS);
    const before = site.fleet.liveness();
    const { times, hit, note } = await act(fault, run, random);
    const anomalies = await settle(run, probes);
    anomalies.push(...(await findAnomalies(site, [...talks, { room: probed, devices: [] }], ledger)));
    const flaps = site.fleet.liveness() - before;
    anomalies.push(...site.complaints().splice(0));
    if (flaps > 0) anomalies.push(`liveness failed ${flaps} times`);
    if (site.instances.some(one => one.hasEnded())) anomalies.push('an instance has ended by itself');
    const figures = readFigures({ site, talks, hit, ledger, times });
    const missed = judge(figures, fault.reach, settings.slack);
    const { name, sentence } = fault;
    return { name, sentence, figures, anomalies, missed, note, ms: performance.now() - startedAt };
  } finally {
    for (const probe of probes) probe.close();
    await Promise.all(devices.map(device => device.close()));
  }
}

function ensureReady({ instances, fleet }: Site): void {
  if (!instances.every(fleet.isReady)) throw new Error('an instance is not ready');
}

interface Run {
  site: Site;
  ledger: Ledger;
  settings: Settings;
  devices: Device[];
  talks: Talk[];
}

async function openTalk(
  site: Site,
  room: Talk['room'],
  devicesEach: number,
  random: () => number,
  ledger: Ledger,
): Promise<Talk> {
  const { threadId } = room;
  const devices: Device[] = [];
  for (const [side, account] of room.sides.entries()) {
    const store = credentialsOf(account, `${threadId} ${side}`);
    for (let n = 0; n < devicesEach; n += 1)
      devices.push(await startDevice({ site, threadId, store, name: `${side}${n} of ${threadId}`, random, ledger }));
  }
  return { room, devices };
}

async function act(fault: Fault, { site, ledger, settings, talks }: Run, random: () => number) {
  const talkers = talks.slice(0, settings.talks).flatMap(talk => talk.devices);
  const traffic = startTraffic(talkers, ledger);
  await pause(1_000);
  const measuredFrom = performance.now();
  await pause(settings.baselineMs);
  const lastsMs = (fault.lastsSec ?? settings.lastsSec) * 1_000;
  const victim = site.instances[Math.floor(random() * site.instances.length)]!;
  const scene = { site, devices: talkers, victim, random, lastsMs };
  const hit = new Set(fault.hits?.(scene) ?? []);
  const inflictedAt = performance.now();
  const { healedAt, note } = await inflict(fault, { ...scene, hit }, () =>
    sayQuietly(talks.slice(settings.talks), traffic),
  );
  await eventually(
    () => ensureAll(talkers, device => hasAckSince(ledger, device, healedAt), 'a client gets no acks again'),
    BACK_MS,
  ).catch(() => {});
  traffic.stop();
  const times: Times = { measuredFrom, inflictedAt, healedAt, endedAt: performance.now() };
  return { times, hit, note };
}

async function inflict(fault: Fault, scene: Scene, amid: () => void): Promise<{ healedAt: number; note: string }> {
  const until = performance.now() + scene.lastsMs;
  const timer = setTimeout(amid, scene.lastsMs / 2);
  const heal = await fault.inflict(scene);
  await pause(Math.max(0, until - performance.now()));
  const told = await heal();
  const note = typeof told === 'string' ? told : '';
  const healedAt = performance.now();
  clearTimeout(timer);
  await pause(AFTER_MS);
  return { healedAt, note };
}

/** Longer than the aftermath that is measured too. */
const AFTER_MS = AFTERMATH_MS + 500;

function sayQuietly(quiet: readonly Talk[], traffic: Traffic): void {
  for (const { devices } of quiet) traffic.say(devices[0]!);
}

const hasAckSince = ({ attempts }: Ledger, device: Device, since: number): boolean =>
  attempts.some(one => one.device === device && one.result === 'ok' && one.at >= since);

/** Everything under way ends. */
async function settle({ devices }: Run, probes: readonly Probe[]): Promise<string[]> {
  for (const probe of probes) probe.close();
  const beganAt = performance.now();
  return eventually(() => ensureAll(devices, isAtRest, 'a client does not come to rest'), SETTLE_MS).then(
    () => [],
    error => [`${error.message} within ${wholeMs(performance.now() - beganAt)}`],
  );
}

function ensureAll(devices: readonly Device[], passes: (device: Device) => boolean, otherwise: string): void {
  if (!devices.every(passes)) throw new Error(otherwise);
}
