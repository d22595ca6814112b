import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { hexArray, intArray, momentArray, textArray, uuidArray } from '../../src/common/binary-arrays.ts';

const client = new pg.Client({ connectionString: inject('postgresUrl') });
beforeAll(() => client.connect());
afterAll(() => client.end());

/** What PostgreSQL understands, as text. */
async function read(type: string, array: Buffer, as = 'value::text'): Promise<(string | null)[]> {
  const { rows } = await client.query(`select ${as} as value from unnest($1::${type}[]) with ordinality as a (value, place) order by place`, [array]); // biome-ignore format: one line reads better
  return rows.map(row => row.value);
}

const textOrNull = fc.option(fc.string({ unit: 'binary' }).map(text => text.replaceAll('\0', '')));
const moments = fc.date({ min: new Date('1970-01-01'), max: new Date('2200-01-01'), noInvalidDate: true });

test('PostgreSQL reads what was written, nulls and empty arrays too', async () => {
  const uuid = fc.tuple(fc.uuid(), fc.boolean()).map(([id, isUpper]) => (isUpper ? id.toUpperCase() : id));
  const given = fc.record({
    ids: fc.array(fc.option(uuid)),
    hashes: fc.array(fc.uuid().map(id => id.replaceAll('-', ''))),
    texts: fc.array(textOrNull),
    dates: fc.array(moments),
    numbers: fc.array(fc.integer()),
  });
  await fc.assert(
    fc.asyncProperty(given, async ({ ids, hashes, texts, dates, numbers }) => {
      expect(await read('uuid', uuidArray(ids))).toEqual(ids.map(id => id?.toLowerCase() ?? null));
      expect(await read('bytea', hexArray(hashes), `encode(value, 'hex')`)).toEqual(hashes);
      expect(await read('text', textArray(texts))).toEqual(texts);
      const ms = await read('timestamptz', momentArray(dates), '(extract(epoch from value) * 1000)::bigint');
      expect(ms.map(Number)).toEqual(dates.map(date => date.getTime()));
      expect((await read('int4', intArray(numbers))).map(Number)).toEqual(numbers);
    }),
    { numRuns: 60 },
  );
});
