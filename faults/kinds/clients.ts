import { ensure, pause, wholeMs } from '../../conformance/stage.ts';
import { type LeanSocket, openSocket } from '../../load/socket.ts';
import { eventually } from '../../tests/support/eventually.ts';
import type { Device } from '../device.ts';
import type { Fault } from '../fault.ts';
import { resetConnections } from '../networks.ts';

/** Of every three clients one. */
const aThird: Fault['hits'] = ({ devices }) => devices.filter((_, n) => n % 3 === 0);
/** The others do not feel what happens to some. */
const others = { gapMs: 1_000, refusals: [] };

const OFFLINE_MS = 2_000;
const CUT_EVERY_MS = 15_000;
/** Beside the clients of the load. */
const STORM = 300;

async function offline({ line }: Device, ms: number): Promise<void> {
  line.cut();
  await pause(ms);
  line.resume();
}

/** Each again and again, one after another. */
async function jitter(devices: readonly Device[], lastsMs: number): Promise<void> {
  await Promise.all(
    devices.map(async (device, n) => {
      const every = Math.min(CUT_EVERY_MS, lastsMs / 2);
      await pause((every / devices.length) * n);
      for (let spent = 0; spent < lastsMs - every; spent += every) {
        await offline(device, OFFLINE_MS);
        await pause(every - OFFLINE_MS);
      }
    }),
  );
}

interface Crowd {
  isBack(): boolean;
  /** Slowest of those that came back since. */
  slowestMs(): number;
  cut(): void;
  close(): void;
}

/** Connections that only come, and come again at once when they are cut, over the same balancer. */
function gather(url: string, token: string): Crowd {
  const sockets = new Map<LeanSocket, 'coming' | 'here'>();
  let isClosed = false;
  let cutAt = performance.now();
  let slowestMs = 0;

  function connect(): void {
    if (isClosed) return;
    const socket = openSocket(url, token, {
      ready() {
        sockets.set(socket, 'here');
        slowestMs = performance.now() - cutAt;
      },
      push() {},
      closed() {
        sockets.delete(socket);
        setTimeout(connect, 50);
      },
      refused() {},
    });
    sockets.set(socket, 'coming');
  }

  function cut(): void {
    cutAt = performance.now();
    for (const socket of sockets.keys()) socket.cut();
  }

  for (let n = 0; n < STORM; n += 1) connect();
  return {
    isBack: () => sockets.size === STORM && [...sockets.values()].every(state => state === 'here'),
    slowestMs: () => slowestMs,
    cut,
    close() {
      isClosed = true;
      cut();
    },
  };
}

const comesBack = (crowd: Crowd) => eventually(() => ensure(crowd.isBack(), 'not all connections are back'), 15_000);

export const clientFaults: Fault[] = [
  {
    name: 'clients-cut',
    sentence: 'Clients whose connections are cut are back within 3 s and lack nothing.',
    reach: { ...others, reconnectMs: 3_000 },
    hits: aThird,
    inflict({ hit }) {
      resetConnections([...hit].map(one => one.line));
      return () => {};
    },
  },
  {
    name: 'clients-half-open',
    sentence:
      'Clients over whose connections nothing passes any more notice it themselves, and lack nothing when they are back.',
    lastsSec: 55,
    reach: { ...others, refusals: ['late'] },
    hits: aThird,
    inflict({ hit }) {
      // what is half-open stays so, a new connection is a good one: as when a phone changes its network
      for (const { line } of hit) line.strand();
      return () => {};
    },
  },
  {
    name: 'clients-slow',
    sentence: 'Clients that stop reading keep nobody waiting, and lack nothing when they read again.',
    lastsSec: 12,
    reach: { ...others, refusals: ['late'] },
    hits: aThird,
    inflict({ hit }) {
      for (const device of hit) device.sleep();
      return () => {
        for (const device of hit) device.wake();
      };
    },
  },
  {
    name: 'clients-jittering',
    sentence: 'Clients that lose their network every 15 s for 2 s lose no message.',
    lastsSec: 40,
    reach: { ...others, gapMs: 2_000 },
    hits: ({ devices }) => [...devices],
    async inflict({ devices, lastsMs }) {
      await jitter(devices, lastsMs);
      return () => {};
    },
  },
  {
    name: 'reconnect-storm',
    sentence: `When ${STORM} connections are cut and come back at once acks of the others stay fast.`,
    reach: { ...others, slowerMs: 500 },
    hits: aThird,
    async inflict({ site, devices, hit }) {
      const crowd = gather(site.front.url, (await devices[0]!.token())!);
      await comesBack(crowd);
      crowd.cut();
      resetConnections([...hit].map(one => one.line));
      await comesBack(crowd);
      return () => {
        crowd.close();
        return `${STORM} connections back within ${wholeMs(crowd.slowestMs())}`;
      };
    },
  },
];
