import type { HttpDoor } from '../common/http.ts';
import { operations } from './contract.ts';
import { listPlans } from './service/plans.ts';
import { getBilling } from './service/usage.ts';

export function billingRoutes(door: HttpDoor): void {
  door.handle(operations.listPlans, listPlans);
  door.handle(operations.getBilling, getBilling);
}
