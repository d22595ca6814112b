import type { RequestHandler } from 'express';
import type { UseCase } from '../common/context.ts';
import { AppError } from '../common/errors.ts';
import type { HttpDoor } from '../common/http.ts';
import { withinNetworks } from '../common/networks.ts';
import type { Operation } from '../common/operations.ts';
import type { Config } from '../config.ts';
import { pascal } from './contract/resources.ts';
import { operations } from './contract.ts';
import type { Resource } from './registry.ts';
import { resources } from './resources.ts';
import { createRecord, deleteRecord, updateRecord } from './service/change.ts';
import { adminCharts } from './service/charts.ts';
import { exportRecords } from './service/export.ts';
import { adminHome } from './service/home.ts';
import { getRecord, listRecords, readHistory } from './service/read.ts';

export function adminRoutes(door: HttpDoor): void {
  door.handle(operations.adminHome, adminHome);
  door.handle(operations.adminCharts, adminCharts);
  for (const resource of resources) resourceRoutes(door, resource);
}

const useCases = {
  List: listRecords,
  Export: exportRecords,
  Get: getRecord,
  History: readHistory,
  Create: createRecord,
  Update: updateRecord,
  Delete: deleteRecord,
};

function resourceRoutes(door: HttpDoor, resource: Resource): void {
  for (const [verb, useCase] of Object.entries(useCases)) {
    const operation = (operations as Record<string, Operation>)[`admin${verb}${pascal(resource.name)}`];
    if (!operation) continue;
    const fileName = `attachment; filename="${resource.name}.csv"`;
    const headers = operation.stream && { headers: () => ({ 'Content-Disposition': fileName }) };
    door.handle(operation, useCase(resource) as UseCase<Operation>, headers);
  }
}

/** Closes the panel and its API, the login included, to all addresses but those of ADMIN_IP_ALLOW. */
export function staffNetworks({ ADMIN_IP_ALLOW }: Config): RequestHandler {
  const isWithin = withinNetworks(ADMIN_IP_ALLOW);
  return (req, _res, next) => {
    if (ADMIN_IP_ALLOW.length > 0 && !isWithin(req.ip ?? '')) throw new AppError('permission_denied');
    next();
  };
}
