import { readForm } from '../common/http/multipart.ts';
import type { HttpDoor } from '../common/http.ts';
import { operations } from './contract.ts';
import { uploadImage } from './service.ts';
import type { Storage } from './storage.ts';

const MAX_BYTES = 8_388_608;

export function uploadsRoutes(door: HttpDoor, storage: Storage): void {
  door.handle(operations.uploadImage, uploadImage(storage), { readForm: req => readForm(req, MAX_BYTES) });
}
