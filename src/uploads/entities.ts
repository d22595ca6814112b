import { defineEntity, p } from '@mikro-orm/core';
import { User } from '../accounts/entities.ts';

const UploadSchema = defineEntity({
  name: 'Upload',
  tableName: 'uploads',
  indexes: [
    { properties: ['user', 'createdAt'] },
    {
      name: 'uploads_orphans',
      expression: 'create index uploads_orphans on uploads (created_at) where attached_to is null',
    },
  ],
  properties: {
    id: p.uuid().primary(),
    user: () => p.manyToOne(User).mapToPk().deleteRule('cascade'),
    purpose: p.string().length(8).$type<'post' | 'chat' | 'avatar'>(),
    name: p.string().length(200),
    /** 128 random bits: who does not know the address does not find the image. */
    fileName: p.string().length(40).unique(),
    bytes: p.integer(),
    width: p.integer(),
    height: p.integer(),
    /** What shows it, `<kind>:<id>`; set once. Without it the upload is removed after a day. */
    attachedTo: p.string().length(80).nullable().index(),
    createdAt: p.datetime(3),
  },
});
/** An image of a user. */
export class Upload extends UploadSchema.class {}
UploadSchema.setClass(Upload);

export const uploadsEntities = [Upload];
