import { ensureSameViews, wholeHistory } from '../conformance/messages.ts';
import type { Room } from '../load/rooms.ts';
import type { Message } from '../src/client/contract.ts';
import { eventually } from '../tests/support/eventually.ts';
import type { Device } from './device.ts';
import type { Ledger } from './ledger.ts';
import type { Site } from './site.ts';

/** A thread, and the clients that show it. */
export interface Talk {
  room: Room;
  devices: Device[];
}

/** What is stored of a thread, as any instance tells it. */
const storedIn = (site: Site, { threadId, sides }: Room): Promise<Message[]> =>
  eventually(() => wholeHistory(site.front.url, sides[0], threadId), 20_000);

/** acked = stored = shown once, in order, by seq; what was refused is not stored. Every line is an anomaly. */
export async function findAnomalies(site: Site, talks: readonly Talk[], ledger: Ledger): Promise<string[]> {
  const ids = new Set<string>();
  const found = await Promise.all(
    talks.map(async ({ room, devices }) => {
      const stored = await storedIn(site, room);
      for (const { client_id } of stored) ids.add(client_id);
      const wrong = [...anomaliesOf(stored, room.threadId, ledger), ...disorderOf(stored, ledger)];
      const shown = await ensureSameViews(devices, room.threadId, () => storedIn(site, room)).catch((error: Error) => error); // biome-ignore format: one line reads better
      return [...wrong, ...(shown ? [shown.message] : [])].map(line => `${line} (thread ${room.threadId})`);
    }),
  );
  return [...found.flat(), ...unanswered(ledger, ids)];
}

function anomaliesOf(stored: readonly Message[], threadId: string, ledger: Ledger): string[] {
  const wrong: string[] = [];
  const seqOf = new Map(stored.map(one => [one.client_id, one.seq]));
  if (seqOf.size < stored.length) wrong.push(`${stored.length - seqOf.size} messages are stored twice`);
  if (stored.some(({ seq }, index) => seq !== index + 1)) wrong.push('seq has holes');
  const attempts = ledger.attempts.filter(one => one.threadId === threadId);
  const acked = attempts.filter(one => one.result === 'ok');
  const lost = acked.filter(one => !seqOf.has(one.clientId));
  if (lost.length > 0) wrong.push(`${lost.length} acknowledged messages are not stored`);
  const moved = acked.filter(one => seqOf.has(one.clientId) && seqOf.get(one.clientId) !== one.seq);
  if (moved.length > 0) wrong.push(`${moved.length} messages have another seq than was acknowledged`);
  const refused = stored.filter(one => ledger.refused.has(one.client_id) || ledger.wanted.get(one.client_id)?.isForbidden); // biome-ignore format: one line reads better
  if (refused.length > 0) wrong.push(`${refused.length} refused messages are stored`);
  const asked = new Set(attempts.map(one => one.clientId));
  const strange = stored.filter(one => !asked.has(one.client_id));
  if (strange.length > 0) wrong.push(`${strange.length} messages are stored that nobody sent`);
  const first = new Set<string>();
  for (const { clientId, isDuplicate } of acked) {
    if (!isDuplicate && first.has(clientId)) wrong.push(`${clientId} was acknowledged twice as new`);
    if (!isDuplicate) first.add(clientId);
  }
  return wrong;
}

/** What one device sends is stored in the order in which its user wrote it. */
function disorderOf(stored: readonly Message[], ledger: Ledger): string[] {
  const last = new Map<Device, number>();
  const wrong: string[] = [];
  for (const { client_id } of stored) {
    const wanted = ledger.wanted.get(client_id);
    if (!wanted) continue;
    if (wanted.number < (last.get(wanted.device) ?? 0)) wrong.push('messages of one device are stored out of order');
    last.set(wanted.device, wanted.number);
  }
  return [...new Set(wrong)];
}

/** Every message ends acknowledged or, when the ack was lost with its connection, shown; or refused where it had to be. */
function unanswered({ wanted, attempts, refused }: Ledger, stored: ReadonlySet<string>): string[] {
  const acked = new Set(attempts.filter(one => one.result === 'ok').map(one => one.clientId));
  const waiting = [...wanted].filter(([id]) => !acked.has(id) && !stored.has(id) && !refused.has(id));
  const wrongly = [...refused].filter(([id]) => !wanted.get(id)?.isForbidden);
  const kindly = [...wanted].filter(([id, { isForbidden }]) => isForbidden && acked.has(id));
  return [
    ...(waiting.length > 0 ? [`${waiting.length} messages are neither stored nor refused`] : []),
    ...(wrongly.length > 0 ? [`refused without a reason: ${wrongly.map(([id, code]) => `${id} ${code}`).join(', ')}`] : []), // biome-ignore format: one line reads better
    ...(kindly.length > 0 ? [`${kindly.length} messages into threads of others were accepted`] : []),
  ];
}
