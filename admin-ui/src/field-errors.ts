import { HttpError } from 'react-admin';

type Errors = Record<string, string>;

/** What an answer says of single fields, by their paths there: keys of our texts. */
export const fieldErrors = (error: unknown): Errors => (error as HttpError).body?.errors ?? {};

/** The same answer, with the names that a form has for the fields: what names none of them would be shown nowhere. */
export function renamed(error: unknown, nameOf: (path: string) => string): unknown {
  const errors = Object.entries(fieldErrors(error));
  if (errors.length === 0) return error;
  const { message, status, body } = error as HttpError;
  return new HttpError(message, status, {
    ...body,
    errors: Object.fromEntries(errors.map(([path, text]) => [nameOf(path), text])),
  });
}

/** Of a list or an element of it the input is the same. */
export const topOf = (path: string): string => path.split('.')[0] ?? path;
