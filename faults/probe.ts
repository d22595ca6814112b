import { randomUUID } from 'node:crypto';
import { type LeanSocket, openSocket } from '../load/socket.ts';
import type { Instance } from './instance.ts';
import type { Ledger } from './ledger.ts';

/** Asks one instance again and again to store a message, and never the same twice: what the server itself does, with no outbox around it. */
export interface Probe {
  instance: Instance;
  close(): void;
}

const EVERY_MS = 250;
const LATE_MS = 10_000;

export function startProbe(instance: Instance, token: string, threadId: string, ledger: Ledger): Probe {
  let socket: LeanSocket | null = null;
  let isReady = false;
  let isClosed = false;
  const open = new Set<(result: string) => void>();

  function connect(): void {
    if (isClosed) return;
    socket = openSocket(instance.url, token, {
      ready() {
        isReady = true;
      },
      push() {},
      closed() {
        isReady = false;
        for (const end of open) end('cut');
        setTimeout(connect, EVERY_MS);
      },
      refused() {},
    });
  }

  function send(): void {
    if (!isReady) return;
    const clientId = randomUUID();
    const at = performance.now();
    const late = setTimeout(() => end('late'), LATE_MS);
    function end(result: string, seq = 0): void {
      clearTimeout(late);
      if (!open.delete(end)) return;
      const times = { at, answeredAt: performance.now() };
      ledger.attempts.push({ clientId, threadId, ...times, result, seq, isDuplicate: false, instance, device: null });
    }
    open.add(end);
    socket!.emit('message:send', { thread_id: threadId, client_id: clientId, text: 'Salom!' }, text => {
      const ack = JSON.parse(text);
      if (ack.ok) end('ok', ack.data.message.seq);
      else end(ack.error.code);
    });
  }

  connect();
  const timer = setInterval(send, EVERY_MS);
  return {
    instance,
    close() {
      isClosed = true;
      clearInterval(timer);
      socket?.close();
    },
  };
}
