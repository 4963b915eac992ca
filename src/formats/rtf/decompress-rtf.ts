import { crc32 } from 'node:zlib';

/** Compressed RTF, the form of PidTagRtfCompressed. [MS-OXRTFCP] 2.1.3 */

const headBytes = 16;
const [compressed, plain] = [0x75465a4c, 0x414c454d];
const ringBytes = 4096;
/** What the ring holds in the beginning. [MS-OXRTFCP] 2.1.3.1.1 */
const beginning = Buffer.from(
  '{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx',
  'latin1',
);
/** No body is larger: what announces more is broken. */
const rawBytesMax = 128 * 1024 * 1024;

/** CRC-32 without the inversions at its ends, as [MS-OXRTFCP] 2.1.3.1.4 has it. */
const bareCrc = (bytes: Buffer): number => (crc32(bytes, 0xffffffff) ^ 0xffffffff) >>> 0;

/** @returns null for bytes that are no compressed RTF, or a damaged one */
export function decompressRtf(bytes: Uint8Array): Buffer | null {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length < headBytes) return null;
  const [length, rawLength, form, crc] = [0, 4, 8, 12].map((at) => buffer.readUInt32LE(at)) as [
    number,
    number,
    number,
    number,
  ];
  if (rawLength > rawBytesMax || length + 4 > buffer.length || length + 4 < headBytes) return null;
  const content = buffer.subarray(headBytes, length + 4);
  if (form === plain) return rawLength <= content.length ? content.subarray(0, rawLength) : null;
  if (form !== compressed || bareCrc(content) !== crc) return null;
  return inflate(content, rawLength);
}

function inflate(content: Buffer, rawLength: number): Buffer | null {
  const ring = Buffer.alloc(ringBytes);
  beginning.copy(ring);
  let end = beginning.length;
  const out = Buffer.alloc(rawLength);
  let size = 0;
  const put = (byte: number): boolean => {
    if (size >= rawLength) return false;
    out[size++] = byte;
    ring[end] = byte;
    end = (end + 1) % ringBytes;
    return true;
  };
  for (let at = 0; at < content.length; ) {
    const control = content.readUInt8(at++);
    for (let bit = 0; bit < 8; bit++) {
      if (at >= content.length) return size === rawLength ? out : null;
      if ((control & (1 << bit)) === 0) {
        if (!put(content.readUInt8(at++))) return null;
        continue;
      }
      if (at + 2 > content.length) return null;
      const reference = content.readUInt16BE(at);
      at += 2;
      const from = reference >> 4;
      // The place that is written next stands for the end.
      if (from === end) return size === rawLength ? out : null;
      const count = (reference & 0xf) + 2;
      for (let n = 0; n < count; n++) if (!put(ring.readUInt8((from + n) % ringBytes))) return null;
    }
  }
  return size === rawLength ? out : null;
}
