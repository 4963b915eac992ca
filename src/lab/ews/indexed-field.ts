import { parseXmlBytes, type XmlElement } from '#formats/text/xml-read.ts';
import { EwsError } from './ews-error.ts';
import type { ItemDraft } from './item-draft.ts';
import { indexedContainers, type PropertyPath } from './property-path.ts';
import { attribute, kids, serialize } from './request.ts';
import { namespaces } from './schema/schema-table.ts';

/**
 * Entries of the lists of a contact: a set or a delete of one key, of an address even of one of its parts, leaves the others.
 * (EWS doc: indexedfielduri, dictionaryuritype)
 */
type IndexedPath = PropertyPath & { readonly kind: 'indexed' };

/** Parts of an address, in the order of the schema. */
const addressParts = ['Street', 'City', 'State', 'CountryOrRegion', 'PostalCode'];

const containerOf = (path: IndexedPath): string => {
  const container = indexedContainers[path.uri];
  if (container === undefined) throw new EwsError('ErrorInvalidPropertySet');
  return container;
};
/** The part of an address that a path names; null: the entry is one value. */
const partOf = (path: IndexedPath): string | null =>
  path.uri.startsWith('contacts:PhysicalAddress:') ? path.uri.slice(path.uri.lastIndexOf(':') + 1) : null;

function entriesOf(draft: ItemDraft, container: string): Map<string, XmlElement> {
  const kept = draft.typed.get(container);
  if (kept === undefined) return new Map();
  const { root } = parseXmlBytes(Buffer.from(`<x xmlns:t="${namespaces.t}">${kept}</x>`));
  return new Map(kids(kids(root)[0] ?? null).map((entry) => [attribute(entry, 'Key') ?? '', entry]));
}

function keep(draft: ItemDraft, container: string, entries: ReadonlyMap<string, string>): void {
  const xml = [...entries.values()].join('');
  draft.keep(container, xml === '' ? null : `<t:${container}>${xml}</t:${container}>`);
}

export function setIndexed(draft: ItemDraft, path: IndexedPath, field: XmlElement): void {
  const [entry] = field.children;
  const part = partOf(path);
  if (
    entry === undefined ||
    field.children.length !== 1 ||
    attribute(entry, 'Key') !== path.index ||
    (part !== null && (entry.children.length !== 1 || entry.children[0]?.name !== part))
  )
    throw new EwsError('ErrorUpdatePropertyMismatch');
  change(draft, path, entry);
}

export const deleteIndexed = (draft: ItemDraft, path: IndexedPath): void => change(draft, path, null);

function change(draft: ItemDraft, path: IndexedPath, entry: XmlElement | null): void {
  const container = containerOf(path);
  const part = partOf(path);
  const before = entriesOf(draft, container);
  const after = new Map([...before].map(([index, one]) => [index, serialize(one)]));
  const own = part === null ? wholeEntry(entry) : entryOfParts(path.index, part, before.get(path.index), entry);
  if (own === null) after.delete(path.index);
  else after.set(path.index, own);
  keep(draft, container, after);
}

const wholeEntry = (entry: XmlElement | null): string | null => (entry === null ? null : serialize(entry));

function entryOfParts(
  index: string,
  part: string,
  before: XmlElement | undefined,
  entry: XmlElement | null,
): string | null {
  const texts = new Map(kids(before ?? null).map((one) => [one.name, serialize(one)]));
  const [now] = kids(entry);
  if (now === undefined) texts.delete(part);
  else texts.set(part, serialize(now));
  const xml = addressParts.map((name) => texts.get(name) ?? '').join('');
  return xml === '' ? null : `<t:Entry Key="${index}">${xml}</t:Entry>`;
}
