import { attribute, child } from '#formats/text/xml-read.ts';
import { xml } from '#formats/text/xml-write.ts';
import type { Payload } from '#kit/payload.ts';
import type { FolderId, ItemId, Version } from '#model/ids.ts';
import type { Written } from '../../contract.ts';
import { messagesNamespace } from '../namespaces.ts';
import { aboutItems, type Operation } from '../operation.ts';

export interface UploadItemsRequest {
  readonly folder: FolderId;
  /** FastTransfer streams in the frame of ExportItems. */
  readonly streams: readonly Payload[];
}

/**
 * Makes items out of streams, from 2010 SP1 on. Nothing is sent. Null: made, and the server does not say under which id.
 * https://learn.microsoft.com/exchange/client-developer/web-service-reference/uploaditems-operation
 */
export const uploadItems: Operation<UploadItemsRequest, Written | null> = {
  name: 'UploadItems',
  subject: aboutItems(true),
  answers: ({ streams }) => streams.length,
  write: ({ folder, streams }) =>
    xml`<m:UploadItems><m:Items>${streams.map((data) => xml`<t:Item CreateAction="CreateNew"><t:ParentFolderId Id="${folder}"/><t:Data>${data}</t:Data></t:Item>`)}</m:Items></m:UploadItems>`,
  reader: () => ({
    read(message) {
      const found = child(message, messagesNamespace, 'ItemId');
      const id = found === null ? null : attribute(found, 'Id');
      return id === null || id === '' || found === null
        ? null
        : { id: id as ItemId, version: (attribute(found, 'ChangeKey') ?? '') as Version };
    },
  }),
};
