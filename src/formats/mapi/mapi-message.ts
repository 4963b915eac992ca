import type { Payload } from '#kit/payload.ts';
import type { MapiProperty } from '#model/property-row.ts';

/** Times are instants, integers of 64 bits bigint, GUIDs lower-case texts; null: a time that no `Date` can be. */
export type MapiScalar = number | bigint | boolean | string | Buffer | null;
export type MapiValue = MapiScalar | readonly MapiScalar[];

export interface MapiPropertyValue {
  readonly property: MapiProperty;
  readonly value: MapiValue;
}

/**
 * An item of Exchange of any kind as it is kept: properties, a table of recipients, a table of attachments ([MS-OXCMSG] 1.3). What
 * goes through FastTransfer streams, PROPFIND and PROPPATCH is read into this and made from it; MIME and typed items, too.
 */
export interface MapiMessage {
  /** Each property at most once. */
  readonly properties: readonly MapiPropertyValue[];
  /** Rows in order; PidTagRowid is the place and not among the columns. */
  readonly recipients: readonly (readonly MapiPropertyValue[])[];
  readonly attachments: readonly MapiAttachment[];
  /** What cannot be looked at, so that whoever writes the message again loses nothing of it. Absent: nothing. */
  readonly opaque?: readonly OpaqueProperty[];
}

/** A property of a type that has no values here (several integers, a currency, 16 bits): carried as it came. */
export interface OpaqueProperty {
  /** As tag or name only; which of our types stands beside it means nothing. */
  readonly property: MapiProperty;
  /** [MS-OXCDATA] 2.11.1. */
  readonly typeCode: number;
  /** The value as a stream has it, its length or count included. */
  readonly bytes: Buffer;
}

export interface MapiAttachment {
  /** PidTagAttachNumber is the place, PidTagAttachDataBinary stands in `content`: neither is among these. */
  readonly properties: readonly MapiPropertyValue[];
  /** The bytes of a file, which may be large and are not looked at; null: a message, or only a link. */
  readonly content: Payload | null;
  /** The message of an attachment by method 5. */
  readonly message: MapiMessage | null;
}

/** Whether both are the same property, whatever types they have. */
export function isSameProperty(a: MapiProperty, b: MapiProperty): boolean {
  if ('tag' in a) return 'tag' in b && a.tag === b.tag;
  if ('tag' in b || a.set.toLowerCase() !== b.set.toLowerCase()) return false;
  return 'lid' in a ? 'lid' in b && a.lid === b.lid : 'name' in b && a.name === b.name;
}

/** Value of a property; undefined: there is none. */
export const mapiValue = (properties: readonly MapiPropertyValue[], wanted: MapiProperty): MapiValue | undefined =>
  properties.find(({ property }) => isSameProperty(property, wanted))?.value;
