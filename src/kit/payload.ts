/**
 * Bytes that are moved and not looked at: the MIME of a message, an attachment. Small ones are held in memory, large ones
 * are spooled to a file by whoever made the payload; the reader cannot tell. Servers speak base64, so a payload keeps the
 * form it arrived in and converts only when asked for the other.
 */
export interface Payload {
  /** Decoded length. */
  readonly sizeBytes: number;
  /** Decoded bytes, in chunks. May be read more than once until disposed. */
  bytes(): AsyncIterable<Uint8Array>;
  /** The same as canonical base64 text (no line breaks), in ASCII chunks whose lengths are multiples of 4. */
  base64(): AsyncIterable<Uint8Array>;
  /** The canonical base64 text when it is in memory anyway; null when it must be streamed. */
  readonly inMemoryBase64: Buffer | null;
  /** Removes the spool file, if there is one. Idempotent. */
  dispose(): Promise<void>;
}

/** A payload of bytes in memory. */
export function payloadOfBytes(content: Uint8Array): Payload {
  const plain = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  let encoded: Buffer | null = null;
  const text = () => (encoded ??= Buffer.from(plain.toString('base64'), 'latin1'));
  return {
    sizeBytes: plain.length,
    get inMemoryBase64() {
      return text();
    },
    async *bytes() {
      yield plain;
    },
    async *base64() {
      yield text();
    },
    dispose: async () => {},
  };
}

/** A payload of canonical base64 text in memory: padding correct, no white space (the maker has checked that). */
export function payloadOfBase64(text: Buffer): Payload {
  let padding = 0;
  while (padding < 2 && text[text.length - 1 - padding] === 0x3d) padding++;
  return {
    sizeBytes: (text.length / 4) * 3 - padding,
    inMemoryBase64: text,
    async *bytes() {
      yield Buffer.from(text.toString('latin1'), 'base64');
    },
    async *base64() {
      yield text;
    },
    dispose: async () => {},
  };
}

/** All of it at once. Only for payloads known to be small, and for tests. */
export async function payloadBytes(payload: Payload): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of payload.bytes()) chunks.push(chunk);
  return Buffer.concat(chunks);
}
