import type { HttpDoor } from '../common/http.ts';
import { operations } from './contract.ts';
import { listPlans } from './service/plans.ts';
import { cancelSubscription, requestSubscription } from './service/requests.ts';
import { actOnPlans } from './service/staff-plans.ts';
import { actOnSubscriptions } from './service/staff-subscriptions.ts';
import { getBilling } from './service/usage.ts';

export function billingRoutes(door: HttpDoor): void {
  door.handle(operations.listPlans, listPlans);
  door.handle(operations.getBilling, getBilling);
  door.handle(operations.requestSubscription, requestSubscription);
  door.handle(operations.cancelSubscription, cancelSubscription);
  door.handle(operations.actOnSubscriptions, actOnSubscriptions);
  door.handle(operations.actOnPlans, actOnPlans);
}
