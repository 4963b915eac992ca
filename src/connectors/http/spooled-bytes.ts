import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { encodeBase64 } from '#formats/text/base64.ts';
import { blockBytes, type SpoolMemory } from '#formats/text/spool-memory.ts';
import { AssertionFailure } from '#kit/assert.ts';
import { type Payload, payloadOfBytes } from '#kit/payload.ts';

/** Where bytes are kept until they are needed. */
export interface ByteSpool {
  /** Private folder for what finds no room in memory; made with mode 0700 when it is missing. */
  readonly directory: string;
  readonly memory: SpoolMemory;
  /** Longest content taken at all. */
  readonly bytesMax?: number;
}

/** Held in memory in any case: most messages are smaller. */
const smallBytes = blockBytes;
const defaultBytesMax = 2 * 1024 ** 3;

/**
 * Bytes as they come off the wire, put aside: small ones and those that find blocks in the common memory are neither written nor read
 * again, the others go into a file. Null when there are more than the limit. Whoever takes the payload disposes of it.
 */
export async function spooledBytes(bytes: AsyncIterable<Uint8Array>, spool: ByteSpool): Promise<Payload | null> {
  const bytesMax = spool.bytesMax ?? defaultBytesMax;
  const small: Uint8Array[] = [];
  let blocks: Buffer[] | null = null;
  let file: { readonly handle: FileHandle; readonly path: string } | null = null;
  let used = 0;
  let size = 0;
  let done = false;
  try {
    for await (const chunk of bytes) {
      size += chunk.length;
      if (size > bytesMax) return null;
      if (file !== null) {
        await file.handle.write(chunk);
        continue;
      }
      if (size <= smallBytes) {
        small.push(Buffer.from(chunk));
        continue;
      }
      const waiting = [...(blocks === null ? small.splice(0) : []), chunk];
      blocks ??= [];
      for (const piece of waiting) {
        for (let at = 0; at < piece.length; ) {
          let block: Buffer | null = blocks[blocks.length - 1] ?? null;
          if (file === null && (block === null || used === block.length)) {
            block = spool.memory.take();
            if (block === null) file = await spill(spool.directory, blocks);
            else blocks.push(block);
            used = 0;
          }
          if (file !== null) {
            await file.handle.write(piece.subarray(at));
            break;
          }
          const part = piece.subarray(at, at + (block as Buffer).length - used);
          (block as Buffer).set(part, used);
          used += part.length;
          at += part.length;
        }
      }
      if (file !== null) {
        spool.memory.give(blocks);
        blocks = null;
      }
    }
    if (file !== null) {
      await file.handle.close();
      done = true;
      return payloadOfFile(file.path, size);
    }
    done = true;
    return blocks === null ? payloadOfBytes(Buffer.concat(small)) : payloadOfBlocks(blocks, size, spool.memory);
  } finally {
    if (!done) {
      if (blocks !== null) spool.memory.give(blocks);
      if (file !== null) {
        await file.handle.close().catch(() => {});
        await unlink(file.path).catch(() => {});
      }
    }
  }
}

/** A new file with what stood in full blocks so far. */
async function spill(directory: string, blocks: readonly Buffer[]) {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  // The name begins with the process, so that another one knows what a dead one left.
  const path = join(directory, `${process.pid}-${randomUUID()}.spool`);
  const handle = await open(path, 'wx', 0o600);
  for (const block of blocks) await handle.write(block);
  return { handle, path };
}

function payloadOfBlocks(blocks: readonly Buffer[], sizeBytes: number, memory: SpoolMemory): Payload {
  let held: readonly Buffer[] | null = blocks;
  function* bytes(): Generator<Buffer> {
    for (let left = sizeBytes, at = 0; left > 0; at++) {
      if (held === null) throw new AssertionFailure('a payload was read after it was disposed of');
      const block = held[at] as Buffer;
      yield block.subarray(0, Math.min(block.length, left));
      left -= block.length;
    }
  }
  return {
    sizeBytes,
    inMemoryBase64: null,
    async *bytes() {
      yield* bytes();
    },
    base64: () => encodeBase64(bytes()),
    async dispose() {
      if (held === null) return;
      memory.give(held);
      held = null;
    },
  };
}

function payloadOfFile(path: string, sizeBytes: number): Payload {
  let disposed = false;
  async function* bytes(): AsyncGenerator<Buffer> {
    const file = await open(path, 'r');
    try {
      for (let at = 0; at < sizeBytes; ) {
        const block = Buffer.allocUnsafe(Math.min(blockBytes, sizeBytes - at));
        const { bytesRead } = await file.read(block, 0, block.length, at);
        if (bytesRead === 0) throw new Error(`the spool file ${path} is shorter than it was written`);
        at += bytesRead;
        yield block.subarray(0, bytesRead);
      }
    } finally {
      await file.close();
    }
  }
  return {
    sizeBytes,
    inMemoryBase64: null,
    bytes,
    base64: () => encodeBase64(bytes()),
    async dispose() {
      if (disposed) return;
      disposed = true;
      await unlink(path).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
      });
    },
  };
}
