import { createHash } from 'node:crypto';
import { type Payload, payloadOfBytes } from '#kit/payload.ts';
import type { AttachmentContent, AttachmentHead } from '#model/appointment.ts';
import type { MapiProperty } from '#model/property-row.ts';
import type { MapiAttachment, MapiMessage, MapiPropertyValue } from '../mapi/mapi-message.ts';
import { itemDigest } from '../text/item-digest.ts';
import { isNumber, valuesOf } from './property-values.ts';

/** Properties of an attachment ([MS-OXCMSG] 2.2.2). */
export const attachmentProperties = {
  method: { tag: 0x3705, type: 'integer' },
  name: { tag: 0x3001, type: 'string' },
  shortFileName: { tag: 0x3704, type: 'string' },
  fileName: { tag: 0x3707, type: 'string' },
  contentType: { tag: 0x370e, type: 'string' },
  contentId: { tag: 0x3712, type: 'string' },
  rendering: { tag: 0x370b, type: 'integer' },
  mhtmlFlags: { tag: 0x3714, type: 'integer' },
  isHidden: { tag: 0x7ffe, type: 'boolean' },
  /** The picture of a contact. [MS-OXOCNTC] 2.2.1.8.3 */
  isContactPhoto: { tag: 0x7fff, type: 'boolean' },
  /** [MS-OXOCAL] 2.2.10.1: 2 for the message of a modified occurrence. */
  flags: { tag: 0x7ffd, type: 'integer' },
  linkId: { tag: 0x7ffa, type: 'integer' },
  exceptionStart: { tag: 0x7ffb, type: 'time' },
  exceptionEnd: { tag: 0x7ffc, type: 'time' },
  exceptionReplaces: { tag: 0x7ff9, type: 'time' },
} as const satisfies Record<string, MapiProperty>;
const at = attachmentProperties;

/** PidTagAttachMethod ([MS-OXCMSG] 2.2.2.9). */
export const methods = { byValue: 1, embeddedMessage: 5 } as const;
/** PidTagAttachFlags: shown in the body. */
const inBody = 0x4;
const exceptionFlag = 0x2;
const noPlaceInText = -1;

/** The name that Outlook and Exchange give to the picture of a contact. [MS-OXOCNTC] 2.2.1.8 */
const photoName = 'ContactPicture.jpg';
export const isPhotoName = (name: string): boolean => name.toLowerCase() === photoName.toLowerCase();

const valuesGiven = (
  values: readonly (readonly [MapiProperty, MapiPropertyValue['value']])[],
): readonly MapiPropertyValue[] => values.map(([property, value]) => ({ property, value }));

/**
 * A file by its bytes. An attached item is one of type message/rfc822: of the item only its MIME is known, and whoever opens the file has
 * the item before him.
 *
 * @param ofContact Then a file of the name that pictures have is the picture.
 */
export function writeAttachment({ head, bytes }: AttachmentContent, ofContact = false): MapiAttachment {
  const contentType = head.contentType ?? (head.kind === 'item' ? 'message/rfc822' : null);
  const properties = valuesGiven([
    [at.method, methods.byValue],
    [at.name, head.name],
    [at.fileName, head.name],
    ...(contentType === null ? [] : ([[at.contentType, contentType]] as const)),
    ...(head.contentId === null ? [] : ([[at.contentId, head.contentId]] as const)),
    [at.rendering, noPlaceInText],
    [at.mhtmlFlags, head.isInline ? inBody : 0],
    [at.isHidden, head.isInline],
    ...(ofContact && isPhotoName(head.name) ? ([[at.isContactPhoto, true]] as const) : []),
  ]);
  return { properties, content: bytes, message: null };
}

/** Times of a modified occurrence, by the clock of the series as if it were UTC, and the instant that it replaces. */
export interface ExceptionTimes {
  readonly start: number;
  readonly end: number;
  readonly replaces: number;
}

/** The message of a modified occurrence as an attachment ([MS-OXOCAL] 2.2.10.1). */
export const exceptionAttachment = (message: MapiMessage, times: ExceptionTimes): MapiAttachment => ({
  properties: valuesGiven([
    [at.method, methods.embeddedMessage],
    [at.name, 'Untitled'],
    [at.rendering, noPlaceInText],
    [at.mhtmlFlags, 0],
    [at.isHidden, true],
    [at.flags, exceptionFlag],
    [at.linkId, 0],
    [at.exceptionStart, times.start],
    [at.exceptionEnd, times.end],
    [at.exceptionReplaces, times.replaces],
  ]),
  content: null,
  message,
});

/** Whether the attachment holds the message of a modified occurrence, not something that a person attached. */
export function isException({ properties }: MapiAttachment): boolean {
  const flags = valuesOf(properties)(at.flags);
  return isNumber(flags) && (flags & exceptionFlag) !== 0;
}

/** The MIME of an attached item: as such it is compared, handed out, and written elsewhere. */
export type AttachedItemBytes = (message: MapiMessage) => Promise<Buffer>;

/** @returns null for one without content: a link, or an OLE object whose bytes are elsewhere */
export async function readAttachment(
  { properties, content, message }: MapiAttachment,
  itemBytes: AttachedItemBytes,
): Promise<AttachmentContent | null> {
  const mime = message === null ? null : await itemBytes(message);
  const bytes = mime === null ? content : payloadOfBytes(mime);
  if (bytes === null) return null;
  const get = valuesOf(properties);
  const text = (property: MapiProperty) => {
    const value = get(property);
    return typeof value === 'string' && value !== '' ? value : null;
  };
  const name = text(at.fileName) ?? text(at.shortFileName) ?? text(at.name) ?? '';
  const flags = get(at.mhtmlFlags);
  const head: AttachmentHead = {
    name: get(at.isContactPhoto) === true && !isPhotoName(name) ? photoName : name,
    contentType: text(at.contentType),
    contentId: text(at.contentId),
    isInline: get(at.isHidden) === true || (isNumber(flags) && (flags & inBody) !== 0),
    sizeBytes: bytes.sizeBytes,
    hash: mime === null ? await hashOf(bytes) : itemDigest(mime),
    kind: message === null ? 'file' : 'item',
  };
  return { head, bytes };
}

async function hashOf(bytes: Payload): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of bytes.bytes()) hash.update(chunk);
  return hash.digest('hex').slice(0, 32);
}
