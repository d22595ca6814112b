import { startBalancer } from '../../tests/support/balancer.ts';
import { eventually } from '../../tests/support/eventually.ts';
import type { ServerProcess } from '../../tests/support/server-process.ts';
import { call, type Device, type Reader } from '../devices.ts';
import { ensureAtRest, ensureSameViews, ensureStoredOnce, message, type Outgoing, wholeHistory } from '../messages.ts';
import { ensure, type Invariant, pause, wholeMs } from '../stage.ts';

/** Of each user. */
const OUTBOX = 200;
const LANES = 8;

interface Writer {
  device: Device;
  outbox: Outgoing[];
}

const ackThenKill: Invariant = {
  name: 'ack-then-kill',
  sentence:
    'What was acknowledged before kill -9 is stored, and repeating everything stores each message exactly once.',
  needsOwnServers: true,
  async prove(stage) {
    const { threadId, sides } = stage.takeRoom();
    const survivor = stage.own.main.nodes[0].url;
    const victim = await stage.own.main.startNode();
    const writersAt = (url: string, outboxes: Outgoing[][]): Promise<Writer[]> =>
      Promise.all(sides.map(async (side, n) => ({ device: await stage.device(url, side, '/chat'), outbox: outboxes[n]! }))); // biome-ignore format: one line reads better
    const outboxes = sides.map(() => Array.from({ length: OUTBOX }, (_, n) => message(threadId, `${n}`)));
    const killAfter = 100 + Math.floor(stage.random() * 100);
    const acked = await sendUntilKilled(victim, await writersAt(victim.url, outboxes), killAfter);
    const stored = await wholeHistory(survivor, sides[0], threadId);
    const lost = [...acked].filter(id => !stored.some(one => one.client_id === id)).length;
    ensure(lost === 0, `${lost} of ${acked.size} acknowledged messages are not stored`);
    ensure(stored.length < 2 * OUTBOX, 'everything was stored before the instance was killed');
    for (const { device, outbox } of await writersAt(survivor, outboxes)) {
      const lanes = Array.from({ length: LANES }, async (_, from) => {
        let anew = 0;
        for (let n = from; n < OUTBOX; n += LANES) {
          const { duplicate } = await device.ask('message:send', outbox[n]!);
          if (acked.has(outbox[n]!.client_id) && !duplicate) anew += 1;
        }
        return anew;
      });
      const isNew = (await Promise.all(lanes)).reduce((sum, anew) => sum + anew, 0);
      ensure(isNew === 0, `${isNew} acknowledged messages were stored anew`);
    }
    ensureStoredOnce(await wholeHistory(survivor, sides[1], threadId), outboxes.flat());
    return `killed after ${acked.size} acks; ${2 * OUTBOX} messages, none lost, none twice`;
  },
};

async function sendUntilKilled(victim: ServerProcess, writers: Writer[], killAfter: number): Promise<Set<string>> {
  const acked = new Set<string>();
  const lane = async ({ device, outbox }: Writer, from: number): Promise<void> => {
    for (let n = from; n < outbox.length; n += LANES) {
      const ack = await device.socket.emitWithAck('message:send', outbox[n]).catch(() => null);
      if (!ack?.ok) return;
      acked.add(outbox[n]!.client_id);
      if (acked.size === killAfter) void victim.kill();
    }
  };
  const lanes = writers.flatMap(writer => Array.from({ length: LANES }, (_, from) => lane(writer, from)));
  await Promise.all(lanes);
  await victim.kill();
  return acked;
}

const BACK_WITHIN_MS = 2_000;

const drain: Invariant = {
  name: 'drain',
  sentence: 'An instance that gets SIGTERM tells its clients, is ready for nobody, loses no message and exits with 0; its clients are back within 2 s.', // biome-ignore format: one line reads better
  needsOwnServers: true,
  async prove(stage) {
    const { threadId, sides } = stage.takeRoom();
    const stays = stage.own.main.nodes[0];
    const leaves = await stage.own.main.startNode();
    const balancer = await startBalancer();
    stage.onEnd(balancer.close);
    balancer.use(leaves.url, stays.url);
    const readers = [0, 1, 2, 3].map(n => stage.reader(balancer.url, sides[n >> 1]!));
    const absences = readers.map(watchAbsence);
    await ensureAtRest(readers);
    const sent: Outgoing[] = [];
    const load = setInterval(() => {
      for (const { chat } of readers) {
        sent.push(message(threadId, `${sent.length}`));
        chat.send(sent.at(-1)!);
      }
    }, 50);
    stage.onEnd(() => clearInterval(load));
    await pause(500);
    balancer.use(stays.url);
    const [code] = await Promise.all([leaves.stop(), ensureNotReady(leaves)]);
    ensure(code === 0, `the instance exited with ${code}`);
    await eventually(() =>
      ensure(
        readers.every(one => one.socket.connected),
        'a client does not come back',
      ),
    );
    clearInterval(load);
    const history = () => wholeHistory(stays.url, sides[0], threadId);
    await ensureSameViews(readers, threadId, history);
    ensureStoredOnce(await history(), sent);
    const moved = absences.filter(one => one.wasTold());
    ensure(moved.length > 0 && moved.length < readers.length, `${moved.length} of ${readers.length} clients were told`);
    ensure(readers.every((one, n) => one.losses() === Number(absences[n]!.wasTold())), 'a client was cut without a word'); // biome-ignore format: one line reads better
    const longest = Math.max(...absences.map(one => one.longest()));
    ensure(longest <= BACK_WITHIN_MS, `a client was away for ${wholeMs(longest)}`);
    return `${moved.length} clients moved, away for at most ${wholeMs(longest)}; ${sent.length} messages, none lost or twice`;
  },
};

async function ensureNotReady({ url }: ServerProcess): Promise<void> {
  await eventually(async () => ensure((await call(url, null, 'GET', '/readyz')).status === 503, 'still ready'), 2_000);
}

function watchAbsence({ socket }: Reader): { wasTold(): boolean; longest(): number } {
  let told = false;
  let leftAt = 0;
  let longest = 0;
  socket.on('server:draining', () => {
    told = true;
  });
  socket.on('disconnect', () => {
    leftAt = performance.now();
  });
  socket.on('session:ready', () => {
    if (leftAt > 0) longest = Math.max(longest, performance.now() - leftAt);
  });
  return { wasTold: () => told, longest: () => longest };
}

/** A lease of 60 s, the grace of 15 s, and at most one announcement a second. */
const GHOST_MS = 77_000;

const presenceCrash: Invariant = {
  name: 'presence-crash',
  sentence: 'Who was connected to an instance that crashed is shown as offline after its lease of 60 s and 15 s more: no ghosts.', // biome-ignore format: one line reads better
  needsOwnServers: true,
  isPatient: true,
  async prove(stage) {
    const { sides } = stage.takeRoom();
    const [watcher, ghost] = sides;
    const victim = await stage.own.main.startNode();
    const device = await stage.device(victim.url, ghost, '/presence');
    device.socket.emit('presence:ping', { active: true });
    const screen = await stage.device(stage.own.main.nodes[0].url, watcher, '/presence');
    const now = async () => (await screen.ask('presence:get', { user_ids: [ghost.user_id] })).states[0].status;
    await screen.ask('presence:subscribe', { user_ids: [ghost.user_id] });
    await eventually(async () => ensure((await now()) === 'online', `it is shown as ${await now()}`), 5_000);
    await victim.kill();
    const killedAt = performance.now();
    const isGone = (push: { states: { user_id: string; status: string }[] }) =>
      push.states.some(state => state.user_id === ghost.user_id && state.status === 'offline');
    const { at } = await screen.hears('presence:updated', isGone, GHOST_MS);
    ensure((await now()) === 'offline', `it was announced, and is shown as ${await now()}`);
    return `offline after ${wholeMs(at - killedAt)} (at most ${wholeMs(GHOST_MS)})`;
  },
};

export const crashInvariants = [ackThenKill, drain, presenceCrash];
