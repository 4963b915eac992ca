import { type Payload, payloadOfBytes } from '#kit/payload.ts';
import { encodeBase64, LenientBase64 } from '../text/base64.ts';
import type { MimePart } from '../text/mime-split.ts';

/** Largest message taken, in bytes of MIME: it is held once, as a whole, and contents of parts are decoded out of it as they are read. */
export const mimeBytesMax = 256 * 1024 * 1024;

export class MailTooLarge extends Error {
  override readonly name = 'MailTooLarge';
  constructor(sizeBytes: number) {
    super(`a message of ${sizeBytes} bytes is larger than the ${mimeBytesMax} that are converted at most`);
  }
}

/**
 * The whole MIME in one buffer, and nothing beside it.
 *
 * @throws MailTooLarge
 */
export async function wholeMime(mime: Payload): Promise<Buffer> {
  if (mime.sizeBytes > mimeBytesMax) throw new MailTooLarge(mime.sizeBytes);
  const whole = Buffer.allocUnsafe(mime.sizeBytes);
  let at = 0;
  for await (const chunk of mime.bytes()) {
    if (at + chunk.length > whole.length) throw new RangeError('a message is longer than it announced');
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole.subarray(0, at);
}

/** Base64 text up to this length is decoded at once. */
const eagerBytes = 256 * 1024;
const stepBytes = 768 * 1024;

function* decodedSteps(text: Buffer): Generator<Buffer> {
  const decoder = new LenientBase64();
  for (let at = 0; at < text.length; at += stepBytes) yield decoder.push(text.subarray(at, at + stepBytes));
}

/** The content of a part without its transfer encoding: a view of the message, or decoded anew each time it is read. */
export function contentOfPart(part: MimePart): Payload {
  const text = part.rawBody;
  if (part.encoding !== 'base64' || text.length <= eagerBytes) return payloadOfBytes(part.body());
  let sizeBytes = 0;
  for (const step of decodedSteps(text)) sizeBytes += step.length;
  return {
    sizeBytes,
    inMemoryBase64: null,
    async *bytes() {
      yield* decodedSteps(text);
    },
    base64: () => encodeBase64(decodedSteps(text)),
    dispose: async () => {},
  };
}
