import type { XmlElement } from '#formats/text/xml-read.ts';
import { namespaces } from './schema/schema-table.ts';

// Requests have passed the schema when these are used: what must be there is there, and names do not occur in two namespaces.

/** The first child of that local name. */
export function child(element: XmlElement, name: string): XmlElement | null {
  for (const inner of element.children) if (inner.name === name) return inner;
  return null;
}
export function childText(element: XmlElement, name: string): string | null {
  return child(element, name)?.text ?? null;
}
export const attribute = (element: XmlElement, name: string): string | null => element.attributes.get(name) ?? null;
export const isTrue = (text: string | null): boolean =>
  text !== null && (text.trim() === 'true' || text.trim() === '1');
export const kids = (element: XmlElement | null): readonly XmlElement[] => element?.children ?? [];

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\r': '&#13;',
};
const quote = (text: string): string => text.replace(/[&<>"\r]/g, (c) => escapes[c] ?? c);

/** An element written again, for fields that are kept as they came. */
export function serialize(element: XmlElement): string {
  const prefix = element.ns === namespaces.m ? 'm' : 't';
  const attributes = [...element.attributes]
    .map(([name, value]) => (name.includes('|') ? '' : ` ${name}="${quote(value)}"`))
    .join('');
  const inner = element.children.length > 0 ? element.children.map(serialize).join('') : quote(element.text);
  return inner === ''
    ? `<${prefix}:${element.name}${attributes}/>`
    : `<${prefix}:${element.name}${attributes}>${inner}</${prefix}:${element.name}>`;
}
