import { z } from 'zod';
import { anyId, command, cursor, moment, nextCursor, pageLimit, plainText, query } from '../../common/operations.ts';
import { SavedFilters } from './feed.ts';

const name = plainText.trim().min(1).max(60);

export const SavedSearch = z
  .object({
    id: z.uuid(),
    name: z.string(),
    filters: SavedFilters,
    notify: z.boolean(),
    new_count: z.int().describe('Posts that were published since it was last marked as seen.'),
    created_at: moment,
  })
  .meta({ id: 'SavedSearch' });
export type SavedSearch = z.output<typeof SavedSearch>;

const input = { name, filters: SavedFilters, notify: z.boolean() };

export const searchesOperations = {
  listSavedSearches: query({
    summary: 'My saved searches, latest first.',
    http: 'GET /api/b2b/saved-searches/',
    paged: true,
    input: z.object({ limit: pageLimit(100), cursor }),
    output: z.object({ results: z.array(SavedSearch), next_cursor: nextCursor }),
    errors: ['b2b_not_enabled', 'invalid_cursor'],
  }),
  createSavedSearch: command({
    summary: 'Keeps filters of the board: I am told of each new post that fits them.',
    http: 'POST /api/b2b/saved-searches/',
    status: 201,
    input: z.object({ ...input, notify: input.notify.default(true) }),
    output: SavedSearch,
    errors: ['b2b_not_enabled', 'saved_search_limit_reached'],
  }),
  updateSavedSearch: command({
    summary: 'Changes my saved search; `seen` says that I have looked at what it found.',
    http: 'PATCH /api/b2b/saved-searches/{search_id}/',
    input: z.object({
      ...z.object(input).partial().shape,
      seen: z.literal(true).optional().describe('Sets `new_count` to 0; so do other `filters`.'),
      search_id: anyId,
    }),
    output: SavedSearch,
    errors: ['b2b_not_enabled', 'not_found'],
  }),
  deleteSavedSearch: command({
    summary: 'Forgets my saved search.',
    http: 'DELETE /api/b2b/saved-searches/{search_id}/',
    status: 204,
    input: z.object({ search_id: anyId }),
    output: z.object({}),
    errors: ['b2b_not_enabled', 'not_found'],
  }),
};
