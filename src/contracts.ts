import * as accounts from './accounts/contract.ts';
import * as admin from './admin/contract.ts';
import * as b2b from './b2b/contract.ts';
import * as billing from './billing/contract.ts';
import * as chat from './chat/contract.ts';
import type { Contract } from './common/operations.ts';
import * as notifications from './notifications/contract.ts';
import * as presence from './presence/contract.ts';
import * as uploads from './uploads/contract.ts';

/** Every module's contract, in the order of the modules: what the doors serve and the documents describe. */
export const contracts = { accounts, billing, uploads, b2b, chat, presence, notifications, admin } satisfies Record<
  string,
  Contract
>;
