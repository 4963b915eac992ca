import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Payload, payloadBytes, payloadOfBytes } from '#kit/payload.ts';
import { causewayPropertySet } from '#model/stamp.ts';
import { anyMapiMessage, comparable } from '../mapi/any-message.fixture.ts';
import type { MapiMessage } from '../mapi/mapi-message.ts';
import { operations, readFrames } from './frames.ts';
import { messageOfStream } from './message-of-stream.ts';
import { markers, newStream, partsOf, readStream, type StreamNode, writeStream } from './message-stream.ts';
import { StreamError } from './stream-error.ts';
import { streamOfMessage } from './stream-of-message.ts';
import { makeProperty } from './stream-property.ts';

const written = (message: MapiMessage): Promise<Buffer> => payloadBytes(streamOfMessage(message));
const nothing: MapiMessage = { properties: [], recipients: [], attachments: [] };
const file = (content: Payload): MapiMessage => ({
  ...nothing,
  attachments: [{ properties: [], content, message: null }],
});

describe('any message', () => {
  test('comes back with every property, row, attachment and message inside', async () => {
    await fc.assert(
      fc.asyncProperty(anyMapiMessage, async (message) => {
        const { message: read, unkept } = messageOfStream(await written(message));
        expect(unkept).toEqual([]);
        expect(await comparable(read)).toEqual(await comparable(message));
      }),
      { numRuns: 300 },
    );
  });

  test('makes a stream of the length that it says, of pieces that a server takes', async () => {
    await fc.assert(
      fc.asyncProperty(anyMapiMessage, async (message) => {
        const stream = streamOfMessage(message);
        const bytes = await payloadBytes(stream);
        expect(bytes.length).toBe(stream.sizeBytes);
        expect(await payloadBytes(stream)).toEqual(bytes);
        const { records, isCutOff } = readFrames(bytes);
        expect(isCutOff).toBe(false);
        const pieces = records.filter(({ operation }) => operation === operations.data);
        expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThanOrEqual(31_680);
        // Cut as the writer of whole trees cuts, whose pieces are tested by themselves.
        const { nodes } = readStream(bytes);
        expect(writeStream(newStream(nodes)).equals(bytes)).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  test('as base64 it is the same', async () => {
    await fc.assert(
      fc.asyncProperty(anyMapiMessage, async (message) => {
        const stream = streamOfMessage(message);
        const text: Uint8Array[] = [];
        for await (const chunk of stream.base64()) text.push(chunk);
        expect(Buffer.concat(text).toString('latin1')).toBe((await payloadBytes(stream)).toString('base64'));
      }),
      { numRuns: 50 },
    );
  });
});

describe('a damaged stream', () => {
  const damaged = fc.oneof(
    fc.record({ cut: fc.nat() }),
    fc.record({ bytes: fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 6 }) }),
    fc.record({ word: fc.nat(), value: fc.constantFrom(0, 0xffffffff, 0x7fffffff, 0x80000000, 0x40000003, 0x10000) }),
    fc.record({ from: fc.nat(), length: fc.nat({ max: 200 }), to: fc.nat() }),
  );
  type Damage = typeof damaged extends fc.Arbitrary<infer T> ? T : never;

  function damage(whole: Buffer, how: Damage): Buffer {
    if ('cut' in how) return whole.subarray(0, how.cut % whole.length);
    const bytes = Buffer.from(whole);
    if ('bytes' in how) for (const [at, value] of how.bytes) bytes[at % bytes.length] = value;
    else if ('word' in how) bytes.writeUInt32LE(how.value, how.word % (bytes.length - 3));
    else bytes.copyWithin(how.to % bytes.length, how.from % bytes.length, (how.from % bytes.length) + how.length);
    return bytes;
  }

  /** A view with other bytes behind its end: what is read must not depend on them. */
  const followedBy = (bytes: Buffer, behind: number): Buffer => {
    const room = Buffer.alloc(bytes.length + 4096, behind);
    bytes.copy(room);
    return room.subarray(0, bytes.length);
  };

  test('is read, or refused by name; nothing is taken from beyond its end', async () => {
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(anyMapiMessage, fc.array(damaged, { minLength: 20, maxLength: 20 }), async (message, ways) => {
        const whole = await written(message);
        for (const how of ways) {
          const bytes = damage(whole, how);
          try {
            const [one, other] = [0x00, 0xee].map((behind) => messageOfStream(followedBy(bytes, behind)).message);
            if (one === undefined || other === undefined) throw new TypeError('two were read');
            // Whatever was made of it is a message like any other.
            expect((await written(one)).equals(await written(other))).toBe(true);
          } catch (error) {
            expect(error).toBeInstanceOf(StreamError);
            refused++;
          }
        }
      }),
      { numRuns: 250 },
    );
    expect(refused).toBeGreaterThan(500);
  }, 60_000);
});

const raw = (hex: string, type: number, id: number, valueAt = 4): StreamNode => ({
  kind: 'property',
  type,
  id,
  name: null,
  raw: Buffer.from(hex, 'hex'),
  valueAt,
});

test('properties of types that no value of ours has are carried as they came; errors and marks of the stream are not', async () => {
  const named = makeProperty({ set: causewayPropertySet, name: 'Counts', type: 'boolean' }, true, 0x9000);
  const short: StreamNode = { ...named, type: 0x0002, raw: Buffer.from(named.raw) };
  short.raw.writeUInt16LE(0x0002, 0);
  const stream = writeStream(
    newStream([
      makeProperty({ tag: 0x4008, type: 'string' }, '/o=first', 0),
      makeProperty({ tag: 0x0037, type: 'string' }, 'kept', 0),
      raw('0211703a0200000001000000ab02000000cdef', 0x1102, 0x3a70),
      raw('0600703b0102030405060708', 0x0006, 0x3b70),
      raw('0a0000100f010480', 0x000a, 0x1000),
      short,
    ]),
  );
  const { message, unkept } = messageOfStream(stream);
  expect(unkept).toEqual([]);
  expect(message.properties).toEqual([{ property: { tag: 0x0037, type: 'string' }, value: 'kept' }]);
  expect(message.opaque?.map(({ typeCode }) => typeCode)).toEqual([0x1102, 0x0006, 0x0002]);
  const again = messageOfStream(await written(message)).message;
  expect(again).toEqual(message);
});

test('such a property of a recipient is named', () => {
  const nodes = [raw('0211703a0100000001000000ab', 0x1102, 0x3a70)];
  const stream = writeStream(newStream([{ kind: 'recipient', marker: markers.startRecip, nodes, isClosed: true }]));
  expect(messageOfStream(stream).unkept).toEqual(['0x3a70 of type 0x1102']);
});

test('the storage of an OLE object is written as the object that it is', async () => {
  const properties = [{ property: { tag: 0x3705, type: 'integer' }, value: 6 }] as const;
  const message = { ...nothing, attachments: [{ properties, content: payloadOfBytes(Buffer.of(1)), message: null }] };
  const [part] = partsOf(readStream(await written(message)).nodes, 'attachment');
  expect(part?.nodes.map((node) => (node.kind === 'property' ? node.type : null))).toEqual([0x0003, 0x0003, 0x000d]);
});

test('a content of another length than announced ends the stream with an error', async () => {
  const content = payloadOfBytes(Buffer.alloc(10));
  for (const sizeBytes of [9, 11]) await expect(written(file({ ...content, sizeBytes }))).rejects.toThrow(RangeError);
});
