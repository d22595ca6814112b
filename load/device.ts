import type { Meter } from './meter.ts';
import type { Account, Room } from './rooms.ts';
import { type LeanSocket, openSocket } from './socket.ts';
import { type Seen, type Verdict, watchRoom } from './verdict.ts';

/** One connection of one user, in one room; it comes back when it is cut, and pulls what it missed. */
export interface Device {
  seen: Seen;
  isReady(): boolean;
  open(): void;
  send(clientId: string, onAck: (text: string) => void): void;
  cut(): void;
  pause(): void;
  resume(): void;
  close(): void;
}

interface Options {
  url: string;
  account: Account;
  room: Room;
  meter: Meter;
  verdict: Verdict;
  /** Whether a cut is a part of the profile; elsewhere it is a failure. */
  comesBack: boolean;
}

const TEXT = 'Salom! 06H-121-026 suv nasosi bormi, narxi qancha? Ertaga olib ketamiz.';
const RETRY_MS = 1_000;

export function createDevice({ url, account, room, meter, verdict, comesBack }: Options): Device {
  const seen = watchRoom(room, verdict);
  let socket: LeanSocket | undefined;
  let isReady = false;
  let isWanted = false;
  let openedAt = 0;
  let connections = 0;
  /** Has been told why it is not let in. */
  let isRefused = false;
  /** Pulls what it missed: pushes may repeat what the pull says, and the other way round. */
  let isRecovering = false;
  /** What history has told may still be pushed. */
  let toldUpTo = 0;
  /** Its deliveries are late because it does not read: they say nothing of the server. */
  let isSlow = false;

  function open(): void {
    isWanted = true;
    isRefused = false;
    openedAt = performance.now();
    socket = openSocket(url, account.access, {
      ready() {
        isReady = true;
        connections += 1;
        meter.connected(performance.now() - openedAt);
        if (connections > 1 || room.lastSeq > 0) recover();
      },
      push(name, text) {
        if (name === 'message:created') created(text);
        else if (name === 'sync:head') recover();
      },
      closed(reason) {
        if (isReady) meter.disconnected(isWanted && !comesBack ? reason : null);
        else if (isWanted && !isRefused) meter.refused(reason);
        isReady = false;
        if (isWanted) setTimeout(() => isWanted && open(), RETRY_MS * (0.5 + Math.random()));
      },
      refused(code) {
        isRefused = true;
        meter.refused(code);
      },
    });
  }

  function created(text: string): void {
    const seq = Number(/"seq":(\d+)/.exec(text)?.[1]);
    seen.take(seq, isRecovering || seq <= toldUpTo);
    if (!isSlow) meter.delivered(/"client_id":"([^"]+)"/.exec(text)![1]!);
  }

  /** Everything of this thread above what is held without a hole. */
  function recover(): void {
    isRecovering = true;
    const after = Math.max(seen.upTo(), Math.min(room.firstSeq, room.lastSeq + 1) - 1, 0);
    const beganAt = performance.now();
    socket?.emit('thread:history', { thread_id: room.threadId, after_seq: after, limit: 100 }, text => {
      const ack = JSON.parse(text);
      if (!ack.ok) return void setTimeout(recover, RETRY_MS);
      for (const { seq, client_id } of ack.data.messages) {
        seen.take(seq, true);
        meter.forget(client_id);
        toldUpTo = Math.max(toldUpTo, seq);
      }
      if (ack.data.has_more_after) return recover();
      meter.recovered(performance.now() - beganAt);
      isRecovering = false;
    });
  }

  return {
    seen,
    isReady: () => isReady,
    open,
    send: (client_id, onAck) =>
      socket!.emit('message:send', { thread_id: room.threadId, client_id, text: TEXT }, onAck),
    cut: () => socket?.cut(),
    pause() {
      isSlow = true;
      socket?.pause();
    },
    resume: () => socket?.resume(),
    close() {
      isWanted = false;
      socket?.close();
    },
  };
}
