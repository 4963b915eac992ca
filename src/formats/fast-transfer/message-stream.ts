import type { MapiProperty } from '#model/property-row.ts';
import type { MapiValue } from '../mapi/mapi-message.ts';
import {
  type FrameRecord,
  headRecords,
  oldestStreamVersion,
  operations,
  readFrames,
  record,
  type StreamVersion,
  writeFrames,
} from './frames.ts';
import {
  isNamedId,
  isProperty,
  makeProperty,
  propertyValue,
  readProperty,
  type StreamProperty,
} from './stream-property.ts';

/** Markers of a message ([MS-OXCFXICS] 2.2.4.1.4). They have the shape of a property without a value. */
export const markers = {
  newAttach: 0x40000003,
  startEmbed: 0x40010003,
  endEmbed: 0x40020003,
  startRecip: 0x40030003,
  endToRecip: 0x40040003,
  startMessage: 0x400c0003,
  endMessage: 0x400d0003,
  endAttach: 0x400e0003,
  startFaiMessage: 0x40100003,
} as const;

export type PartKind = 'message' | 'recipient' | 'attachment' | 'embedded';
const opening: ReadonlyMap<number, { readonly kind: PartKind; readonly end: number }> = new Map([
  [markers.newAttach, { kind: 'attachment', end: markers.endAttach }],
  [markers.startEmbed, { kind: 'embedded', end: markers.endEmbed }],
  [markers.startRecip, { kind: 'recipient', end: markers.endToRecip }],
  [markers.startMessage, { kind: 'message', end: markers.endMessage }],
  [markers.startFaiMessage, { kind: 'message', end: markers.endMessage }],
] as const);
const closing: ReadonlySet<number> = new Set([...opening.values()].map(({ end }) => end));
/** Other markers, of folders and of synchronisation: no message has them ([MS-OXCFXICS] 2.2.4.1.4). */
const foreign: ReadonlySet<number> = new Set([
  ...[0x40090003, 0x400a0003, 0x400b0003, 0x40120003, 0x40130003, 0x40140003, 0x40150003, 0x40180003],
  ...[0x402f0003, 0x403a0003, 0x403b0003, 0x4074000b, 0x4075000b, 0x407b0102, 0x407d0003],
]);

/** What has an end: recipients, attachments, the message inside an attachment. */
export interface StreamPart {
  readonly kind: PartKind;
  readonly marker: number;
  readonly nodes: readonly StreamNode[];
  /** False: the stream is over before the part is. */
  readonly isClosed: boolean;
}
export type StreamNode = StreamProperty | StreamPart;

/** Why a stream could only be read up to some place. */
export const streamProblems = {
  truncated: 'it ends in the middle of a record, a property or a part',
  'unknown-type': 'a property has a type of which nobody knows how long it is',
  'bad-name': 'the name of a property is neither a number nor a text',
  'foreign-marker': 'it holds folders or changes, not one message',
  unbalanced: 'a part ends that has not begun',
  'too-deep': 'messages are attached to messages more than 64 times over',
  'no-data': 'it has no record with data',
} as const;
export type StreamProblem = keyof typeof streamProblems;

/** A message as it was exported. `writeStream(readStream(bytes))` are the same bytes, also when they end too soon. */
export interface MessageStream {
  /** Records around the data, in order; the data itself is in `nodes`. */
  readonly before: readonly FrameRecord[];
  readonly after: readonly FrameRecord[];
  /** Lengths of the pieces the data came in; null: cut anew. The last may announce more than there is. */
  readonly pieces: readonly FrameRecord[] | null;
  readonly nodes: readonly StreamNode[];
  /** Data behind the place up to which it could be read. */
  readonly rest: Buffer;
  readonly tail: Buffer;
  readonly problem: StreamProblem | null;
}

const depthMax = 64;

export function readStream(bytes: Uint8Array): MessageStream {
  const { records, rest: tail, isCutOff } = readFrames(bytes);
  const isData = ({ operation }: FrameRecord) => operation === operations.data;
  const first = records.findIndex(isData);
  const last = records.findLastIndex(isData);
  if (first < 0) {
    return {
      before: records,
      after: [],
      pieces: [],
      nodes: [],
      rest: Buffer.alloc(0),
      tail,
      problem: isCutOff ? 'truncated' : 'no-data',
    };
  }
  const pieces = records.slice(first, last + 1);
  const data = Buffer.concat(pieces.filter(isData).map((one) => one.bytes));
  const { nodes, end, problem } = readNodes(data);
  return {
    before: records.slice(0, first),
    after: records.slice(last + 1),
    pieces,
    nodes,
    rest: data.subarray(end),
    tail,
    problem: problem ?? (isCutOff ? 'truncated' : null),
  };
}

interface Open {
  readonly kind: PartKind;
  readonly marker: number;
  readonly end: number;
  readonly nodes: StreamNode[];
}

function readNodes(data: Buffer): { nodes: readonly StreamNode[]; end: number; problem: StreamProblem | null } {
  const root: StreamNode[] = [];
  const stack: Open[] = [];
  let nodes = root;
  let at = 0;
  let problem: StreamProblem | null = null;
  while (at < data.length && problem === null) {
    const marker = at + 4 <= data.length ? data.readUInt32LE(at) : 0;
    const opens = opening.get(marker);
    if (opens !== undefined) {
      if (stack.length >= depthMax) {
        problem = 'too-deep';
        break;
      }
      const open: Open = { ...opens, marker, nodes: [] };
      stack.push(open);
      nodes = open.nodes;
      at += 4;
    } else if (closing.has(marker)) {
      const open = stack.at(-1);
      if (open === undefined || open.end !== marker) {
        problem = 'unbalanced';
        break;
      }
      stack.pop();
      nodes = stack.at(-1)?.nodes ?? root;
      nodes.push({ kind: open.kind, marker: open.marker, nodes: open.nodes, isClosed: true });
      at += 4;
    } else if (foreign.has(marker)) {
      problem = 'foreign-marker';
    } else {
      const property = readProperty(data, at);
      if (typeof property === 'string') {
        problem = property;
        break;
      }
      nodes.push(property);
      at += property.raw.length;
    }
  }
  if (stack.length > 0) problem ??= 'truncated';
  for (let open = stack.pop(); open !== undefined; open = stack.pop()) {
    const outer = stack.at(-1)?.nodes ?? root;
    outer.push({ kind: open.kind, marker: open.marker, nodes: open.nodes, isClosed: false });
  }
  return { nodes: root, end: at, problem };
}

export const markerBytes = (marker: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(marker);
  return bytes;
};

/** Elements in order: each may begin a new piece, none may be cut but inside a long value. */
function* elements(nodes: readonly StreamNode[]): Generator<Buffer> {
  for (const node of nodes) {
    if (node.kind === 'property') {
      yield node.raw;
      continue;
    }
    yield markerBytes(node.marker);
    yield* elements(node.nodes);
    const end = opening.get(node.marker)?.end;
    if (node.isClosed && end !== undefined) yield markerBytes(end);
  }
}

/** What fits into one buffer of the protocol ([MS-OXCROPS]: 32 kB less the heads); larger ones are assumed to be refused. */
const pieceMax = 31_680;

/** Lengths of the pieces for elements of these lengths. Longer than a piece: its head is in the first, and only its value is cut. */
export function* pieceLengths(lengths: Iterable<number>): Generator<number> {
  let size = 0;
  for (const length of lengths) {
    if (size > 0 && size + length > pieceMax) {
      yield size;
      size = 0;
    }
    let left = length;
    for (; left > pieceMax; left -= pieceMax) yield pieceMax;
    size += left;
  }
  if (size > 0) yield size;
}

function cutAnew(nodes: readonly StreamNode[], rest: Buffer): readonly FrameRecord[] {
  const parts = [...elements(nodes), rest];
  const data = Buffer.concat(parts);
  let at = 0;
  return [...pieceLengths(parts.map((part) => part.length))].map((length) => {
    at += length;
    return record(operations.data, data.subarray(at - length, at));
  });
}

/** The same records over the data as it is now. */
function cutAsBefore(pieces: readonly FrameRecord[], data: Buffer): readonly FrameRecord[] {
  let at = 0;
  return pieces.map((piece) => {
    if (piece.operation !== operations.data) return piece;
    at += piece.bytes.length;
    return { ...piece, bytes: data.subarray(at - piece.bytes.length, at) };
  });
}

export function writeStream(stream: MessageStream): Buffer {
  const { before, after, pieces, nodes, rest, tail } = stream;
  const data = pieces === null ? cutAnew(nodes, rest) : cutAsBefore(pieces, Buffer.concat([...elements(nodes), rest]));
  return writeFrames({ records: [...before, ...data, ...after], rest: tail });
}

/** A stream of ours. */
export function newStream(nodes: readonly StreamNode[], version: StreamVersion = oldestStreamVersion): MessageStream {
  const none = Buffer.alloc(0);
  return { before: headRecords(version), after: [], pieces: null, nodes, rest: none, tail: none, problem: null };
}

/** The nodes of the message itself: a stream may or may not put markers around them. */
export function messageNodes(stream: MessageStream): readonly StreamNode[] {
  const [only] = stream.nodes.filter((node): node is StreamPart => node.kind === 'message');
  return only === undefined ? stream.nodes : only.nodes;
}

function findProperty(nodes: readonly StreamNode[], wanted: MapiProperty): StreamProperty | null {
  return nodes.find((node): node is StreamProperty => node.kind === 'property' && isProperty(node, wanted)) ?? null;
}

/** Value of a property; undefined: the message has none. */
export function findValue(nodes: readonly StreamNode[], wanted: MapiProperty): MapiValue | undefined {
  const property = findProperty(nodes, wanted);
  return property === null ? undefined : propertyValue(property);
}

export const partsOf = (nodes: readonly StreamNode[], kind: PartKind): readonly StreamPart[] =>
  nodes.filter((node): node is StreamPart => node.kind === kind);

/** 0x4016, says that what follows replaces the recipients or attachments there are: where the properties are over. */
export const deletesChildren = 0x4016;

export interface PropertyEdit {
  readonly property: MapiProperty;
  /** Null removes it. */
  readonly value: MapiValue;
}

/** Ids of named properties are free numbers within the stream: the first that nothing has. */
export function freeNamedIds(nodes: readonly StreamNode[]): () => number {
  const taken = new Set<number>();
  const collect = (some: readonly StreamNode[]) => {
    for (const node of some) {
      if (node.kind !== 'property') collect(node.nodes);
      else if (isNamedId(node.id)) taken.add(node.id);
    }
  };
  collect(nodes);
  let next = 0x8000;
  return () => {
    while (taken.has(next)) next++;
    taken.add(next);
    return next;
  };
}

function edited(
  nodes: readonly StreamNode[],
  edits: readonly PropertyEdit[],
  newId: () => number,
): readonly StreamNode[] {
  const left = new Set(edits);
  const kept = nodes.flatMap((node): readonly StreamNode[] => {
    const edit = node.kind === 'property' ? edits.find(({ property }) => isProperty(node, property)) : undefined;
    if (edit === undefined || node.kind !== 'property') return [node];
    const isFirst = left.delete(edit);
    return isFirst && edit.value !== null ? [makeProperty(edit.property, edit.value, node.id)] : [];
  });
  const added = [...left].flatMap(({ property, value }): readonly StreamNode[] =>
    value === null ? [] : [makeProperty(property, value, 'tag' in property ? property.tag : newId())],
  );
  // A list of properties ends where recipients or attachments begin, or the announcement that they are replaced.
  const end = kept.findIndex((node) => node.kind !== 'property' || node.id === deletesChildren);
  const at = end < 0 ? kept.length : end;
  return [...kept.slice(0, at), ...added, ...kept.slice(at)];
}

/**
 * Sets properties of the message, and touches nothing else of it. A stream that ends too soon cannot be added to.
 *
 * @throws RangeError when the stream could not be read to its end
 */
export function setProperties(stream: MessageStream, edits: readonly PropertyEdit[]): MessageStream {
  if (stream.problem !== null) throw new RangeError(`stream: ${streamProblems[stream.problem]}`);
  const newId = freeNamedIds(stream.nodes);
  const wrapped = stream.nodes.findIndex((node) => node.kind === 'message');
  const nodes =
    wrapped < 0
      ? edited(stream.nodes, edits, newId)
      : stream.nodes.map((node, at) =>
          at === wrapped && node.kind === 'message' ? { ...node, nodes: edited(node.nodes, edits, newId) } : node,
        );
  return { ...stream, nodes, pieces: null };
}
