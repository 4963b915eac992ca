import { hash } from 'node:crypto';
import { payloadBytes, payloadOfBytes } from '#kit/payload.ts';
import type { AttachmentContent, AttachmentHead } from '#model/appointment.ts';
import type { MapiProperty } from '#model/property-row.ts';
import type { MapiValue } from '../mapi/mapi-message.ts';
import { findValue, markers, partsOf, type StreamNode, type StreamPart } from './message-stream.ts';
import { makeProperty } from './stream-property.ts';

/** Properties of an attachment ([MS-OXCMSG] 2.2.2). */
export const attachmentProperties = {
  number: { tag: 0x0e21, type: 'integer' },
  method: { tag: 0x3705, type: 'integer' },
  name: { tag: 0x3001, type: 'string' },
  shortFileName: { tag: 0x3704, type: 'string' },
  fileName: { tag: 0x3707, type: 'string' },
  contentType: { tag: 0x370e, type: 'string' },
  contentId: { tag: 0x3712, type: 'string' },
  rendering: { tag: 0x370b, type: 'integer' },
  mhtmlFlags: { tag: 0x3714, type: 'integer' },
  isHidden: { tag: 0x7ffe, type: 'boolean' },
  data: { tag: 0x3701, type: 'binary' },
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
export const exceptionFlag = 0x2;

export function attachmentPart(
  values: readonly (readonly [MapiProperty, MapiValue])[],
  inside: readonly StreamNode[] = [],
): StreamPart {
  const nodes = values.map(([property, value]) => makeProperty(property, value, 0));
  return { kind: 'attachment', marker: markers.newAttach, nodes: [...nodes, ...inside], isClosed: true };
}

/**
 * A file by its bytes. An attached item is one of type message/rfc822: of the item only its MIME is known, and whoever opens the file has
 * the item before him.
 */
export async function writeAttachment({ head, bytes }: AttachmentContent, number: number): Promise<StreamPart> {
  const contentType = head.contentType ?? (head.kind === 'item' ? 'message/rfc822' : null);
  return attachmentPart([
    [at.number, number],
    [at.method, methods.byValue],
    [at.name, head.name],
    [at.fileName, head.name],
    ...(contentType === null ? [] : ([[at.contentType, contentType]] as const)),
    ...(head.contentId === null ? [] : ([[at.contentId, head.contentId]] as const)),
    [at.rendering, -1],
    [at.mhtmlFlags, head.isInline ? inBody : 0],
    [at.isHidden, head.isInline],
    [at.data, await payloadBytes(bytes)],
  ]);
}

/** Whether the part holds the message of a modified occurrence, not something that a person attached. */
export function isException({ nodes }: StreamPart): boolean {
  const flags = findValue(nodes, at.flags);
  return typeof flags === 'number' && (flags & exceptionFlag) !== 0;
}

/** @returns null for a part without content: a link, or an OLE object whose bytes are elsewhere */
export function readAttachment(part: StreamPart): AttachmentContent | null {
  const { nodes } = part;
  const text = (property: MapiProperty) => {
    const value = findValue(nodes, property);
    return typeof value === 'string' && value !== '' ? value : null;
  };
  const [embedded] = partsOf(nodes, 'embedded');
  const data = embedded === undefined ? findValue(nodes, at.data) : rawOf(embedded.nodes);
  if (!Buffer.isBuffer(data)) return null;
  const flags = findValue(nodes, at.mhtmlFlags);
  const head: AttachmentHead = {
    name: text(at.fileName) ?? text(at.shortFileName) ?? text(at.name) ?? '',
    contentType: text(at.contentType),
    contentId: text(at.contentId),
    isInline: findValue(nodes, at.isHidden) === true || (typeof flags === 'number' && (flags & inBody) !== 0),
    sizeBytes: data.length,
    hash: hash('sha256', data, 'hex').slice(0, 32),
    kind: embedded === undefined ? 'file' : 'item',
  };
  return { head, bytes: payloadOfBytes(data) };
}

/** An attached message as it stands in the stream, which is all there is of it here. */
const rawOf = (nodes: readonly StreamNode[]): Buffer =>
  Buffer.concat(nodes.map((node) => (node.kind === 'property' ? node.raw : rawOf(node.nodes))));
