import type { HttpDoor } from '../common/http.ts';
import { operations } from './contract.ts';
import { listMessages } from './service/history.ts';
import { sendMessages } from './service/messages.ts';
import { openThread } from './service/open-thread.ts';
import { archiveThread, muteThread } from './service/private-state.ts';
import { readThreads } from './service/receipts.ts';
import { reportPost } from './service/reports.ts';
import { actOnReports } from './service/staff-reports.ts';
import { actOnThreads, getReportedThread, listReportedThreads } from './service/staff-threads.ts';
import { getThread, listThreads } from './service/threads.ts';

export function chatRoutes(door: HttpDoor): void {
  door.handle(operations.openThread, openThread);
  door.handle(operations.listThreads, listThreads);
  door.handle(operations.getThread, getThread);
  door.handle(operations.listMessages, listMessages);
  door.handle(operations.sendMessage, sendMessages);
  door.handle(operations.readThread, readThreads);
  door.handle(operations.muteThread, muteThread);
  door.handle(operations.archiveThread, archiveThread);
  door.handle(operations.reportPost, reportPost);
  door.handle(operations.actOnReports, actOnReports);
  door.handle(operations.actOnThreads, actOnThreads);
  door.handle(operations.listReportedThreads, listReportedThreads);
  door.handle(operations.getReportedThread, getReportedThread);
}
