import { z } from 'zod';
import type { Operation } from '../../common/operations.ts';
import type { ColumnType } from '../registry.ts';

export interface Param {
  type: ColumnType | 'long';
  choices?: readonly string[];
  refers?: string;
  required: boolean;
}

interface Property {
  type?: string;
  format?: string;
  enum?: string[];
  maxLength?: number;
  anyOf?: Property[];
}

/** What the actions of an operation take beside ids and reason, as its contract says. */
export function paramsOf({ input }: Operation): Record<string, Param> {
  const { properties } = z.toJSONSchema(input, {
    io: 'input',
    unrepresentable: 'any',
    reused: 'inline',
  }) as unknown as {
    properties: { params: { properties?: Record<string, Property>; required?: string[] } };
  };
  const { properties: params = {}, required = [] } = properties.params;
  return Object.fromEntries(
    Object.entries(params).map(([name, property]) => [
      name,
      { ...typeOf(property), required: required.includes(name) },
    ]),
  );
}

const byFormat: Record<string, ColumnType> = { 'date-time': 'moment', uuid: 'id', guid: 'id' };

function typeOf(property: Property): Pick<Param, 'type' | 'choices'> {
  const one = property.anyOf?.find(({ type }) => type !== 'null') ?? property;
  if (one.enum) return { type: 'choice', choices: one.enum };
  if (one.format && byFormat[one.format]) return { type: byFormat[one.format]! };
  if (one.type === 'integer' || one.type === 'number') return { type: 'number' };
  if (one.type === 'boolean') return { type: 'boolean' };
  if (one.type === 'array') return { type: 'list' };
  return { type: (one.maxLength ?? 0) > 200 ? 'long' : 'text' };
}
