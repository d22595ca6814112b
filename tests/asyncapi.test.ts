import { Parser } from '@asyncapi/parser';
import { expect, test } from 'vitest';
import { buildAsyncApi } from '../src/common/asyncapi.ts';
import { contracts } from '../src/contracts.ts';

test('AsyncAPI is valid by its own parser', async () => {
  const found = await new Parser().validate(JSON.stringify(buildAsyncApi(contracts, '0.0.0')));
  // 0: an error; the rest are recommendations
  expect(found.filter(({ severity }) => severity === 0)).toEqual([]);
}, 60_000);
