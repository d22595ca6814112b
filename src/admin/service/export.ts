import type { EntityManager } from '@mikro-orm/postgresql';
import { sql } from 'kysely';
import { audit } from '../../accounts/service/audit.ts';
import { ensureStaff } from '../../accounts/service/staff-actions.ts';
import type { ProcedureContext } from '../../common/context.ts';
import { rows } from '../../common/database.ts';
import type { Resource } from '../registry.ts';
import { columnsOf, conditions, isNumber, keyOf, presentRow, selection, tableOf, type Values } from './select.ts';

const ROWS_A_PIECE = 500;
/** Tells spreadsheets that it is UTF-8. */
const BOM = '\uFEFF';

/**
 * All records that the filters pick as CSV, the newest first, read piece by piece as the client takes them. Who took what is in
 * the audit. Throws permission_denied.
 */
export function exportRecords(resource: Resource) {
  return async (ctx: ProcedureContext, input: Values): Promise<AsyncIterable<string>> => {
    ensureStaff(ctx.actor, resource.view);
    const columns = columnsOf(resource, true).filter(([, { type }]) => type !== 'json');
    const where = conditions(resource, input, ctx.actor);
    await ctx.transaction(async tx =>
      audit(tx, { action: 'export', resource: resource.name, after: { filters: toldOf(input) } }),
    );

    async function piece(em: EntityManager, last: string | null): Promise<Record<string, unknown>[]> {
      const behind = last === null ? sql`true` : sql`${keyOf(resource)} < ${last}`;
      return rows(
        em,
        sql`select ${selection(resource, columns)} from ${tableOf(resource)} where ${where} and ${behind}
            order by ${keyOf(resource)} desc limit ${ROWS_A_PIECE}`,
      );
    }

    async function* lines(): AsyncIterable<string> {
      yield BOM + csvLine(['id', ...columns.map(([name]) => name)]);
      for (let last: string | null = null; ; ) {
        const found = await piece(ctx.em, last);
        const shown = found.map(row => presentRow(row, columns, ctx.actor));
        if (shown.length > 0) yield shown.map(({ id, ...row }) => csvLine([id, ...Object.values(row)])).join('');
        if (found.length < ROWS_A_PIECE) return;
        last = shown.at(-1)!.id;
      }
    }
    return lines();
  };
}

/** A number that was searched for is told by its end alone, however it was typed: the audit keeps it for ever. */
function toldOf({ search, ...filters }: Values): Values {
  if (typeof search !== 'string') return filters;
  return { ...filters, search: isNumber(search) ? `*****${search.replace(/\D/g, '').slice(-2)}` : search };
}

function csvLine(values: readonly unknown[]): string {
  return `${values.map(csvCell).join(',')}\r\n`;
}

/**
 * A cell that begins like a formula is text in every spreadsheet (S-63); numbers of ours are none. So is what begins a cell
 * where semicolons part them, as spreadsheets in Russian and Uzbek read it: there our quotes hold nothing together.
 */
export function csvCell(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  const text = Array.isArray(value) ? value.join('; ') : String(value);
  const parted = text.replace(/([;\r\n])(?=[\s"]*[=+\-@])/g, "$1'");
  const safe = /^\s*[=+\-@]|^[\t\r\n]/.test(text) ? `'${parted}` : parted;
  return `"${safe.replaceAll('"', '""')}"`;
}
