import * as chat from './chat/contract.ts';

/** Every module's contract, in the order of the modules: what the doors serve and the documents describe. */
export const contracts = { chat };
