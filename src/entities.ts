import { accountsEntities } from './accounts/entities.ts';
import { b2bEntities } from './b2b/entities.ts';
import { billingEntities } from './billing/entities.ts';
import { chatEntities } from './chat/entities.ts';
import { IdempotencyKey } from './common/idempotency.ts';
import { notificationsEntities } from './notifications/entities.ts';
import { presenceEntities } from './presence/entities.ts';
import { uploadsEntities } from './uploads/entities.ts';

/** Every table, in the order of the modules. */
export const entities = [
  IdempotencyKey,
  ...accountsEntities,
  ...billingEntities,
  ...uploadsEntities,
  ...b2bEntities,
  ...chatEntities,
  ...presenceEntities,
  ...notificationsEntities,
];
