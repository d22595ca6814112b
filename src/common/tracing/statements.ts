import type { Pool } from 'pg';
import type { Attributes, Tracing } from '../tracing.ts';

type Query = (...args: unknown[]) => Promise<unknown>;

/**
 * Each statement of a call is a span, told by what it does with which tables. Its text is not: some statements carry values in
 * theirs.
 */
export function traceStatements(tracing: Tracing, tables: ReadonlySet<string>, target: Pick<Pool, 'query'>): void {
  const query = target.query.bind(target) as Query;
  target.query = ((...args: unknown[]) => {
    // A pool asks its clients with a callback; then the question to the pool is the span.
    if (typeof args.at(-1) === 'function') return query(...args);
    const attributes = describe(args[0] as string | { text: string }, tables);
    const options = { kind: 'client', attributes, isOnlyInside: true } as const;
    return tracing.span(String(attributes['db.query.summary']), options, span =>
      query(...args).catch(error => {
        span.fail((error as { code?: string }).code ?? 'error');
        throw error;
      }),
    );
  }) as Pool['query'];
}

function describe(statement: string | { text: string; name?: string }, tables: ReadonlySet<string>): Attributes {
  const { text, name = undefined } = typeof statement === 'string' ? { text: statement } : statement;
  const verb = /[a-z]+/i.exec(text)?.[0].toUpperCase() ?? '';
  const named = [...text.matchAll(/\b(?:from|join|into|update)\s+"?([a-z_]+)/gi)].map(match => match[1]!);
  const touched = [...new Set(named)].filter(table => tables.has(table));
  return {
    'db.system.name': 'postgresql',
    'db.operation.name': verb,
    'db.query.summary': [verb, ...touched].join(' '),
    ...(name !== undefined && { 'parthub.statement': name }),
  };
}
