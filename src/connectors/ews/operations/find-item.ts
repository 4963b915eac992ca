import { attribute, child, requiredChild, type XmlElement } from '#formats/text/xml-read.ts';
import { escapeAttribute, rawXml, xml } from '#formats/text/xml-write.ts';
import type { MapiProperty } from '#model/property-row.ts';
import { extendedFieldUri } from '../extended-fields.ts';
import { messagesNamespace, typesNamespace } from '../namespaces.ts';
import { aboutFolders, type Operation } from '../operation.ts';
import { type FolderRef, folderRef } from './ids.ts';

export interface FindItemRequest {
  readonly folder: FolderRef;
  /** Items whose property is one of these values, as written in a `t:Constant`. At least one, and few: the server walks the folder. */
  readonly where: { readonly property: MapiProperty; readonly oneOf: readonly string[] };
  /** Shown besides the id. Texts are cut to 255 characters by this operation. */
  readonly properties: readonly MapiProperty[];
  readonly offset: number;
  readonly max: number;
}

export interface ItemPage {
  readonly items: readonly XmlElement[];
  readonly last: boolean;
}

/** https://learn.microsoft.com/exchange/client-developer/web-service-reference/finditem-operation */
export const findItem: Operation<FindItemRequest, ItemPage> = {
  name: 'FindItem',
  subject: aboutFolders(false),
  answers: () => 1,
  write: ({ folder, where, properties, offset, max }) => {
    const path = extendedFieldUri(where.property);
    const tests = where.oneOf.map(
      (value) =>
        `<t:IsEqualTo>${path}<t:FieldURIOrConstant><t:Constant Value="${escapeAttribute(value)}"/></t:FieldURIOrConstant></t:IsEqualTo>`,
    );
    const restriction = rawXml(tests.length === 1 ? tests.join('') : `<t:Or>${tests.join('')}</t:Or>`);
    const additional = rawXml(
      properties.length === 0
        ? ''
        : `<t:AdditionalProperties>${properties.map(extendedFieldUri).join('')}</t:AdditionalProperties>`,
    );
    return xml`<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape>${additional}</m:ItemShape><m:IndexedPageItemView MaxEntriesReturned="${max}" Offset="${offset}" BasePoint="Beginning"/><m:Restriction>${restriction}</m:Restriction><m:ParentFolderIds>${folderRef(folder)}</m:ParentFolderIds></m:FindItem>`;
  },
  reader: () => ({
    read(message) {
      const root = requiredChild(message, messagesNamespace, 'RootFolder');
      return {
        items: child(root, typesNamespace, 'Items')?.children ?? [],
        last: attribute(root, 'IncludesLastItemInRange') !== 'false',
      };
    },
  }),
};
