/**
 * The frame around an exported item (`t:Data` of ExportItems and UploadItems): records of operation, length, bytes. Nobody documents
 * it; it was read off published samples. Operation 2 carries the FastTransfer stream of [MS-OXCFXICS] in pieces.
 */
export interface FrameRecord {
  readonly operation: number;
  /** As its head says; more than the bytes there are when the stream was cut off. */
  readonly length: number;
  readonly bytes: Buffer;
}

export interface Frames {
  readonly records: readonly FrameRecord[];
  /** Less than the head of a record. */
  readonly rest: Buffer;
  readonly isCutOff: boolean;
}

export const operations = { configuration: 1, data: 2, interface: 3, version: 4 } as const;
const HEAD = 8;

export function readFrames(bytes: Uint8Array): Frames {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const records: FrameRecord[] = [];
  let at = 0;
  let isCutOff = false;
  while (at + HEAD <= buffer.length) {
    const operation = buffer.readUInt32LE(at);
    const length = buffer.readUInt32LE(at + 4);
    const content = buffer.subarray(at + HEAD, at + HEAD + length);
    records.push({ operation, length, bytes: content });
    isCutOff = content.length < length;
    at += HEAD + content.length;
  }
  return { records, rest: buffer.subarray(at), isCutOff: isCutOff || at < buffer.length };
}

export function writeFrames({ records, rest }: Pick<Frames, 'records' | 'rest'>): Buffer {
  const parts: Buffer[] = [];
  for (const { operation, length, bytes } of records) parts.push(recordHead(operation, length), bytes);
  return Buffer.concat([...parts, rest]);
}

export function recordHead(operation: number, length: number): Buffer {
  const head = Buffer.alloc(HEAD);
  head.writeUInt32LE(operation, 0);
  head.writeUInt32LE(length, 4);
  return head;
}

export const record = (operation: number, bytes: Buffer): FrameRecord => ({ operation, length: bytes.length, bytes });

/** IID_IMessage, as the interface that the stream is copied to. */
const messageInterface = Buffer.from('0703020000000000c000000000000046', 'hex');

/** Version of the server that made the stream: major and minor, build, revision. */
export type StreamVersion = readonly [major: number, minor: number, build: number, revision: number];

/**
 * 14.1.164, Exchange 2010 SP1, the first that knows such streams: a server takes those of older versions.
 */
export const oldestStreamVersion: StreamVersion = [14, 1, 164, 0];

/** The records in front of the data, as the samples have them. */
export function headRecords([major, minor, build, revision]: StreamVersion): readonly FrameRecord[] {
  const configuration = Buffer.alloc(8);
  configuration.writeUInt32LE(1, 4);
  const iface = Buffer.alloc(24);
  iface.writeUInt32LE(1, 0);
  messageInterface.copy(iface, 4);
  iface.writeUInt32LE(0x80002400, 20);
  const version = Buffer.alloc(6);
  version.writeUInt16LE((major << 8) | minor, 0);
  version.writeUInt16LE(0x8000 | build, 2);
  version.writeUInt16LE(revision, 4);
  return [
    record(operations.configuration, configuration),
    record(operations.interface, iface),
    record(operations.version, version),
  ];
}
