import type { MapiAttachment, MapiMessage, MapiPropertyValue } from '#formats/mapi/mapi-message.ts';
import { attachmentProperties, isException, methods } from '#formats/mapi-items/attachments.ts';
import { propertyKey, valuesOf } from '#formats/mapi-items/property-values.ts';
import { eventMapiProperties } from '#formats/mapi-items/read-event.ts';
import { type Payload, payloadBytes } from '#kit/payload.ts';
import type { MapiProperty } from '#model/property-row.ts';
import type { Context } from '../../contract.ts';
import { davNameOf } from '../dav-names.ts';
import type { Subject } from '../faults.ts';
import { erase, patch, pathOfUrl, put } from '../mail-writes.ts';
import type { DavResponse } from '../multistatus.ts';
import { findOne, type MailboxRequests } from '../resources.ts';
import { davWrites, mapiValuesOf } from './mapi-values.ts';

/** An attachment of an item with its address below that of the item. */
export interface DavAttachment {
  readonly path: string;
  readonly attachment: MapiAttachment;
}

const rowProperties: readonly MapiProperty[] = Object.values(attachmentProperties);
const reading: Subject = { operation: 'X-MS-ENUMATTS', writes: false, about: 'item' };
type Requests = Pick<MailboxRequests, 'client' | 'address'>;

/** Bytes of attached items, whose messages are not taken apart. */
const itemBytes = new WeakMap<MapiMessage, Buffer>();
export const bytesOfItem = async (message: MapiMessage): Promise<Buffer> => itemBytes.get(message) ?? Buffer.alloc(0);

/**
 * Attachments of an item with their contents, which the caller disposes of. The message of a modified occurrence is read by its properties,
 * any other attached message as its MIME.
 */
export async function readAttachments(
  requests: Requests,
  itemPath: string,
  context: Context,
): Promise<readonly DavAttachment[]> {
  const listed: DavResponse[] = [];
  await requests.client.several(
    { method: 'X-MS-ENUMATTS', path: itemPath, mailbox: requests.address, subject: reading, context },
    (response) => listed.push(response),
  );
  const read: DavAttachment[] = [];
  try {
    for (const response of listed) {
      const path = pathOfUrl(response.href);
      if (path === null) continue;
      read.push({ path, attachment: await readOne(requests, path, mapiValuesOf(response, rowProperties), context) });
    }
  } catch (error) {
    await disposeOf(read);
    throw error;
  }
  return read;
}

async function readOne(
  requests: Requests,
  path: string,
  properties: readonly MapiPropertyValue[],
  context: Context,
): Promise<MapiAttachment> {
  const row: MapiAttachment = { properties, content: null, message: null };
  if (isException(row)) {
    const { response } = await findOne(requests, path, eventMapiProperties.map(davNameOf), 'item', context);
    const message = { properties: mapiValuesOf(response, eventMapiProperties), recipients: [], attachments: [] };
    return { ...row, message };
  }
  const content = await contentOf(requests, path, context);
  if (valuesOf(properties)(attachmentProperties.method) !== methods.embeddedMessage) return { ...row, content };
  const message: MapiMessage = { properties: [], recipients: [], attachments: [] };
  itemBytes.set(message, await payloadBytes(content));
  await content.dispose();
  return { ...row, message };
}

async function contentOf({ client, address }: Requests, path: string, context: Context): Promise<Payload> {
  const { bytes } = await client.content({
    method: 'GET',
    path,
    headers: { translate: 'f' },
    mailbox: address,
    subject: { operation: 'GET', writes: false, about: 'item' },
    context,
  });
  return bytes;
}

export async function disposeOf(attachments: readonly DavAttachment[]): Promise<void> {
  for (const { attachment } of attachments) await attachment.content?.dispose();
}

/** Properties that the address and the content of an attachment say, or that only the server writes. */
const bySelf = new Set(
  [attachmentProperties.method, attachmentProperties.name].map((property: MapiProperty) => propertyKey(property)),
);

/**
 * Adds an attachment: a file by PUT and PROPPATCH at an address below that of the item, as the pictures of contacts are; the message of a
 * modified occurrence by PROPPATCH alone, which makes one by its class.
 *
 * @param name Free among the attachments of the item.
 */
export async function addAttachment(
  requests: Requests,
  itemPath: string,
  name: string,
  { properties, content, message }: MapiAttachment,
  context: Context,
): Promise<void> {
  const path = `${itemPath}/${encodeURIComponent(name)}`;
  if (message !== null) {
    const { set } = davWrites([...message.properties, ...properties]);
    await patch(requests, path, set, [], null, context);
    return;
  }
  if (content === null) return;
  const contentType = valuesOf(properties)(attachmentProperties.contentType);
  const type = typeof contentType === 'string' ? contentType : 'application/octet-stream';
  await put(requests, path, content, type, context);
  const { set } = davWrites(properties.filter(({ property }) => !bySelf.has(propertyKey(property))));
  if (set.length > 0) await patch(requests, path, set, [], null, context);
}

export const removeAttachment = (requests: Requests, path: string, context: Context): Promise<void> =>
  erase(requests, path, null, context);

/** A name that addresses can have and that none of the others has. */
export function freeName(wanted: string, taken: ReadonlySet<string>): string {
  const plain = wanted.replace(/[/\\?~%&#:*"<>|\u0000-\u001f]/g, '_').replace(/\.\.+/g, '.') || 'attachment';
  for (let n = 1; ; n++) {
    const name = n === 1 ? plain : `${n}-${plain}`;
    if (!taken.has(name.toLowerCase())) return name;
  }
}
