import { z } from 'zod';
import { plainText, query } from '../../common/operations.ts';

const name = z.string().describe("In the request's language.");

const SubCategory = z.object({ id: z.uuid(), code: z.string(), name }).meta({ id: 'SubCategory' });
export const Category = SubCategory.extend({ children: z.array(SubCategory) }).meta({ id: 'Category' });

export const Brand = z
  .object({ code: z.string(), name: z.string(), kind: z.enum(['vehicle', 'parts']) })
  .meta({ id: 'Brand' });

const District = z.object({ code: z.string(), name }).meta({ id: 'District' });
export const RegionWithDistricts = District.extend({ children: z.array(District) }).meta({
  id: 'Region',
  example: { code: 'UZ-TK', name: 'Toshkent shahri', children: [] },
});

export const referenceOperations = {
  listCategories: query({
    isTagged: true,
    summary: 'The categories of parts, as a tree.',
    http: 'GET /api/b2b/categories/',
    access: 'lenient',
    input: z.object({}),
    output: z.object({ results: z.array(Category) }),
  }),
  listBrands: query({
    isTagged: true,
    summary: 'The known makers of vehicles and parts; `q` finds them by the beginning of any of their names.',
    http: 'GET /api/b2b/brands/',
    access: 'lenient',
    input: z.object({ q: plainText.max(60).optional().describe('In any script: Шевроле finds Chevrolet.') }),
    output: z.object({ results: z.array(Brand) }),
  }),
  listRegions: query({
    isTagged: true,
    summary: 'The regions of Uzbekistan with their districts and cities.',
    http: 'GET /api/b2b/regions/',
    access: 'lenient',
    input: z.object({}),
    output: z.object({ results: z.array(RegionWithDistricts) }),
  }),
};
