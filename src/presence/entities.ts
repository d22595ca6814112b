import { defineEntity, p } from '@mikro-orm/core';

const PresenceSchema = defineEntity({
  name: 'Presence',
  tableName: 'presences',
  properties: {
    userId: p.uuid().primary(),
    /** Chosen by the user, for all devices. */
    isInvisible: p.boolean().default(false),
    /** Coarse: moved on by 5 min at least. */
    lastSeenAt: p.datetime(3).nullable(),
  },
});
/** What is kept of a user's presence; who is connected stands in leases, not in the database. */
export class Presence extends PresenceSchema.class {}
PresenceSchema.setClass(Presence);

export const presenceEntities = [Presence];
