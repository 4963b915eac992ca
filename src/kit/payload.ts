import { AssertionFailure } from './assert.ts';

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
  /** What `base64` hands out, when it is in memory anyway; null when it must be streamed. */
  readonly inMemoryBase64: readonly Buffer[] | null;
  /** Removes the spool file, or gives the memory back. Idempotent. */
  dispose(): Promise<void>;
}

/** A payload of bytes in memory. */
export function payloadOfBytes(content: Uint8Array): Payload {
  const plain = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  let encoded: readonly Buffer[] | null = null;
  const text = () => (encoded ??= [Buffer.from(plain.toString('base64'), 'latin1')]);
  return {
    sizeBytes: plain.length,
    get inMemoryBase64() {
      return text();
    },
    async *bytes() {
      yield plain;
    },
    async *base64() {
      yield* text();
    },
    dispose: async () => {},
  };
}

/**
 * A payload of canonical base64 text in memory: padding correct, no white space (the maker has checked that), in pieces whose
 * lengths are multiples of 4. @param onDispose Called once; the memory may be used for something else from then on.
 */
export function payloadOfBase64(
  pieces: readonly Buffer[],
  sizeBytes: number,
  onDispose: () => void = () => {},
): Payload {
  let held: readonly Buffer[] | null = pieces;
  const text = (): readonly Buffer[] => {
    if (held === null) throw new AssertionFailure('a payload was read after it was disposed of');
    return held;
  };
  function* each(): Generator<Buffer> {
    for (let i = 0; i < pieces.length; i++) yield text()[i] as Buffer;
  }
  return {
    sizeBytes,
    get inMemoryBase64() {
      return text();
    },
    async *bytes() {
      for (const piece of each()) yield Buffer.from(piece.toString('latin1'), 'base64');
    },
    async *base64() {
      yield* each();
    },
    async dispose() {
      if (held === null) return;
      held = null;
      onDispose();
    },
  };
}

/** All of it at once. Only for payloads known to be small, and for tests. */
export async function payloadBytes(payload: Payload): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of payload.bytes()) chunks.push(chunk);
  return Buffer.concat(chunks);
}
