import { receiptProperty } from '#formats/mapi-items/item-properties.ts';
import { escapeAttribute } from '#formats/text/xml-write.ts';
import type { MapiProperty } from '#model/property-row.ts';
import type { TypedEdit } from '#model/typed-item.ts';
import { extendedFieldUri, extendedProperty } from '../extended-fields.ts';

/** One property of a write. */
export interface Part {
  /** `t:FieldURI`, `t:IndexedFieldURI` or `t:ExtendedFieldURI`. */
  readonly path: string;
  /** Local name of the element that holds the value: decides its place in a create. */
  readonly element: string;
  /** Null: the property goes. */
  readonly xml: string | null;
}

export const fieldUri = (uri: string): string => `<t:FieldURI FieldURI="${uri}"/>`;
export const indexedUri = (uri: string, index: string): string =>
  `<t:IndexedFieldURI FieldURI="${uri}" FieldIndex="${escapeAttribute(index)}"/>`;
export const elementOf = (uri: string): string => uri.slice(uri.indexOf(':') + 1);

/** @param content XML inside the element; null: the property goes. */
export function typedPart(uri: string, content: string | null): Part {
  const element = elementOf(uri);
  return { path: fieldUri(uri), element, xml: content === null ? null : `<t:${element}>${content}</t:${element}>` };
}

export function extendedPart(property: MapiProperty, value: string | readonly string[] | null): Part {
  return {
    path: extendedFieldUri(property),
    element: 'ExtendedProperty',
    xml: value === null ? null : extendedProperty(property, value),
  };
}

/** What an update is known by afterwards. */
export const receiptParts = ({ receipt }: TypedEdit): readonly Part[] =>
  receipt === undefined ? [] : [extendedPart(receiptProperty, receipt)];

/** An item of a create. @param order Local names in the order of the schema. */
export function writeItem(element: string, parts: readonly Part[], order: readonly string[]): string {
  const sorted = parts
    .filter(({ xml }) => xml !== null)
    .sort((a, b) => order.indexOf(a.element) - order.indexOf(b.element));
  return `<t:${element}>${sorted.map(({ xml }) => xml).join('')}</t:${element}>`;
}

/** `t:Updates` of an update. */
export function writeUpdates(element: string, parts: readonly Part[]): string {
  const updates = parts.map(({ path, xml }) =>
    xml === null
      ? `<t:DeleteItemField>${path}</t:DeleteItemField>`
      : `<t:SetItemField>${path}<t:${element}>${xml}</t:${element}></t:SetItemField>`,
  );
  return `<t:Updates>${updates.join('')}</t:Updates>`;
}
