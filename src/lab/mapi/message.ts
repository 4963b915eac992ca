import type { Property, PropertyKey } from '../world/property.ts';

export type PropertyBag = ReadonlyMap<PropertyKey, Property>;

/** A message as MAPI sees it, whatever bytes it came in or leaves in. */
export interface MapiMessage {
  readonly properties: PropertyBag;
  /** Rows of the recipient table. */
  readonly recipients: readonly PropertyBag[];
  readonly attachments: readonly MapiAttachment[];
}

export interface MapiAttachment {
  readonly properties: PropertyBag;
  /** Of one that is a message itself. */
  readonly message: MapiMessage | null;
}

export const textOf = (bag: PropertyBag, at: PropertyKey): string | null => {
  const value = bag.get(at)?.value;
  return typeof value === 'string' ? value : null;
};
export const numberOf = (bag: PropertyBag, at: PropertyKey): number | null => {
  const value = bag.get(at)?.value;
  return typeof value === 'number' ? value : null;
};
export const bytesOf = (bag: PropertyBag, at: PropertyKey): Buffer | null => {
  const property = bag.get(at);
  return property?.type === 'Binary' ? Buffer.from(String(property.value), 'base64') : null;
};
