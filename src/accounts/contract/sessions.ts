import { z } from 'zod';
import { anyId, command, cursor, moment, nextCursor, pageLimit, query } from '../../common/operations.ts';

export const sessionsOperations = {
  listSessions: query({
    summary: 'Where I am logged in, the latest used first.',
    http: 'GET /api/auth/sessions/',
    paged: true,
    input: z.object({ limit: pageLimit(100), cursor }),
    output: z.object({
      results: z.array(
        z.object({
          id: z.uuid(),
          current: z.boolean(),
          device_name: z.string().nullable(),
          platform: z.string().nullable(),
          ip: z.string().nullable(),
          user_agent: z.string().nullable(),
          created_at: moment,
          last_seen_at: moment,
          expires_at: moment,
        }),
      ),
      next_cursor: nextCursor,
    }),
    errors: ['invalid_cursor'],
  }),
  endSession: command({
    summary: 'Logs one of my devices out.',
    http: 'DELETE /api/auth/sessions/{session_id}/',
    status: 204,
    input: z.object({ session_id: anyId }),
    output: z.object({}),
    errors: ['not_found'],
  }),
};
