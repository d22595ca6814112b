import { WebSocket } from 'ws';

/** What a lean client is told of. */
export interface Listener {
  ready(): void;
  /** The raw text of a push: parsing everything would cost more than the rest. */
  push(name: string, text: string): void;
  closed(reason: string): void;
  refused(code: string): void;
}

export interface LeanSocket {
  emit(event: string, payload: object, onAck: (text: string) => void): void;
  /** Stops and goes on reading, as a device does that is put to sleep. */
  pause(): void;
  resume(): void;
  /** As when the network goes: nothing is said. */
  cut(): void;
  close(): void;
}

const PREFIX = '42/chat,';
const EVENT = `${PREFIX}["`;

/** Just enough of Engine.IO 4 and Socket.IO 5 for one namespace: ten thousand of these fit into one process. */
export function openSocket(url: string, token: string, listener: Listener): LeanSocket {
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/socket.io/?EIO=4&transport=websocket`, {
    perMessageDeflate: false,
    skipUTF8Validation: true,
  });
  const acks = new Map<number, (text: string) => void>();
  let lastId = 0;
  let reason = 'closed';

  function receive(text: string): void {
    if (text === '2') socket.send('3');
    else if (text.startsWith(EVENT)) heard(text);
    else if (text.startsWith('43/chat,')) acked(text);
    else if (text.startsWith('0')) socket.send(`40/chat,${JSON.stringify({ token, protocol: 1 })}`);
    else if (text.startsWith('44')) {
      reason = /"code":"(\w+)"/.exec(text)?.[1] ?? 'refused';
      listener.refused(reason);
      socket.close();
    }
  }

  function heard(text: string): void {
    const name = text.slice(EVENT.length, text.indexOf('"', EVENT.length));
    if (name === 'session:ready') listener.ready();
    else listener.push(name, text);
  }

  function acked(text: string): void {
    const start = text.indexOf('[');
    const id = Number(text.slice(8, start));
    const onAck = acks.get(id);
    acks.delete(id);
    onAck?.(text.slice(start + 1, -1));
  }

  socket.on('message', data => receive(String(data)));
  socket.on('error', error => {
    reason = (error as NodeJS.ErrnoException).code ?? error.message;
  });
  socket.on('close', () => listener.closed(reason));

  return {
    emit(event, payload, onAck) {
      if (socket.readyState !== WebSocket.OPEN) return;
      lastId += 1;
      acks.set(lastId, onAck);
      socket.send(`${PREFIX}${lastId}${JSON.stringify([event, payload])}`);
    },
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    cut: () => socket.terminate(),
    close: () => socket.close(),
  };
}
