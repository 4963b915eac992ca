/** MAPI property types that cross the wire in EWS and Graph extended properties. */
export type MapiType = 'string' | 'integer' | 'boolean' | 'time' | 'binary' | 'strings' | 'long' | 'double' | 'guid';

/** A tag below 0x8000, or a named property by set and id or name. */
export type MapiProperty =
  | { readonly tag: number; readonly type: MapiType }
  | { readonly set: string; readonly lid: number; readonly type: MapiType }
  | { readonly set: string; readonly name: string; readonly type: MapiType };

export const propertySets = {
  appointment: '00062002-0000-0000-c000-000000000046',
  task: '00062003-0000-0000-c000-000000000046',
  address: '00062004-0000-0000-c000-000000000046',
  note: '0006200e-0000-0000-c000-000000000046',
  common: '00062008-0000-0000-c000-000000000046',
  meeting: '6ed8da90-450b-101b-98da-00aa003f1305',
  publicStrings: '00020329-0000-0000-c000-000000000046',
  internetHeaders: '00020386-0000-0000-c000-000000000046',
  calendarAssistant: '11000e07-b51b-40d6-af21-caa85edab1d0',
} as const;

/**
 * What is done with a field:
 * - `state`: copied at creation and kept in step afterwards; has a snapshot per side;
 * - `fact`: never changes in the life of an item; written in the create request;
 * - `server`: belongs to the server that keeps the item; read for decisions and reports, never written;
 * - `reported`: not carried over by default because it would mean something else there; the report says so.
 */
export type Carriage = 'state' | 'fact' | 'server' | 'reported';

/** One canonical field, bound to every protocol. `satisfies` in the table makes a forgotten field a compile error. */
export interface PropertyRow<T> {
  readonly carriage: Carriage;
  /** EWS field URI, when there is a typed one that we use; null: as extended property by `mapi`. */
  readonly ews: string | null;
  readonly mapi: MapiProperty;
  /** Graph property name; null: as singleValueExtendedProperty by `mapi`. */
  readonly graph: string | null;
  /** WebDAV name; null: by proptag in `http://schemas.microsoft.com/mapi/proptag/`. */
  readonly dav: string | null;
  /** Where a change feed can already show it (`feed`), or only a read of the item (`item`). */
  readonly readFrom: 'feed' | 'item';
  /** Unit, where the type does not say it. */
  readonly unit?: string;
  /** How two changed values are merged: a scalar is one value, a set merges element by element. */
  readonly merge: 'scalar' | 'set';
  /** Section that defines it. */
  readonly source: string;
  /** What is known of the field in practice and is no specification. */
  readonly note?: string;
  readonly sample: readonly T[];
}

/**
 * One canonical field of a typed item. A field may stand for several protocol properties that mean something together only; then
 * `codec` names what puts them together, and connectors and codecs have one function of that name.
 */
export interface TypedRow<T> {
  readonly carriage: 'state' | 'fact' | 'server';
  /** EWS field URIs; empty: as extended properties by `mapi`. */
  readonly ews: readonly string[];
  readonly mapi: readonly MapiProperty[];
  /** Graph property; null: as extended property by `mapi`. */
  readonly graph: string | null;
  /** WebDAV names; empty: by proptag or named property of `mapi`. */
  readonly dav: readonly string[];
  /** iCalendar or vCard property; null: none. */
  readonly ical: string | null;
  /**
   * How two changed values are merged: `scalar` as one value, `set` element by element, `attendees` by address, `attachments` by hash,
   * `record` key by key.
   */
  readonly merge: 'scalar' | 'set' | 'attendees' | 'attachments' | 'record';
  /** Large values are remembered and compared by hash. */
  readonly large?: true;
  /** An occurrence of a series may have its own. */
  readonly occurrence?: true;
  readonly codec?: string;
  readonly unit?: string;
  readonly source: string;
  readonly note?: string;
  readonly sample: readonly T[];
}
