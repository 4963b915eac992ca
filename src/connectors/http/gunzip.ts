import { createGunzip } from 'node:zlib';
import { FaultError } from '#kit/fault.ts';
import type { HttpResponse } from '#kit/transport.ts';
import { headerIn } from './headers.ts';

/** The body of an answer to a request that accepts gzip. Throws FaultError: fatal for another coding. */
export function unpacked({ headers, body }: HttpResponse, host: string): AsyncIterable<Uint8Array> {
  const encoding = headerIn(headers, 'content-encoding')?.toLowerCase() ?? 'identity';
  if (encoding !== 'identity' && encoding !== 'gzip')
    throw new FaultError({
      kind: 'fatal',
      code: 'protocol',
      detail: `${host} answers in the coding ${encoding}, which was not asked for`,
    });
  return encoding === 'gzip' ? gunzip(body, host) : body;
}

/** Unpacks as it comes. How much a reader takes is bounded by the reader. */
async function* gunzip(packed: AsyncIterable<Uint8Array>, host: string): AsyncGenerator<Uint8Array> {
  const unpacker = createGunzip();
  let broken: unknown = null;
  const feed = (async () => {
    try {
      for await (const chunk of packed) {
        if (unpacker.destroyed) return;
        if (!unpacker.write(chunk))
          await new Promise<void>((resolve) => unpacker.once('drain', resolve).once('close', resolve));
      }
      unpacker.end();
    } catch (error) {
      broken = error;
      unpacker.destroy();
    }
  })();
  try {
    for await (const chunk of unpacker) yield chunk as Buffer;
    await feed;
    if (broken !== null) throw broken;
  } catch (error) {
    if (broken !== null) throw broken;
    if (error instanceof FaultError) throw error;
    throw new FaultError({
      kind: 'transient',
      detail: `${host}: the packed answer is damaged`,
      mayHaveHappened: true,
      cause: error,
    });
  } finally {
    unpacker.destroy();
  }
}
