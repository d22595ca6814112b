import type { Resource } from './registry.ts';
import { accountsResources } from './resources/accounts.ts';
import { b2bResources } from './resources/b2b.ts';
import { billingResources } from './resources/billing.ts';
import { chatResources } from './resources/chat.ts';
import { notificationsResources } from './resources/notifications.ts';
import { referenceResources } from './resources/reference.ts';

/** Everything that staff see, in the order of the menu. */
export const resources: readonly Resource[] = [
  ...b2bResources,
  ...billingResources,
  ...chatResources,
  ...notificationsResources,
  ...referenceResources,
  ...accountsResources,
];
