import { createClient, localOutbox, memoryCredentials } from 'parthub/client';

const response = await fetch('/example/world/', { method: 'POST' });
const { buyer, seller, thread_id, expires_in } = await response.json();
showPane('buyer', buyer, seller.user_id);
showPane('seller', seller, buyer.user_id);

async function startClient(side, { access, refresh }) {
  const credentials = memoryCredentials();
  const tokens = { access, refresh, expiresAt: Date.now() + expires_in * 1000 };
  credentials.save({ tokens, deviceId: `example ${side}` });
  const outbox = localOutbox(localStorage, `example:${side}:`);
  const client = createClient({ url: location.origin, credentials, outbox });
  await client.connect();
  return client;
}

async function showPane(side, account, otherId) {
  const pane = document.querySelector('template').content.cloneNode(true).firstElementChild;
  pane.id = side;
  document.querySelector('main').append(pane);
  const part = selector => pane.querySelector(selector);
  const client = await startClient(side, account);
  part('h2').textContent = side;

  show(client.connection, ({ state }) => {
    part('.connection').textContent = state;
    part('.cut').textContent = state === 'offline' ? 'Connect' : 'Cut off';
  });
  show(client.notifications.badge, ({ unread }) => { part('.badge').textContent = unread; }); // biome-ignore format: one line reads better
  show(client.unread, ({ messages }) => { part('.unread').textContent = messages; }); // biome-ignore format: one line reads better
  show(client.presence.of(otherId), ({ status }) => { part('.presence').textContent = `the other is ${status}`; }); // biome-ignore format: one line reads better
  show(client.thread(thread_id), state => state && showThread(client, pane, state));

  const input = part('input');
  input.addEventListener('input', () => client.type(thread_id));
  input.addEventListener('focus', () => {
    client.focus(thread_id);
    client.markRead(thread_id);
  });
  input.addEventListener('blur', () => client.focus(null));
  part('form').addEventListener('submit', event => {
    event.preventDefault();
    if (input.value.trim()) client.send(thread_id, { text: input.value });
    input.value = '';
  });
  part('.cut').addEventListener('click', () => {
    if (client.connection.getSnapshot().state === 'offline') client.connect();
    else client.disconnect();
  });
}

function showThread(client, pane, { messages, typing }) {
  const list = pane.querySelector('ol');
  list.ariaBusy = 'false';
  list.replaceChildren(...messages.map(message => lineOf(client, message)));
  list.scrollTop = list.scrollHeight;
  pane.querySelector('.typing').textContent = typing.length > 0 ? 'writes…' : '';
  if (pane.contains(document.activeElement)) client.markRead(thread_id);
}

function lineOf(client, { key, text, isMine, delivery, error }) {
  const line = document.createElement('li');
  line.className = `${isMine ? 'mine' : ''} ${delivery ?? ''}`;
  line.textContent = text ?? '…';
  const note = document.createElement('small');
  note.textContent = error ? `${error.code}: click to send again` : (delivery ?? '');
  line.append(note);
  if (delivery === 'failed') line.addEventListener('click', () => client.retry(key));
  return line;
}

function show(observable, render) {
  const now = () => render(observable.getSnapshot());
  observable.subscribe(now);
  now();
}
