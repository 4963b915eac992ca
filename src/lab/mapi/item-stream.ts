import { Malformed, u16, u32 } from './byte-cursor.ts';
import { readFastTransfer, writeFastTransfer } from './fast-transfer.ts';
import type { MapiMessage } from './message.ts';

// The record frame around an exported item: read off the published samples, nobody documents it. (FACTS §2)

const operation = { configuration: 1, data: 2, interface: 3, version: 4 } as const;
/** What fits into one buffer of the protocol. [MS-OXCROPS] 2.2.8.1 */
const pieceMax = 0x8000;
const pieceWritten = 31_680;
const messageInterface = Buffer.from('0703020000000000c000000000000046', 'hex');

export type Build = readonly [major: number, minor: number, build: number, revision: number];

/** The stream comes from a server that is newer than this one. */
export class NewerStream extends Error {
  override readonly name = 'NewerStream';
}

const frame = (of: number, bytes: Buffer): Buffer => Buffer.concat([u32(of), u32(bytes.length), bytes]);

function head(build: Build): readonly Buffer[] {
  const version = Buffer.concat([u16((build[0] << 8) | build[1]), u16(0x8000 | build[2]), u16(build[3])]);
  return [
    frame(operation.configuration, Buffer.concat([u32(0), u32(1)])),
    frame(operation.interface, Buffer.concat([u32(1), messageInterface, u32(0x80002400)])),
    frame(operation.version, version),
  ];
}

/** Records in front of bytes that are one piece. */
export const frameWhole = (data: Buffer, build: Build): Buffer =>
  Buffer.concat([...head(build), frame(operation.data, data)]);

/** The data of a stream, its records put together. @throws Malformed, NewerStream */
export function unframe(bytes: Buffer, own: Build): { readonly data: Buffer; readonly longestPiece: number } {
  const pieces: Buffer[] = [];
  let isFirst = true;
  for (let at = 0; at < bytes.length; ) {
    if (at + 8 > bytes.length) throw new Malformed('it ends in the middle of a record');
    const [of, length] = [bytes.readUInt32LE(at), bytes.readUInt32LE(at + 4)];
    const content = bytes.subarray(at + 8, at + 8 + length);
    if (content.length !== length) throw new Malformed('it ends in the middle of a record');
    if (isFirst && of !== operation.configuration) throw new Malformed('it does not begin with its configuration');
    isFirst = false;
    if (of === operation.data) pieces.push(content);
    else if (of === operation.version) {
      if (length < 6) throw new Malformed('a version that is none');
      if (content.readUInt16LE(0) >> 8 > own[0]) throw new NewerStream('the data comes from a newer server');
    } else if (of !== operation.configuration && of !== operation.interface)
      throw new Malformed('a record of a kind that nobody knows');
    at += 8 + length;
  }
  if (pieces.length === 0) throw new Malformed('it has no data');
  return { data: Buffer.concat(pieces), longestPiece: Math.max(...pieces.map(({ length }) => length)) };
}

/** A message as exports hand it out. */
export function writeMessageStream(message: MapiMessage, build: Build): Buffer {
  const records: Buffer[] = [...head(build)];
  let piece: Buffer[] = [];
  let size = 0;
  const flush = (): void => {
    if (size > 0) records.push(frame(operation.data, Buffer.concat(piece)));
    [piece, size] = [[], 0];
  };
  for (const element of writeFastTransfer(message)) {
    if (size + element.length > pieceWritten) flush();
    for (let at = 0; at < element.length; at += pieceWritten) {
      const part = element.subarray(at, at + pieceWritten);
      if (at > 0) flush();
      piece.push(part);
      size += part.length;
    }
  }
  flush();
  return Buffer.concat(records);
}

/** The message in a stream. Pieces that no buffer of the protocol could hold are refused (assumed). @throws Malformed */
export function readMessageStream({ data, longestPiece }: ReturnType<typeof unframe>): MapiMessage {
  if (longestPiece > pieceMax) throw new Malformed('a piece is larger than a buffer');
  return readFastTransfer(data);
}
