import { z } from 'zod';
import { plainText, procedure } from '../common/operations.ts';

export const UploadPurpose = z.enum(['post', 'chat', 'avatar']);

/** An image as it is shown: in posts, messages and beside names. */
export const Image = z
  .object({
    id: z.uuid(),
    kind: z.literal('image'),
    name: z.string().describe('As its owner called it.'),
    bytes: z.int(),
    mime: z.string().meta({ example: 'image/webp' }),
    url: z.string().describe('Relative to the address of the server, but absolute where images are kept in a bucket.'),
    thumb_url: z.string().describe('At most 320 pixels wide and high.'),
    width: z.int(),
    height: z.int(),
  })
  .meta({ id: 'Image' });
export type Image = z.output<typeof Image>;

export interface UploadedFile {
  name: string;
  content: Buffer;
}

const file = z
  .custom<UploadedFile>(value => Buffer.isBuffer((value as UploadedFile | undefined)?.content), {
    ...{ error: 'required', abort: true },
  })
  .describe('JPEG, PNG or WebP, at most 8 MB and 40 megapixels.')
  .meta({ override: { type: 'string', format: 'binary' } })
  .refine(({ name }) => plainText.safeParse(name).success, { path: ['name'], error: 'control_characters' });

export const operations = {
  uploadImage: procedure({
    summary: 'Stores an image: re-encoded as WebP, without what the camera wrote into it.',
    http: 'POST /api/uploads/',
    isForm: true,
    status: 201,
    input: z.object({ purpose: UploadPurpose, file, name: plainText.max(200).optional() }),
    output: Image.extend({ purpose: UploadPurpose }),
    errors: [
      'payload_too_large',
      'unsupported_image',
      'unsupported_media_type',
      'upload_quota_exceeded',
      'server_busy',
    ],
  }),
};
