import {
  type MapiAttachment,
  type MapiMessage,
  type MapiPropertyValue,
  mapiValue,
} from '#formats/mapi/mapi-message.ts';
import { attachmentProperties, isException, methods } from '#formats/mapi-items/attachments.ts';
import { propertyKey, valuesOf } from '#formats/mapi-items/property-values.ts';
import { eventMapiProperties } from '#formats/mapi-items/read-event.ts';
import { readRecipients } from '#formats/mapi-items/recipients.ts';
import { FaultError } from '#kit/fault.ts';
import { type Payload, payloadBytes } from '#kit/payload.ts';
import type { Attendee } from '#model/appointment.ts';
import type { MapiProperty } from '#model/property-row.ts';
import type { Context } from '../../contract.ts';
import { davNameOf } from '../dav-names.ts';
import type { Subject } from '../faults.ts';
import { erase, patch, pathOfUrl, put } from '../mail-writes.ts';
import { type DavResponse, shownText } from '../multistatus.ts';
import { findOne, type MailboxRequests } from '../resources.ts';
import { attendeesOfHeaders } from './attendee-lines.ts';
import { davWrites, mapiValuesOf } from './mapi-values.ts';
import { peopleNames, peopleWrites } from './people-headers.ts';

/** An attachment of an item with its address below that of the item. */
export interface DavAttachment {
  readonly path: string;
  readonly attachment: MapiAttachment;
  /** Of a modified occurrence: whom its own header fields name. */
  readonly named: readonly Attendee[];
}

const rowProperties: readonly MapiProperty[] = Object.values(attachmentProperties);
const reading: Subject = { operation: 'X-MS-ENUMATTS', writes: false, about: 'item' };
type Requests = Pick<MailboxRequests, 'client' | 'address'>;

/** Bytes of attached items, whose messages are not taken apart. */
const itemBytes = new WeakMap<MapiMessage, Buffer>();
export const bytesOfItem = async (message: MapiMessage): Promise<Buffer> => itemBytes.get(message) ?? Buffer.alloc(0);

async function listed({ client, address }: Requests, path: string, context: Context): Promise<readonly DavResponse[]> {
  const responses: DavResponse[] = [];
  await client.several({ method: 'X-MS-ENUMATTS', path, mailbox: address, subject: reading, context }, (response) =>
    responses.push(response),
  );
  return responses;
}

/**
 * Attachments of an item with their contents, which the caller disposes of. The message of a modified occurrence is read by its properties,
 * any other attached message as its MIME.
 */
export async function readAttachments(
  requests: Requests,
  itemPath: string,
  context: Context,
): Promise<readonly DavAttachment[]> {
  const read: DavAttachment[] = [];
  try {
    for (const response of await listed(requests, itemPath, context)) {
      const path = pathOfUrl(response.href);
      if (path === null) continue;
      read.push({ path, ...(await readOne(requests, path, mapiValuesOf(response, rowProperties), context)) });
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
): Promise<Omit<DavAttachment, 'path'>> {
  const row: MapiAttachment = { properties, content: null, message: null };
  if (isException(row)) return readException(requests, path, row, context);
  const content = await contentOf(requests, path, context);
  if (valuesOf(properties)(attachmentProperties.method) !== methods.embeddedMessage)
    return { attachment: { ...row, content }, named: [] };
  const message: MapiMessage = { properties: [], recipients: [], attachments: [] };
  itemBytes.set(message, await payloadBytes(content));
  await content.dispose();
  return { attachment: { ...row, message }, named: [] };
}

const exceptionNames = eventMapiProperties.map(davNameOf);

/** The message of a modified occurrence: its properties, whom it names, and what is attached to it, which has addresses below its own. */
async function readException(
  requests: Requests,
  path: string,
  row: MapiAttachment,
  context: Context,
): Promise<Omit<DavAttachment, 'path'>> {
  const { response } = await findOne(
    requests,
    path,
    [...exceptionNames, ...Object.values(peopleNames)],
    'item',
    context,
  );
  const inner = await readAttachments(requests, path, context);
  const properties = mapiValuesOf(response, eventMapiProperties);
  const attachments = inner.map(({ attachment }) => attachment);
  const text = (field: keyof typeof peopleNames) => shownText(response, peopleNames[field]) ?? '';
  return {
    attachment: { ...row, message: { properties, recipients: [], attachments } },
    named: attendeesOfHeaders(text('to'), text('cc'), text('bcc')),
  };
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

/** Contents of attachments, those of modified occurrences among them. */
export function* contentsOf(attachments: readonly MapiAttachment[]): Generator<Payload> {
  for (const { content, message } of attachments) {
    if (content !== null) yield content;
    if (message !== null) yield* contentsOf(message.attachments);
  }
}

export async function disposeOf(attachments: readonly DavAttachment[]): Promise<void> {
  for (const content of contentsOf(attachments.map(({ attachment }) => attachment))) await content.dispose();
}

/** Properties that the address and the content of an attachment say, or that only the server writes. */
const bySelf = new Set(
  [attachmentProperties.method, attachmentProperties.name].map((property: MapiProperty) => propertyKey(property)),
);

/**
 * Adds an attachment: a file by PUT and PROPPATCH at an address below that of the item, as the pictures of contacts are; the message of a
 * modified occurrence by PROPPATCH, which makes one by its class, with what is attached to it below that.
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
    const people = peopleWrites(readRecipients(message.recipients));
    await patch(requests, path, [...set, ...people.set], [], null, context);
    if (message.attachments.length === 0) return;
    const outer = await pathOfException(requests, itemPath, properties, context);
    const taken = new Set<string>();
    for (const inner of message.attachments) {
      const own = freeName(nameOfAttachment(inner), taken);
      taken.add(own.toLowerCase());
      await addAttachment(requests, outer, own, inner, context);
    }
    return;
  }
  if (content === null) return;
  const contentType = valuesOf(properties)(attachmentProperties.contentType);
  const type = typeof contentType === 'string' ? contentType : 'application/octet-stream';
  await put(requests, path, content, type, context);
  const { set } = davWrites(properties.filter(({ property }) => !bySelf.has(propertyKey(property))));
  if (set.length > 0) await patch(requests, path, set, [], null, context);
}

/** Where the message of a modified occurrence is that was just written: a server names it as it likes. Throws FaultError. */
async function pathOfException(
  requests: Requests,
  itemPath: string,
  properties: readonly MapiPropertyValue[],
  context: Context,
): Promise<string> {
  const replaces = mapiValue(properties, attachmentProperties.exceptionReplaces);
  const path = (await listed(requests, itemPath, context)).flatMap((response) =>
    mapiValue(mapiValuesOf(response, rowProperties), attachmentProperties.exceptionReplaces) === replaces
      ? (pathOfUrl(response.href) ?? [])
      : [],
  )[0];
  if (path === undefined)
    throw new FaultError({
      kind: 'transient',
      detail: 'PROPPATCH: the message of an occurrence is not among the attachments after it was written',
      mayHaveHappened: true,
    });
  return path;
}

export const removeAttachment = (requests: Requests, path: string, context: Context): Promise<void> =>
  erase(requests, path, null, context);

export function nameOfAttachment({ properties, message }: MapiAttachment): string {
  const get = valuesOf(properties);
  const given = get(attachmentProperties.fileName) ?? get(attachmentProperties.name);
  const name = typeof given === 'string' && given !== '' ? given : 'attachment';
  return message !== null && !/\.eml$/i.test(name) ? `${name}.EML` : name;
}

/** A name that addresses can have and that none of the others has. */
export function freeName(wanted: string, taken: ReadonlySet<string>): string {
  const allowed = wanted.replace(/[/\\?~%&#:*"<>|\u0000-\u001f]/g, '_').replace(/\.\.+/g, '.');
  // A step of nothing but a dot is no step: it would name the item itself.
  const plain = /^[.\s]*$/.test(allowed) ? 'attachment' : allowed;
  for (let n = 1; ; n++) {
    const name = n === 1 ? plain : `${n}-${plain}`;
    if (!taken.has(name.toLowerCase())) return name;
  }
}
