import * as fc from 'fast-check';
import { payloadBytes, payloadOfBytes } from '#kit/payload.ts';
import type { MapiProperty } from '#model/property-row.ts';
import { isSameProperty, type MapiAttachment, type MapiMessage, type MapiPropertyValue } from './mapi-message.ts';

const which = fc.oneof(
  fc.record({ set: fc.uuid(), lid: fc.nat({ max: 0x9000 }) }),
  fc.record({ set: fc.uuid(), name: fc.string({ maxLength: 20 }).filter((one) => !one.includes('\0')) }),
  fc.record({ tag: fc.integer({ min: 1, max: 0x3fff }).filter((tag) => ![0x3000, 0x0e21, 0x3701].includes(tag)) }),
);
/** Any text that UTF-16 can hold, half pairs too. */
const text = (maxLength: number) => fc.string({ maxLength, unit: 'binary' });
const typed = fc.oneof(
  fc.record({ type: fc.constant('string' as const), value: text(40) }),
  fc.record({ type: fc.constant('strings' as const), value: fc.array(text(10), { maxLength: 4 }) }),
  fc.record({ type: fc.constant('integer' as const), value: fc.integer() }),
  fc.record({ type: fc.constant('boolean' as const), value: fc.boolean() }),
  fc.record({
    type: fc.constant('time' as const),
    value: fc.integer({ min: -11_644_473_600_000, max: 80_000_000_000_000 }),
  }),
  fc.record({
    type: fc.constant('binary' as const),
    value: fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
  }),
  fc.record({ type: fc.constant('long' as const), value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) }),
  fc.record({ type: fc.constant('double' as const), value: fc.double({ noNaN: true }) }),
  fc.record({ type: fc.constant('guid' as const), value: fc.uuid() }),
);

/** Any property with a value of its type. */
const anyMapiValue: fc.Arbitrary<MapiPropertyValue> = fc
  .tuple(which, typed)
  .map(([name, { type, value }]) => ({ property: { ...name, type } as MapiProperty, value }));

const properties = (maxLength: number): fc.Arbitrary<readonly MapiPropertyValue[]> =>
  fc
    .uniqueArray(anyMapiValue, { maxLength, comparator: (a, b) => isSameProperty(a.property, b.property) })
    .map((values) => values as readonly MapiPropertyValue[]);

const content = fc.oneof(
  { weight: 4, arbitrary: fc.uint8Array({ maxLength: 80 }) },
  { weight: 1, arbitrary: fc.uint8Array({ minLength: 31_000, maxLength: 65_000, size: 'max' }) },
);

/** Any message, with messages inside of it. */
export const anyMapiMessage: fc.Arbitrary<MapiMessage> = fc.letrec<{
  message: MapiMessage;
  attachment: MapiAttachment;
}>((tie) => ({
  message: fc.record({
    properties: properties(6),
    recipients: fc.array(properties(4), { maxLength: 3 }),
    attachments: fc.oneof({ maxDepth: 3 }, fc.constant([]), fc.array(tie('attachment'), { maxLength: 3 })),
  }),
  attachment: fc.record({
    properties: properties(4),
    content: fc.option(content.map((bytes) => payloadOfBytes(bytes))),
    message: fc.option(tie('message')),
  }),
})).message;

const idOf = ({ property }: MapiPropertyValue): string =>
  'tag' in property ? `0 ${String(property.tag).padStart(5, '0')}` : JSON.stringify({ ...property, type: undefined });
const sorted = (values: readonly MapiPropertyValue[]) => [...values].sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1));

/** What two equal messages have alike: properties in the order of their names, contents as hexadecimal text. */
export async function comparable(message: MapiMessage): Promise<unknown> {
  const attachments = await Promise.all(
    message.attachments.map(async ({ properties: own, content: bytes, message: inner }) => ({
      properties: sorted(own),
      content: bytes === null ? null : (await payloadBytes(bytes)).toString('hex'),
      message: inner === null ? null : await comparable(inner),
    })),
  );
  return { properties: sorted(message.properties), recipients: message.recipients.map(sorted), attachments };
}
