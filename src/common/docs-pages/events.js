// Shows the AsyncAPI document: for each namespace what a client emits, with its answer, and what it hears.
const api = await (await fetch('/api/asyncapi/')).json();

function element(tag, text, ...children) {
  const made = document.createElement(tag);
  if (text) made.textContent = text;
  made.append(...children);
  return made;
}

const targetOf = ref =>
  ref
    .slice(2)
    .split('/')
    .reduce((at, name) => at[name], api);

function typeOf(schema) {
  if (schema.$ref) return schema.$ref.split('/').at(-1);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map(value => JSON.stringify(value)).join(' | ');
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(' | ');
  if (schema.allOf) return schema.allOf.map(typeOf).join(' & ');
  if (Array.isArray(schema.items)) return `[${schema.items.map(typeOf).join(', ')}]`;
  if (schema.type === 'array') return `${schema.items ? typeOf(schema.items) : 'any'}[]`;
  return [schema.format ?? schema.type ?? 'any'].flat().join(' | ');
}

const bounds = ({ minimum, maximum, minLength, maxLength, minItems, maxItems }) =>
  [
    [minimum, maximum],
    [minLength, maxLength],
    [minItems, maxItems],
  ]
    .filter(([least, most]) => (least ?? most) !== undefined && Math.abs(most ?? 0) < Number.MAX_SAFE_INTEGER)
    .map(([least = '', most = '']) => `${least}…${most}`)
    .join(' ');

function fieldRows(schema, prefix = '', depth = 0) {
  const whole = schema.$ref ? targetOf(schema.$ref) : schema;
  const parts = whole.anyOf ?? (whole.type === 'array' && whole.items ? [whole.items] : []);
  if (!whole.properties) return depth < 4 ? parts.flatMap(part => fieldRows(part, prefix, depth + 1)) : [];
  return Object.entries(whole.properties).flatMap(([name, field]) => {
    const isNeeded = whole.required?.includes(name);
    const about = [field.description, bounds(field)].filter(Boolean).join(' ');
    const row = element('tr', '', element('td', prefix + name), element('td', typeOf(field)), element('td', isNeeded ? 'yes' : ''), element('td', about)); // biome-ignore format: one line reads better
    // named shapes stand below, once
    const isInline = [field, field.items, ...(field.anyOf ?? [])].some(part => part?.properties);
    return [row, ...(isInline ? fieldRows(field, `${prefix}${name}.`, depth + 1) : [])];
  });
}

function table(schema) {
  const rows = fieldRows(schema);
  if (rows.length === 0) return element('p', 'An empty object.');
  const head = element('tr', '', ...['field', 'type', 'needed', ''].map(text => element('th', text)));
  return element('table', '', head, ...rows);
}

const example = ({ examples }) => (examples ? [element('pre', JSON.stringify(examples[0].payload, null, 2))] : []);

function eventSection(operation) {
  const message = targetOf(operation.messages[0].$ref);
  const reply = operation.reply && targetOf(operation.reply.messages[0].$ref);
  const title = element('summary', '', element('code', message.name), ` ${operation.summary ?? message.summary ?? ''}`);
  const about = operation.description ? [element('p', operation.description)] : [];
  const answer = reply ? [element('h4', 'Answer'), table(reply.payload), ...example(reply)] : [];
  const section = element('details', '', title, ...about, table(message.payload), ...example(message), ...answer);
  section.id = message.name;
  return section;
}

const page = document.getElementById('page');
const operations = Object.values(api.operations);
for (const [name, channel] of Object.entries(api.channels)) {
  const own = operations.filter(operation => operation.channel.$ref === `#/channels/${name}`);
  const [emitted, heard] = ['receive', 'send'].map(action => own.filter(operation => operation.action === action));
  const handshake = element('details', '', element('summary', 'Handshake: auth'), table(channel['x-handshake-auth']));
  page.append(element('h2', channel.address), handshake);
  page.append(element('h3', 'The client emits'), ...emitted.map(eventSection));
  page.append(element('h3', 'The client hears'), ...heard.map(eventSection));
}
page.append(element('h2', 'Shapes'));
for (const [name, schema] of Object.entries(api.components.schemas)) {
  const shape = element('details', '', element('summary', '', element('code', name)), table(schema));
  shape.id = name;
  page.append(shape);
}
const linked = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
if (linked) {
  linked.setAttribute('open', '');
  linked.scrollIntoView();
}
