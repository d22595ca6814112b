import type { z } from 'zod';

type Issue = z.core.$ZodIssue;

export interface RefusedField {
  path: string;
  code: string;
}

/** What a client is told of its input, field by field; of alternatives that one is told which it seems to have meant. */
export function fieldsOf(issues: readonly Issue[], raw: unknown, above: readonly PropertyKey[] = []): RefusedField[] {
  return issues.flatMap(issue => {
    const path = [...above, ...issue.path];
    const value = valueAt(raw, issue.path);
    const meant = issue.code === 'invalid_union' ? meantBy(issue.errors, value) : undefined;
    if (meant) return fieldsOf(meant, value, path);
    return { path: path.map(String).join('.'), code: issue.code === 'custom' ? issue.message : issue.code };
  });
}

/** The alternative of whose fields none is missing, and of those the one with the least to correct. */
function meantBy(alternatives: readonly (readonly Issue[])[], value: unknown): readonly Issue[] | undefined {
  const isOther = ({ code, path }: Issue) =>
    code === 'invalid_type' && (path.length === 0 || valueAt(value, path) === undefined);
  const begun = alternatives.filter(issues => issues.length > 0 && !issues.some(isOther));
  return begun.toSorted((a, b) => a.length - b.length)[0];
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce((found, key) => (found as Record<PropertyKey, unknown> | null | undefined)?.[key], value);
}
