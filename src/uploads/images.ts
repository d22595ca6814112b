import { AppError } from '../common/errors.ts';

const MAX_PIXELS = 40_000_000;
const MAX_SIDE = 2_048;
const THUMB_SIDE = 320;
const formats = new Set(['jpeg', 'png', 'webp']);

export interface Encoded {
  image: Buffer;
  thumb: Buffer;
  width: number;
  height: number;
}

/**
 * A new WebP from what was sent, and a small one: nothing of the file itself is kept, so neither GPS nor a second file inside
 * of it. What it is, its first bytes say, not its name. Throws unsupported_image.
 */
export async function encodeImage(content: Buffer): Promise<Encoded> {
  if (!hasMagic(content)) throw new AppError('unsupported_image');
  const { default: sharp } = await import('sharp'); // a native library that a server without uploads does without
  try {
    const source = sharp(content, { limitInputPixels: MAX_PIXELS, failOn: 'error', animated: false });
    const { format } = await source.metadata();
    if (!formats.has(format ?? '')) throw new AppError('unsupported_image');
    const upright = source.rotate();
    const within = (side: number) => upright.clone().resize(side, side, { fit: 'inside', withoutEnlargement: true });
    const { data, info } = await within(MAX_SIDE).webp({ quality: 82 }).toBuffer({ resolveWithObject: true });
    const thumb = await within(THUMB_SIDE).webp({ quality: 75 }).toBuffer();
    return { image: data, thumb, width: info.width, height: info.height };
  } catch (error) {
    throw error instanceof AppError ? error : new AppError('unsupported_image', undefined, error);
  }
}

function hasMagic(content: Buffer): boolean {
  const isJpeg = content.subarray(0, 3).equals(Buffer.from([0xff, 0xd8, 0xff]));
  const isPng = content.subarray(0, 8).equals(Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]));
  const isWebp =
    content.subarray(0, 4).toString('latin1') === 'RIFF' && content.subarray(8, 12).toString('latin1') === 'WEBP';
  return isJpeg || isPng || isWebp;
}
