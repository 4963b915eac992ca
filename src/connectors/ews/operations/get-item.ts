import type { PayloadProblem } from '#formats/text/spool-scan.ts';
import { child, type XmlElement, XmlFault } from '#formats/text/xml-read.ts';
import { rawXml, xml } from '#formats/text/xml-write.ts';
import type { Payload } from '#kit/payload.ts';
import type { MapiProperty } from '#model/property-row.ts';
import { extendedFieldUri } from '../extended-fields.ts';
import { feedPaths, itemPaths } from '../mail-codec.ts';
import { typesNamespace } from '../namespaces.ts';
import { aboutItems, type Operation } from '../operation.ts';
import { type ItemRef, itemRefs, onlyItem } from './ids.ts';

/**
 * What is read of the items: what a feed shows (with the folder they are in), everything with the MIME, ids, class and named
 * properties, or what written paths name.
 */
export type ItemShape = 'head' | 'content' | readonly MapiProperty[] | { readonly paths: string };

export interface GetItemRequest {
  readonly ids: readonly ItemRef[];
  readonly shape: ItemShape;
}

export interface GotItem {
  readonly item: XmlElement;
  /** Null when it was not asked for; or what is wrong with it. */
  readonly mime: Payload | PayloadProblem | null;
}

const shapeXml = (mime: boolean, paths: string) =>
  rawXml(
    `<m:ItemShape><t:BaseShape>IdOnly</t:BaseShape>${mime ? '<t:IncludeMimeContent>true</t:IncludeMimeContent>' : ''}<t:AdditionalProperties>${paths}</t:AdditionalProperties></m:ItemShape>`,
  );
const parentPath = '<t:FieldURI FieldURI="item:ParentFolderId"/>';
const headShape = shapeXml(false, parentPath + feedPaths);
const contentShape = shapeXml(true, parentPath + itemPaths);
const shapes = (shape: ItemShape) => {
  if (shape === 'head') return headShape;
  if (shape === 'content') return contentShape;
  if ('paths' in shape) return shapeXml(false, shape.paths);
  return shapeXml(false, `<t:FieldURI FieldURI="item:ItemClass"/>${shape.map(extendedFieldUri).join('')}`);
};

/** https://learn.microsoft.com/exchange/client-developer/web-service-reference/getitem-operation */
export const getItem: Operation<GetItemRequest, GotItem> = {
  name: 'GetItem',
  subject: aboutItems(false),
  spooled: ['MimeContent'],
  answers: ({ ids }) => ids.length,
  write: ({ ids, shape }) => xml`<m:GetItem>${shapes(shape)}<m:ItemIds>${itemRefs(ids)}</m:ItemIds></m:GetItem>`,
  reader: () => ({
    read(message, { payloads }) {
      const item = onlyItem(message);
      if (item === null) throw new XmlFault('malformed', 'a success of GetItem holds no item', 0);
      const content = child(item, typesNamespace, 'MimeContent');
      const spooled = content === null || content.payload === null ? undefined : payloads[content.payload];
      return { item, mime: spooled === undefined ? null : (spooled.payload ?? spooled.problem) };
    },
  }),
};
