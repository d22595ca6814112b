export { type Account, type Client, type ClientOptions, createClient, type NewMessage } from './client.ts';
export type { ConnectionState } from './connection.ts';
export type * from './contract.ts';
export { type Ack, type Err, ParthubError } from './errors.ts';
export type { Badge, NotificationList } from './notifications.ts';
export type { Observable } from './observable.ts';
export type { OutboxStore, Outgoing, Unsent } from './outbox.ts';
export { type CallOptions, createRest, type Rest } from './rest.ts';
export {
  type IndexedDb,
  indexedDbOutbox,
  type KeyValue,
  localCredentials,
  localOutbox,
  memoryCredentials,
} from './stores.ts';
export type { Delivery, ShownMessage, ThreadState, Unread } from './threads.ts';
export { type CredentialStore, type Credentials, createSession, type Session, type Tokens } from './tokens.ts';
export { applyMe, applyPull, applyPush, type DurablePush, type ThreadView } from './view.ts';
