import { type MapiProperty, propertySets } from '#model/property-row.ts';
import { causewayPropertySet, receiptPropertyName, stampPropertyName } from '#model/stamp.ts';

const { common } = propertySets;

/** Properties of items of every kind that no field stands for by itself. */
export const mainProperties = {
  messageClass: { tag: 0x001a, type: 'string' },
  messageFlags: { tag: 0x0e07, type: 'integer' },
  iconIndex: { tag: 0x1080, type: 'integer' },
  sideEffects: { set: common, lid: 0x8510, type: 'integer' },
  isPrivate: { set: common, lid: 0x8506, type: 'boolean' },
} as const satisfies Record<string, MapiProperty>;

/** What a server says of any item that it keeps. */
export const headProperties = {
  searchKey: { tag: 0x300b, type: 'binary' },
  size: { tag: 0x0e08, type: 'integer' },
  createdAt: { tag: 0x3007, type: 'time' },
  modifiedAt: { tag: 0x3008, type: 'time' },
} as const satisfies Record<string, MapiProperty>;

/** The mark of whatever Causeway created. */
export const stampProperty = {
  set: causewayPropertySet,
  name: stampPropertyName,
  type: 'string',
} as const satisfies MapiProperty;

/** The mark of an update of ours. */
export const receiptProperty = {
  set: causewayPropertySet,
  name: receiptPropertyName,
  type: 'string',
} as const satisfies MapiProperty;
