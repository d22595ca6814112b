import { z } from 'zod';
import { command, ifMatch, query } from '../../common/operations.ts';
import { Profile, profileFields } from './shapes.ts';

export const profileOperations = {
  getProfile: query({
    summary: 'My business profile.',
    http: 'GET /api/b2b/profile/',
    input: z.object({}),
    output: Profile,
  }),
  putProfile: command({
    summary: 'Writes my business profile; the first time it asks for approval.',
    http: 'PUT /api/b2b/profile/',
    headers: { if_match: 'If-Match' },
    input: z.object(profileFields).extend({ if_match: ifMatch }),
    output: Profile,
    errors: ['conflict', 'not_found'],
  }),
};
