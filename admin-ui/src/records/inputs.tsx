import type { ReactElement } from 'react';
import {
  BooleanInput,
  CheckboxGroupInput,
  DateTimeInput,
  NumberInput,
  required,
  SelectInput,
  TextArrayInput,
  TextInput,
} from 'react-admin';
import type { Typed } from '../api.ts';

interface Options {
  isRequired?: boolean;
  alwaysOn?: boolean;
  preset?: unknown;
  /** What a text is that was taken away. */
  blank?: unknown;
}

const asMoment = (value: string) => (value ? new Date(value).toISOString() : null);

/** The input for a value of a type. */
export function inputFor(of: Typed, { isRequired = false, alwaysOn, preset, blank }: Options = {}): ReactElement {
  const { name, label, type } = of;
  const choices = (of.choices ?? []).map(one => ({ id: one.id, name: one.label }));
  const common = {
    ...{ key: name, source: name, label, fullWidth: true },
    ...(isRequired && { validate: required() }),
    ...(alwaysOn && { alwaysOn }),
    ...(preset !== undefined && preset !== null && { defaultValue: preset as never }),
  };
  const { key, ...props } = common;
  if (type === 'boolean') return <BooleanInput key={key} {...props} />;
  if (type === 'choice') return <SelectInput key={key} {...props} choices={choices} />;
  if (type === 'number') return <NumberInput key={key} {...props} />;
  if (type === 'moment') return <DateTimeInput key={key} {...props} parse={asMoment} />;
  if (type === 'list' && of.choices) return <CheckboxGroupInput key={key} {...props} choices={choices} />;
  if (type === 'list') return <TextArrayInput key={key} {...props} />;
  return (
    <TextInput
      key={key}
      {...props}
      multiline={type === 'long' || type === 'json'}
      parse={value => value || (blank ?? null)}
    />
  );
}

/** A filter that is off, yes or no. */
export function filterFor(of: Typed, yes: string, no: string): ReactElement {
  const choices = [
    { id: 'true', label: yes },
    { id: 'false', label: no },
  ];
  return inputFor(of.type === 'boolean' ? { ...of, type: 'choice', choices } : of);
}
