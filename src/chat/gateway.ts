import type { Gateway } from '../common/sockets.ts';
import { operations } from './contract.ts';
import { readHistory } from './service/history.ts';
import { sendMessages } from './service/messages.ts';
import { openThread } from './service/open-thread.ts';
import { pull } from './service/pull.ts';
import { getThread, listThreads } from './service/threads.ts';

export function chatGateway(gateway: Gateway): void {
  gateway.handle(operations.pull, pull);
  gateway.handle(operations.openThread, openThread);
  gateway.handle(operations.listThreads, listThreads);
  gateway.handle(operations.getThread, getThread);
  gateway.handle(operations.history, readHistory);
  gateway.handle(operations.sendMessage, sendMessages);
}
