import { defineEntity, p } from '@mikro-orm/core';
import { User } from '../../accounts/entities.ts';
import type { SavedFilters } from '../contract/feed.ts';

/** Filters with everything looked up and normalised that they are compared by; what is absent does not matter. */
export interface ResolvedFilters {
  intent?: string | undefined;
  /** The category asked for and those below it. */
  categories?: string[] | undefined;
  /** All that people call the brand. */
  brands?: string[] | undefined;
  part?: string | undefined;
  makes?: string[] | undefined;
  model?: string | undefined;
  year?: number | undefined;
  condition?: string | undefined;
  price_min?: number | undefined;
  price_max?: number | undefined;
  currency?: string | undefined;
  region?: string | undefined;
  city?: string | undefined;
  author?: string | undefined;
  has_images?: boolean | undefined;
  created_after?: string | undefined;
}

/** A saved search as posts are compared with it. */
export interface Wanted extends ResolvedFilters {
  /** `q` for `to_tsquery`; empty for one that says nothing, which finds nothing. */
  words?: string | undefined;
}

const SavedSearchSchema = defineEntity({
  name: 'SavedSearch',
  tableName: 'saved_searches',
  indexes: [
    { properties: ['user', 'id'] },
    {
      name: 'saved_searches_anchors',
      expression: 'create index saved_searches_anchors on saved_searches using gin (anchors) with (fastupdate = off)',
    },
  ],
  checks: [{ name: 'saved_searches_new_count', expression: 'new_count >= 0' }],
  properties: {
    id: p.uuid().primary(),
    user: () => p.manyToOne(User).mapToPk().deleteRule('cascade'),
    name: p.string().length(60),
    filters: p.json<SavedFilters>(),
    notify: p.boolean().default(true),
    newCount: p.integer().default(0),
    wanted: p.json<Wanted>(),
    /** One of these a post must have to be worth a closer look. */
    anchors: p.array(),
    createdAt: p.datetime(3),
  },
});
/** Filters that a user is told of when a new post fits them. */
export class SavedSearch extends SavedSearchSchema.class {}
SavedSearchSchema.setClass(SavedSearch);

const SearchMatchHourSchema = defineEntity({
  name: 'SearchMatchHour',
  tableName: 'search_match_hours',
  checks: [{ name: 'search_match_hours_told', expression: 'told between 0 and 20' }],
  properties: {
    user: () => p.manyToOne(User).mapToPk().deleteRule('cascade').primary(),
    hour: p.datetime(3),
    told: p.integer(),
  },
});
/** How often a user was told of matches in an hour. */
export class SearchMatchHour extends SearchMatchHourSchema.class {}
SearchMatchHourSchema.setClass(SearchMatchHour);

export const savedSearchEntities = [SavedSearch, SearchMatchHour];
