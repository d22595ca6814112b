import { createDevice, type Device } from './device.ts';
import type { Meter } from './meter.ts';
import type { Room } from './rooms.ts';
import { type Desk, startSender } from './sender.ts';
import type { Verdict } from './verdict.ts';

export interface Run {
  url: string;
  rooms: Room[];
  devicesPerUser: number;
  rate: number;
  durationSec: number;
  ramp: boolean;
  meter: Meter;
  verdict: Verdict;
  /** Lets a second pass and shows what happened in it. */
  second(target: number): Promise<void>;
  say(line: string): void;
  /** What a profile has found out beside the counts. */
  findings: Record<string, unknown>;
}

interface Placed {
  device: Device;
  desk: Desk;
  /** The first device of each side writes, the others only hear. */
  isWriter: boolean;
}

const CONNECTING_AT_ONCE = 50;
const CONNECT_LIMIT_SEC = 120;
/** Whoever has let nobody in by then does not begin to. */
const FIRST_LIMIT_SEC = 5;

/** The run cannot begin; its message says why. */
export class NotConnected extends Error {}

function place(run: Run, comesBack = false): Placed[] {
  const { url, meter, verdict, devicesPerUser } = run;
  return run.rooms.flatMap(room => {
    const desk: Desk = { room, writers: [], listeners: 2 * devicesPerUser };
    return room.sides.flatMap(account =>
      Array.from({ length: devicesPerUser }, (_, index) => {
        const device = createDevice({ url, account, room, meter, verdict, comesBack: comesBack && index > 0 });
        if (index === 0) desk.writers.push(device);
        return { device, desk, isWriter: index === 0 };
      }),
    );
  });
}

const desksOf = (placed: readonly Placed[]) => [...new Set(placed.map(one => one.desk))];

/** So many at once that the server is busy and none waits long. */
async function connectAll(run: Run, devices: readonly Device[]): Promise<void> {
  run.say(`connecting ${devices.length} devices`);
  const waiting = [...devices];
  let opening: Device[] = [];
  for (let sec = 0; sec < CONNECT_LIMIT_SEC; sec += 1) {
    const until = performance.now() + 1_000;
    while (performance.now() < until) {
      opening = opening.filter(device => !device.isReady());
      for (const device of waiting.splice(0, CONNECTING_AT_ONCE - opening.length)) {
        device.open();
        opening.push(device);
      }
      if (waiting.length === 0 && opening.length === 0) return;
      await new Promise(resolve => setTimeout(resolve, 10));
    }
    await run.second(0);
    const { connections, failures } = run.meter.summary();
    if (connections === 0 && sec + 1 >= FIRST_LIMIT_SEC && Object.keys(failures).length > 0) break;
  }
  const reasons = Object.entries(run.meter.summary().failures).map(([reason, count]) => `\n${count} × ${reason}`);
  throw new NotConnected(`not all devices can be connected to ${run.url}${reasons.join('')}`);
}

/** What is under way arrives, or is lost; a second at least, in which what comes twice is heard and all is counted. */
async function settle(run: Run, placed: readonly Placed[]): Promise<void> {
  for (let sec = 0; sec === 0 || (sec < 10 && run.meter.pending() > 0); sec += 1) await run.second(0);
  for (const { device } of placed) device.seen.judge(run.verdict);
  for (const { device } of placed) device.close();
}

async function seconds(run: Run, count: number, target: number, each: (sec: number) => void = () => {}): Promise<void> {
  for (let sec = 0; sec < count; sec += 1) {
    each(sec);
    await run.second(target);
  }
}

/** Rooms in which both sides write; with --ramp ever faster, until the server does not keep up. */
async function rooms(run: Run): Promise<void> {
  const placed = place(run);
  await connectAll(
    run,
    placed.map(one => one.device),
  );
  const sender = startSender(desksOf(placed), run.meter);
  if (run.ramp) run.findings['saturation'] = await climb(run, sender.setRate);
  else {
    sender.setRate(run.rate);
    await seconds(run, run.durationSec, run.rate);
  }
  sender.setRate(0);
  await sender.stop();
  await settle(run, placed);
}

const STEP = 1.4;
const TOLERABLE_MS = 500;
/** The first second of a step is not measured. */
const LEAST_STEP_SEC = 2;

/** A step holds while 95 % of what is due is acknowledged, and the slowest hundredth of deliveries takes half a second. */
async function climb(run: Run, setRate: (perSecond: number) => void): Promise<object> {
  let held = 0;
  for (let rate = run.rate; ; rate = Math.round(rate * STEP)) {
    setRate(rate);
    const from = run.meter.summary().seconds.length;
    await seconds(run, Math.max(LEAST_STEP_SEC, run.durationSec), rate);
    const measured = run.meter.summary().seconds.slice(from + 1); // before that it answers the step before
    const acked = measured.reduce((sum, one) => sum + one.acked, 0) / measured.length;
    const p99 = measured.map(one => one.delivery.p99).sort((a, b) => a - b)[Math.floor(measured.length / 2)]!;
    run.say(`step ${rate}/s: ${Math.round(acked)}/s acknowledged, p99 of deliveries ${p99} ms`);
    if (acked < 0.95 * rate || p99 > TOLERABLE_MS) return { messages_per_s: held, broke_at: rate };
    held = rate;
  }
}

/** Connections that only stay. */
async function hold(run: Run): Promise<void> {
  const placed = place(run);
  await connectAll(
    run,
    placed.map(one => one.device),
  );
  await seconds(run, run.durationSec, 0);
  run.findings['held'] = placed.filter(({ device }) => device.isReady()).length;
  await settle(run, placed);
}

/** Everybody comes at --rate connections a second, ready or not; who is refused comes again. */
async function connectStorm(run: Run): Promise<void> {
  const devices = place(run, true).map(one => one.device);
  const beganAt = performance.now();
  const waiting = [...devices];
  for (let sec = 0; sec < CONNECT_LIMIT_SEC && devices.some(device => !device.isReady()); sec += 1) {
    for (const device of waiting.splice(0, run.rate)) device.open();
    await run.second(0);
  }
  const connected = devices.filter(device => device.isReady()).length;
  run.findings['connected'] = connected;
  if (connected < devices.length) run.findings['never_connected'] = devices.length - connected;
  else run.findings['all_connected_after_s'] = Math.round((performance.now() - beganAt) / 100) / 10;
  for (const device of devices) device.close();
}

/** Rooms, while a tenth of the devices that only hear is cut in every second. */
async function churn(run: Run): Promise<void> {
  const placed = place(run, true);
  await connectAll(
    run,
    placed.map(one => one.device),
  );
  const cuttable = placed.filter(one => !one.isWriter).map(one => one.device);
  const sender = startSender(desksOf(placed), run.meter);
  sender.setRate(run.rate);
  await seconds(run, run.durationSec, run.rate, sec => {
    for (const [index, device] of cuttable.entries()) if (index % 10 === sec % 10) device.cut();
  });
  sender.setRate(0);
  await sender.stop();
  await seconds(run, 3, 0);
  await settle(run, placed);
}

/** Rooms, while a tenth of the devices that only hear stops reading; the server must not wait for them, nor keep all for them. */
async function slowReader(run: Run): Promise<void> {
  const placed = place(run, true);
  await connectAll(
    run,
    placed.map(one => one.device),
  );
  const slow = placed.filter(one => !one.isWriter).filter((_, index) => index % 10 === 0);
  for (const { device, desk } of slow) {
    device.pause();
    desk.listeners -= 1;
  }
  const sender = startSender(desksOf(placed), run.meter);
  sender.setRate(run.rate);
  await seconds(run, run.durationSec, run.rate);
  sender.setRate(0);
  await sender.stop();
  run.findings['paused'] = slow.length;
  for (const { device } of slow) device.resume();
  await seconds(run, 5, 0);
  run.findings['closed_by_server'] = run.meter.summary().connections - placed.length;
  await settle(run, placed);
}

/** One side writes alone; then everybody else comes at the same moment and fetches what was said. */
async function replay(run: Run): Promise<void> {
  const placed = place(run);
  const writers = placed.filter(({ device, desk }) => desk.writers[0] === device);
  const others = placed.filter(one => !writers.includes(one));
  await connectAll(
    run,
    writers.map(one => one.device),
  );
  const desks = desksOf(placed).map(desk => ({ ...desk, writers: desk.writers.slice(0, 1), listeners: 1 }));
  const sender = startSender(desks, run.meter);
  sender.setRate(run.rate);
  await seconds(run, run.durationSec, run.rate);
  sender.setRate(0);
  await sender.stop();
  const beganAt = performance.now();
  await connectAll(
    run,
    others.map(one => one.device),
  );
  for (let sec = 0; sec < 60 && others.some(({ device, desk }) => device.seen.upTo() < desk.room.lastSeq); sec += 1)
    await run.second(0);
  run.findings['caught_up_after_s'] = Math.round((performance.now() - beganAt) / 100) / 10;
  await settle(run, placed);
}

export const profiles: Record<string, (run: Run) => Promise<void>> = {
  rooms,
  hold,
  'connect-storm': connectStorm,
  churn,
  'slow-reader': slowReader,
  replay,
};
