import type { Gateway } from '../common/sockets.ts';
import { operations } from './contract.ts';
import { blockUser, unblockUser } from './service/blocks.ts';
import { readHistory } from './service/history.ts';
import { deleteMessage, editMessage, reactToMessage } from './service/message-changes.ts';
import { sendMessages } from './service/messages.ts';
import { openThread } from './service/open-thread.ts';
import { archiveThread, markUnread, muteThread } from './service/private-state.ts';
import { pull } from './service/pull.ts';
import { markDelivered, readThreads } from './service/receipts.ts';
import { createReport } from './service/reports.ts';
import { searchMessages } from './service/search.ts';
import { getThread, listThreads } from './service/threads.ts';

export function chatGateway(gateway: Gateway): void {
  gateway.handle(operations.pull, pull);
  gateway.handle(operations.openThread, openThread);
  gateway.handle(operations.listThreads, listThreads);
  gateway.handle(operations.getThread, getThread);
  gateway.handle(operations.history, readHistory);
  gateway.handle(operations.readThread, readThreads);
  gateway.handle(operations.markDelivered, markDelivered);
  gateway.handle(operations.markUnread, markUnread);
  gateway.handle(operations.muteThread, muteThread);
  gateway.handle(operations.archiveThread, archiveThread);
  gateway.handle(operations.sendMessage, sendMessages);
  gateway.handle(operations.editMessage, editMessage);
  gateway.handle(operations.deleteMessage, deleteMessage);
  gateway.handle(operations.reactToMessage, reactToMessage);
  gateway.handle(operations.searchMessages, searchMessages);
  gateway.handle(operations.blockUser, blockUser);
  gateway.handle(operations.unblockUser, unblockUser);
  gateway.handle(operations.createReport, createReport);
}
