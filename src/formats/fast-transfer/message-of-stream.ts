import { type Payload, payloadOfBytes } from '#kit/payload.ts';
import type { MapiAttachment, MapiMessage, MapiPropertyValue, OpaqueProperty } from '../mapi/mapi-message.ts';
import { messageNodes, partsOf, readStream, type StreamNode, type StreamPart } from './message-stream.ts';
import { StreamError } from './stream-error.ts';
import { attachmentData, placeProperties } from './stream-of-message.ts';
import { isProperty, mapiPropertyOf, opaqueOf, propertyValue, type StreamProperty } from './stream-property.ts';

export interface MessageOfStream {
  readonly message: MapiMessage;
  /** Properties of recipients and attachments that are of types ours do not have (`OpaqueProperty`), such as `0x3a70 of type 0x1102`. */
  readonly unkept: readonly string[];
}

/**
 * An exported item of any kind. Values are views of one copy of the stream's data.
 *
 * @throws StreamError for a stream that cannot be read to its end, or holds something else
 */
export function messageOfStream(bytes: Uint8Array): MessageOfStream {
  const stream = readStream(bytes);
  if (stream.problem !== null) throw new StreamError(stream.problem);
  const unkept = new Set<string>();
  return { message: messageOf(messageNodes(stream), unkept), unkept: [...unkept] };
}

function messageOf(nodes: readonly StreamNode[], unkept: Set<string>): MapiMessage {
  const opaque: OpaqueProperty[] = [];
  const properties = valuesOf(nodes, [], (node) => opaque.push(opaqueOf(node)));
  return {
    properties,
    ...(opaque.length === 0 ? {} : { opaque }),
    recipients: partsOf(nodes, 'recipient').map((part) =>
      valuesOf(part.nodes, [placeProperties.recipient], named(unkept)),
    ),
    attachments: partsOf(nodes, 'attachment').map((part) => attachmentOf(part, unkept)),
  };
}

function attachmentOf({ nodes }: StreamPart, unkept: Set<string>): MapiAttachment {
  const [embedded] = partsOf(nodes, 'embedded');
  return {
    properties: valuesOf(nodes, [placeProperties.attachment, attachmentData], named(unkept)),
    content: contentOf(nodes),
    message: embedded === undefined ? null : messageOf(embedded.nodes, unkept),
  };
}

function contentOf(nodes: readonly StreamNode[]): Payload | null {
  const data = nodes.find(
    (node): node is StreamProperty => node.kind === 'property' && isProperty(node, attachmentData),
  );
  const value = data === undefined ? null : propertyValue(data);
  return Buffer.isBuffer(value) ? payloadOfBytes(value) : null;
}

const nameOf = ({ id, name, type }: StreamProperty): string => {
  const shown = (value: number) => `0x${value.toString(16).padStart(4, '0')}`;
  const which = name === null ? shown(id) : `{${name.set}} ${'lid' in name ? shown(name.lid) : name.name}`;
  return `${which} of type ${shown(type)}`;
};

const named = (unkept: Set<string>) => (node: StreamProperty) => void unkept.add(nameOf(node));

/** An error in place of a value ([MS-OXCDATA] 2.11.1): the server did not hand it out, so there is nothing to keep. */
const errorType = 0x000a;
/** From 0x4000 to 0x40ff: of the stream, not of the message ([MS-OXCFXICS] 2.2.4.1.5). */
const isMetaTag = ({ id, name }: StreamProperty): boolean => name === null && id >> 8 === 0x40;

function valuesOf(
  nodes: readonly StreamNode[],
  without: readonly { readonly tag: number; readonly type: 'integer' | 'binary' }[],
  other: (node: StreamProperty) => void,
): readonly MapiPropertyValue[] {
  const values: MapiPropertyValue[] = [];
  const seen = new Set<string>();
  for (const node of nodes) {
    if (node.kind !== 'property' || node.type === errorType || isMetaTag(node)) continue;
    if (without.some((property) => isProperty(node, property))) continue;
    // Of a property that is there twice the first counts, as for whoever looks it up.
    const key = node.name === null ? String(node.id) : JSON.stringify(node.name);
    if (seen.has(key)) continue;
    seen.add(key);
    const property = mapiPropertyOf(node);
    if (property === null) other(node);
    else values.push({ property, value: propertyValue(node) });
  }
  return values;
}
