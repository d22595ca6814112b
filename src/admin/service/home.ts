import { sql } from 'kysely';
import { ensureStaff } from '../../accounts/service/staff-actions.ts';
import type { Actor, Context } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import type { Operation, Output } from '../../common/operations.ts';
import type { operations } from '../contract.ts';
import { type Label, labelOf } from '../labels.ts';
import { type ActionInfo, actionPath, type Column, type Field, type Filter, may, type Resource } from '../registry.ts';
import { resources } from '../resources.ts';
import { paramsOf } from './params.ts';

type Home = Output<typeof operations.adminHome>;
type Described = Home['resources'][number];

export const staffRoles = ['moderator', 'billing', 'support', 'auditor'] as const;

/** What the caller may see and do, the set-up checklist and the queues; the panel is drawn from it. Throws permission_denied. */
export async function adminHome(ctx: Context): Promise<Home> {
  ensureStaff(ctx.actor, staffRoles);
  const label = (name: string) => labelOf(name, ctx.locale ?? ctx.actor.locale);
  const seen = resources.filter(({ view }) => may(ctx.actor, view));
  return {
    role: ctx.actor.role,
    resources: seen.map(resource => describe(resource, ctx.actor, label)),
    checklist: (await readChecklist(ctx)).map(one => ({ ...one, label: label(`step_${one.step}`) })),
    queues: await countQueues(ctx),
  };
}

function describe(resource: Resource, actor: Actor, label: Label): Described {
  const { name, title, key = 'id', columns, filters = {}, fields = {}, served, queue } = resource;
  return {
    ...{ name, label: label(name), key, title, ordering: resource.ordering ?? `-${key}` },
    columns: Object.entries(columns).map(([column, one]) => ({
      ...typed(column, leading(one, actor), label),
      ...{ sortable: one.order !== undefined, detail: one.detail === true },
    })),
    filters: Object.entries(filters)
      .filter(([, one]) => !one.for || may(actor, one.for))
      .map(([filter, one]) => typed(filter, one, label)),
    searchable: (resource.search ?? resource.searchBy) !== undefined,
    fields: Object.entries(fields).map(([field, one]) => describeField(field, one, label)),
    actions: Object.entries(resource.actions?.each ?? {})
      .filter(([, one]) => may(actor, one.for))
      .map(([action, one]) => describeAction(resource, action, one, label)),
    preview: resource.isPreviewed ? pathOf(resource.own!.create!) : null,
    needs: [...(served?.needs ?? [])],
    queue: queue ? { name: queue.name, filter: { ...queue.filter } } : null,
    permissions: {
      create: may(actor, resource.create),
      edit: may(actor, resource.edit),
      remove: may(actor, resource.remove),
      export: !served,
    },
  };
}

/** An id leads to no page that the caller does not see. */
function leading(column: Column, actor: Actor): Column {
  const { refers, ...rest } = column;
  const target = resources.find(({ name }) => name === refers);
  return target && may(actor, target.view) ? column : rest;
}

const pathOf = ({ http }: Operation): string => [http].flat()[0]!.replace(/^POST /, '');

function typed(
  name: string,
  one: Pick<Column & Field & Filter, 'choices' | 'refers'> & { type: string },
  label: Label,
) {
  return {
    ...{ name, label: label(name), type: one.type as Described['columns'][number]['type'] },
    ...(one.choices && { choices: one.choices.map(id => ({ id, label: label(id) })) }),
    ...(one.refers && { refers: one.refers }),
  };
}

function describeField(name: string, field: Field, label: Label): Described['fields'][number] {
  const preset = field.schema.safeParse(undefined);
  return {
    ...typed(name, field, label),
    ...{ required: !preset.success, once_only: field.onceOnly === true },
    ...(field.within && { within: field.within, part: field.part ?? name }),
    ...(preset.success && preset.data !== undefined && { preset: preset.data }),
  };
}

function describeAction(
  resource: Resource,
  name: string,
  { params = [], lookups = {}, among = {}, needsReason }: ActionInfo,
  label: Label,
): Described['actions'][number] {
  const known = paramsOf(resource.actions!.operation);
  return {
    ...{ name, label: label(name), path: actionPath(resource, name), needs_reason: needsReason === true },
    params: params.map(param => ({
      ...typed(param, known[param]!, label),
      required: known[param]!.required,
      ...(lookups[param] && { lookup: lookups[param] }),
      ...(among[param] && { among: [...among[param]] }),
    })),
  };
}

/** The three steps after which business can begin (the board is open to somebody who may post). */
async function readChecklist({ em }: Context): Promise<{ step: Home['checklist'][number]['step']; done: boolean }[]> {
  const [done] = await rows<Record<string, boolean>>(
    em,
    sql`select exists (select from plans where is_active) as plans,
          exists (select from b2b_profiles where is_enabled) as b2b_profile,
          exists (select from subscriptions where status in ('active', 'trialing')) as subscription`,
  );
  return (['plans', 'b2b_profile', 'subscription'] as const).map(step => ({ step, done: done![step] === true }));
}

/** How much waits for somebody, in every queue. */
export async function countQueues({ em }: Pick<Context, 'em'>): Promise<Home['queues']> {
  const counts = resources.flatMap(({ table, queue }) =>
    queue
      ? [sql`(select count(*)::int from ${sql.table(table)} t where ${queue.where}) as ${sql.ref(queue.name)}`]
      : [],
  );
  const [counted] = await rows<Home['queues']>(em, sql`select ${sql.join(counts)}`);
  return counted!;
}
