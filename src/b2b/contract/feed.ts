import { z } from 'zod';
import { anyId, anyMoment, cursor, nextCursor, pageLimit, plainText, query } from '../../common/operations.ts';
import { Condition, Currency, Intent, PartNumber, Post, Region } from './shapes.ts';

const price = z.number().min(0).max(1e12).optional();
/** An empty one would find nothing, for ever where it is saved. */
const name = (most: number) => plainText.trim().min(1).max(most).optional();

/** What the board can be narrowed by; saved searches take the same names. */
const filterFields = {
  q: plainText.max(100).optional().describe('Words or a part number, in any spelling and script.'),
  intent: Intent.optional(),
  category: name(60).describe('Its id, code or name in any language; takes in what is below it.'),
  brand: name(60).describe('By any of its names: Шевроле finds Chevrolet.'),
  part_number: PartNumber.optional().describe(
    'In any spelling: dashes, blanks and look-alike letters make no difference.',
  ),
  make: name(60).describe('Of a car that the part fits.'),
  model: name(60),
  year: z.int().min(1900).max(2100).optional(),
  condition: Condition.optional(),
  price_min: price,
  price_max: price,
  currency: Currency.optional().describe('Needed for the price filters.'),
  region: Region.optional(),
  city: name(80),
  author: anyId.optional(),
  has_images: z.boolean().optional(),
  created_after: anyMoment.optional(),
};
export const SavedFilters = z.object(filterFields);
export type SavedFilters = z.output<typeof SavedFilters>;

export const Ordering = z.enum(['-published_at', 'price', '-price', '-relevance']);
export type Ordering = z.output<typeof Ordering>;

const facet = z
  .array(z.object({ value: z.string(), label: z.string(), count: z.int() }))
  .describe('The most frequent first; `value` goes into the filter of that name.');

export const Facets = z
  .object({
    category: facet,
    brand: facet,
    condition: facet,
    region: facet,
    price: z
      .object({ min: z.string().nullable(), max: z.string().nullable() })
      .describe('In the `currency` asked for; null without one.'),
  })
  .meta({ id: 'Facets' });
export type Facets = z.output<typeof Facets>;

export const Suggestion = z
  .object({
    type: z.enum(['part', 'brand', 'category']),
    text: z.string().describe('For the filter `part_number`, `brand` or `category`, in turn.'),
    count: z.int().describe('Published posts.'),
  })
  .meta({ id: 'Suggestion' });
export type Suggestion = z.output<typeof Suggestion>;

export const feedOperations = {
  listPosts: query({
    summary: 'The board, newest first; or my own posts.',
    http: 'GET /api/b2b/posts/',
    access: 'optional',
    paged: true,
    limits: [{ name: 'search', by: 'caller', points: 60, windowSec: 60, field: 'q' }],
    input: z.object({
      ...filterFields,
      mine: z.boolean().default(false),
      status: z
        .enum(['draft', 'pending', 'published', 'rejected', 'closed', 'expired', 'hidden'])
        .optional()
        .describe('With `mine`.'),
      ordering: Ordering.optional().describe(
        'Newest first, but with a misspelt `q` the most similar. `-relevance` ranks the newest 300; prices on request come last.',
      ),
      facets: z.boolean().default(false).describe('Adds the counts to narrow by.'),
      limit: pageLimit(100),
      cursor,
    }),
    output: z.object({ results: z.array(Post), next_cursor: nextCursor, facets: Facets.optional() }),
    errors: ['b2b_not_enabled', 'invalid_cursor', 'rate_limited'],
  }),
  suggest: query({
    summary: 'What the text may become: part numbers, brands and categories that posts have.',
    http: 'GET /api/b2b/suggest/',
    access: 'optional',
    limits: [{ name: 'suggest', by: 'caller', points: 60, windowSec: 60 }],
    input: z.object({ q: plainText.trim().min(2).max(60) }),
    output: z.object({ results: z.array(Suggestion) }),
    errors: ['b2b_not_enabled', 'rate_limited'],
  }),
};
