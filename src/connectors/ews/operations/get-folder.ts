import type { XmlElement } from '#formats/text/xml-read.ts';
import { rawXml, xml } from '#formats/text/xml-write.ts';
import { type ExtendedField, extendedFieldUri } from '../extended-fields.ts';
import { aboutFolders, type Operation } from '../operation.ts';
import { folderShape, markShape } from './folder-shape.ts';
import { type FolderRef, folderRef, onlyFolder } from './ids.ts';

export interface GetFolderRequest {
  readonly folders: readonly FolderRef[];
  /** The full shape of the tree, what marks are made of, or ids and only these properties. */
  readonly properties: 'tree' | 'marks' | readonly ExtendedField[];
}

/** https://learn.microsoft.com/exchange/client-developer/web-service-reference/getfolder-operation. Answers with folder elements. */
export const getFolder: Operation<GetFolderRequest, XmlElement> = {
  name: 'GetFolder',
  subject: aboutFolders(false),
  answers: ({ folders }) => folders.length,
  write: ({ folders, properties }) =>
    xml`<m:GetFolder>${properties === 'tree' ? folderShape : properties === 'marks' ? markShape : idsAnd(properties)}<m:FolderIds>${folders.map(folderRef)}</m:FolderIds></m:GetFolder>`,
  reader: () => ({ read: onlyFolder }),
};

function idsAnd(properties: readonly ExtendedField[]) {
  const paths = properties.map(extendedFieldUri).join('');
  const additional = paths === '' ? '' : `<t:AdditionalProperties>${paths}</t:AdditionalProperties>`;
  return rawXml(`<m:FolderShape><t:BaseShape>IdOnly</t:BaseShape>${additional}</m:FolderShape>`);
}
