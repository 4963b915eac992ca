import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { reference } from '#formats/text/reference.fixture.ts';
import type { MapiProperty } from '#model/property-row.ts';
import { headRecords, oldestStreamVersion, record, writeFrames } from './frames.ts';
import {
  findValue,
  freeNamedIds,
  markers,
  messageNodes,
  newStream,
  partsOf,
  readStream,
  type StreamNode,
  setProperties,
  writeStream,
} from './message-stream.ts';
import { makeProperty, propertyValue, readProperty } from './stream-property.ts';

const folder = reference('protocol/ews/fixtures');
const samples = [
  ['ms-docs', 'ms-docs/uploaditems-operation-UploadItems.xml'],
  ['ewseditor', 'ewseditor/UploadItems-UploadItems.xml'],
] as const;

describe.skipIf(folder === null)('streams that Exchange 2010 SP1 made, cut short where they were published', () => {
  const streams = samples.flatMap(([name, path]) => {
    const xml = folder === null ? '' : readFileSync(join(folder, path), 'utf8');
    return [...xml.matchAll(/<t:Data>([^<]+)</g)].map(
      ([, data = ''], at) => [`${name} ${at}`, Buffer.from(data, 'base64')] as const,
    );
  });

  test('there are four of them', () => {
    expect(streams).toHaveLength(4);
  });

  test.each(streams)('%s is read as far as it goes, and written byte for byte', (_name, bytes) => {
    const stream = readStream(bytes);
    expect(stream.problem).toBe('truncated');
    expect(writeStream(stream)).toEqual(bytes);
    expect(stream.before).toEqual(headRecords(oldestStreamVersion));
    const nodes = messageNodes(stream);
    expect(findValue(nodes, { tag: 0x001a, type: 'string' })).toBe('IPM.Note');
    expect(findValue(nodes, { tag: 0x0017, type: 'integer' })).toBe(1);
    expect(findValue(nodes, { tag: 0x4008, type: 'string' })).toMatch(
      /^\/O=FIRST ORGANIZATION\/OU=EXCHANGE .*\/CN=RECIPIENTS\/CN=$/,
    );
  });

  test('the second of them has a subject and a time', () => {
    const nodes = messageNodes(readStream(streams[1]?.[1] ?? Buffer.alloc(0)));
    expect(findValue(nodes, { tag: 0x0037, type: 'string' })).toBe('Interesting - from EWSMA');
    const sent = findValue(nodes, { tag: 0x0039, type: 'time' });
    expect(new Date(Number(sent)).toISOString().slice(0, 19)).toBe('2010-05-07T20:11:51');
  });

  test('nothing can be added to what is not complete', () => {
    const stream = readStream(streams[0]?.[1] ?? Buffer.alloc(0));
    expect(() => setProperties(stream, [])).toThrow(RangeError);
  });
});

const name = fc.oneof(
  fc.record({ set: fc.uuid(), lid: fc.nat({ max: 0x9000 }) }),
  fc.record({ set: fc.uuid(), name: fc.string({ maxLength: 20 }).filter((one) => !one.includes('\0')) }),
  fc.record({ tag: fc.integer({ min: 1, max: 0x3fff }) }),
);
const typed = fc.oneof(
  fc.record({ type: fc.constant('string' as const), value: fc.string({ maxLength: 40 }) }),
  fc.record({ type: fc.constant('strings' as const), value: fc.array(fc.string({ maxLength: 10 }), { maxLength: 4 }) }),
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
const anyProperty = fc
  .tuple(name, typed)
  .map(([which, { type, value }]) => ({ property: { ...which, type } as MapiProperty, value }));

describe('properties', () => {
  test('any value is read as it was written', () => {
    fc.assert(
      fc.property(anyProperty, ({ property, value }) => {
        const made = makeProperty(property, value, 0x8001);
        const read = readProperty(made.raw, 0);
        expect(read).toEqual(made);
        if (typeof read !== 'string') expect(propertyValue(read)).toEqual(value);
        expect(readProperty(made.raw.subarray(0, made.raw.length - 1), 0)).toBe('truncated');
      }),
      { numRuns: 300 },
    );
  });
});

const anyNodes = fc.letrec<{ part: StreamNode; property: StreamNode; node: StreamNode }>((tie) => ({
  property: anyProperty.map(({ property, value }) => makeProperty(property, value, 0x8001)),
  part: fc
    .record({
      of: fc.constantFrom(
        ['recipient', markers.startRecip] as const,
        ['attachment', markers.newAttach] as const,
        ['embedded', markers.startEmbed] as const,
        ['message', markers.startMessage] as const,
      ),
      nodes: fc.array(tie('node'), { maxLength: 4 }),
    })
    .map(({ of: [kind, marker], nodes }) => ({ kind, marker, nodes, isClosed: true })),
  node: fc.oneof({ maxDepth: 4 }, tie('property'), tie('part')),
})).node;

describe('streams', () => {
  test('any message is read as it was written', () => {
    fc.assert(
      fc.property(fc.array(anyNodes, { maxLength: 8 }), (nodes) => {
        const bytes = writeStream(newStream(nodes));
        const read = readStream(bytes);
        if (nodes.length > 0) expect(read.problem).toBeNull();
        expect(read.nodes).toEqual(nodes);
        expect(writeStream(read)).toEqual(bytes);
      }),
      { numRuns: 200 },
    );
  });

  test('any bytes are written as they were read', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.uint8Array({ maxLength: 200 }), (data, noise) => {
        const framed = Buffer.concat([
          writeFrames({
            records: [...headRecords(oldestStreamVersion), record(2, Buffer.from(data))],
            rest: Buffer.from(noise),
          }),
        ]);
        for (const bytes of [framed, Buffer.from(noise)]) expect(writeStream(readStream(bytes))).toEqual(bytes);
      }),
      { numRuns: 300 },
    );
  });

  test('pieces are cut between properties, or inside a long value, and join again', () => {
    const long = makeProperty({ tag: 0x1013, type: 'binary' }, Buffer.alloc(100_000, 1), 0);
    const short = makeProperty({ tag: 0x0037, type: 'string' }, 'x'.repeat(10_000), 0);
    const bytes = writeStream(newStream([short, long, short, short]));
    const stream = readStream(bytes);
    expect(stream.pieces?.map((piece) => piece.length)).toEqual([
      20_010,
      31_680,
      31_680,
      31_680,
      4_968 + 20_010,
      20_010,
    ]);
    expect(stream.nodes).toEqual([short, long, short, short]);
    expect(stream.problem).toBeNull();
  });

  test.each([
    ['no-data', writeFrames({ records: headRecords(oldestStreamVersion), rest: Buffer.alloc(0) })],
    ['truncated', Buffer.alloc(3)],
    ['unbalanced', dataOf('0300044000')],
    ['foreign-marker', dataOf('03000940')],
    ['unknown-type', dataOf('77003700')],
    ['bad-name', dataOf(`03000180${'00'.repeat(16)}07`)],
    ['too-deep', dataOf('03000140'.repeat(100))],
    ['truncated', dataOf('03000140')],
    ['truncated', dataOf('1f003700ffffff7f')],
    ['truncated', dataOf('03103700ffffffff')],
    ['truncated', dataOf('1f103700ffffff0f00000000')],
  ] as const)('%s (%#)', (problem, bytes) => {
    const stream = readStream(bytes);
    expect(stream.problem).toBe(problem);
    expect(writeStream(stream)).toEqual(bytes);
  });
});

function dataOf(hex: string): Buffer {
  return writeFrames({ records: [record(2, Buffer.from(hex, 'hex'))], rest: Buffer.alloc(0) });
}

describe('setting properties', () => {
  const subject: MapiProperty = { tag: 0x0037, type: 'string' };
  const ours: MapiProperty = { set: '7c3c5a4e-9d1b-4f0e-8a66-2f4b1d0c7e91', name: 'Ours', type: 'string' };
  const recipient: StreamNode = {
    kind: 'recipient',
    marker: markers.startRecip,
    nodes: [makeProperty(subject, 'not this', 0)],
    isClosed: true,
  };
  const message = [
    makeProperty(subject, 'old', 0),
    makeProperty({ tag: 0x4016, type: 'integer' }, 0x0e12000d, 0),
    recipient,
  ];

  test.each([
    ['a stream without markers', (nodes: readonly StreamNode[]) => nodes],
    [
      'one with',
      (nodes: readonly StreamNode[]): readonly StreamNode[] => [
        { kind: 'message', marker: markers.startMessage, nodes, isClosed: true },
      ],
    ],
  ])('puts new ones before recipients and replaces others where they are: %s', (_what, wrap) => {
    const stream = readStream(writeStream(newStream(wrap(message))));
    const edits = [
      { property: ours, value: 'mark' },
      { property: subject, value: 'new' },
    ];
    const after = readStream(writeStream(setProperties(stream, edits)));
    const nodes = messageNodes(after);
    expect(nodes.map((node) => (node.kind === 'property' ? node.id : node.kind))).toEqual([
      0x0037,
      0x8000,
      0x4016,
      'recipient',
    ]);
    expect(findValue(nodes, subject)).toBe('new');
    expect(findValue(nodes, ours)).toBe('mark');
    expect(findValue(partsOf(nodes, 'recipient')[0]?.nodes ?? [], subject)).toBe('not this');
  });

  test('a named property takes a number that no other has, anywhere in the stream', () => {
    const taken: StreamNode = {
      kind: 'embedded',
      marker: markers.startEmbed,
      nodes: [makeProperty({ ...ours, name: 'Theirs' }, 'x', 0x8000)],
      isClosed: true,
    };
    const newId = freeNamedIds([taken]);
    expect([newId(), newId()]).toEqual([0x8001, 0x8002]);
  });
});
