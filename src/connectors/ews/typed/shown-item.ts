import { child, type XmlElement } from '#formats/text/xml-read.ts';
import type { MapiProperty } from '#model/property-row.ts';
import { extendedValues, propertyKey, propertyKeyOf } from '../extended-fields.ts';
import { typesNamespace } from '../namespaces.ts';

/** What an answer shows of an item: typed elements by local name, extended properties by `propertyKey`. */
export interface ShownItem {
  readonly typed: ReadonlyMap<string, XmlElement>;
  readonly extended: ReadonlyMap<string, readonly string[]>;
}

export function shownItem(item: XmlElement): ShownItem {
  const typed = new Map<string, XmlElement>();
  const extended = new Map<string, readonly string[]>();
  for (const element of item.children) {
    if (element.ns !== typesNamespace) continue;
    const uri = element.name === 'ExtendedProperty' ? child(element, typesNamespace, 'ExtendedFieldURI') : null;
    if (uri !== null) extended.set(propertyKeyOf(uri), extendedValues(element));
    else typed.set(element.name, element);
  }
  return { typed, extended };
}

export const textIn = (shown: ShownItem, element: string): string | null => shown.typed.get(element)?.text ?? null;
export const propertyIn = (shown: ShownItem, property: MapiProperty): string | null =>
  shown.extended.get(propertyKey(property))?.[0] ?? null;
