import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type Payload, payloadOfBase64 } from '#kit/payload.ts';
import { Base64Checker, type Base64Problem, decodeBase64 } from './base64.ts';
import { blockBytes, SpoolMemory } from './spool-memory.ts';
import type { XmlLimits, XmlRepair } from './xml-fault.ts';
import type { XmlAttributes, XmlName } from './xml-names.ts';
import { readXml, type XmlDocument, type XmlElement, type XmlInput, XmlTreeBuilder } from './xml-read.ts';
import type { XmlHandler } from './xml-tokenizer.ts';

/** Which texts are diverted, and where to. */
export interface SpoolOptions {
  /** Namespace of the elements. */
  readonly ns: string;
  /** Local names of the elements whose text is base64. */
  readonly names: readonly string[];
  /** Private folder for texts that do not stay in memory; made with mode 0700 when it is missing. Only used when there are such. */
  readonly directory: string;
  /** Where texts over the threshold stay while there is room. Without it they go into files. */
  readonly memory?: SpoolMemory;
  /** Base64 text that is held in memory in any case, in bytes, give or take a line. */
  readonly thresholdBytes?: number;
  /** Longest base64 text taken at all; a longer one is a fault of its element. */
  readonly payloadBytesMax?: number;
}

const defaultThresholdBytes = 256 * 1024;
const defaultPayloadBytesMax = 2 * 1024 ** 3;

/** What is wrong with one diverted text; the rest of the document is not touched by it. */
export type PayloadProblem = Base64Problem | 'too-large' | 'has-elements';

/** A diverted text: its content, or what is wrong with it. */
export type SpooledPayload =
  | { readonly payload: Payload; readonly problem: null }
  | { readonly payload: null; readonly problem: PayloadProblem };

export interface SpooledDocument extends XmlDocument {
  /** In document order; `XmlElement.payload` is the index. Whoever takes the document disposes of them. */
  readonly payloads: readonly SpooledPayload[];
  /** Disposes of all payloads. Idempotent. */
  dispose(): Promise<void>;
}

/** Suffix of spool files; the name begins with the id of the process. */
const suffix = '.spool';
/** What a checked text may need beyond its own length, and less than is worth a call of the checker. */
const slackBytes = 64;

/** A payload of canonical base64 text in a file of its own. */
function payloadOfFile(path: string, textLength: number, sizeBytes: number): Payload {
  let disposed = false;
  async function* text(): AsyncGenerator<Buffer> {
    const file = await open(path, 'r');
    try {
      for (let at = 0; at < textLength; ) {
        const block = Buffer.allocUnsafe(Math.min(blockBytes, textLength - at));
        let filled = 0;
        while (filled < block.length) {
          const { bytesRead } = await file.read(block, filled, block.length - filled, at + filled);
          if (bytesRead === 0) throw new Error(`the spool file ${path} is shorter than it was written`);
          filled += bytesRead;
        }
        at += filled;
        yield block;
      }
    } finally {
      await file.close();
    }
  }
  return {
    sizeBytes,
    inMemoryBase64: null,
    base64: text,
    bytes: () => decodeBase64(text()),
    async dispose() {
      if (disposed) return;
      disposed = true;
      await unlink(path).catch(ignoreMissing);
    },
  };
}

function ignoreMissing(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}

/** One text on its way into memory or into a file. */
class Spool {
  readonly #checker = new Base64Checker();
  readonly #options: Required<SpoolOptions>;
  /** The last block, which is being filled. The first one is as long as the threshold at most, the others are of one size. */
  #block: Buffer = Buffer.alloc(0);
  #used = 0;
  #full: Buffer[] = [];
  /** Blocks of the common memory, full ones and the last one. */
  #taken: Buffer[] = [];
  /** The common memory had no block for more than the threshold. */
  #refused = false;
  #file: FileHandle | null = null;
  #path: string | null = null;
  #length = 0;
  #problem: PayloadProblem | null = null;
  #ended = false;

  constructor(options: Required<SpoolOptions>) {
    this.#options = options;
  }

  get ended(): boolean {
    return this.#ended;
  }

  push(bytes: Buffer, from: number, to: number): void {
    for (let at = from; at < to && this.#problem === null; ) {
      if (this.#block.length - this.#used < slackBytes) this.#grow(to - at);
      const end = Math.min(to, at + this.#block.length - this.#used - 4);
      const written = this.#checker.push(bytes, at, end, this.#block, this.#used);
      this.#used += written;
      this.#length += written;
      at = end;
      if (this.#length > this.#options.payloadBytesMax) this.fail('too-large');
      if (this.#checker.problem !== null) this.fail(this.#checker.problem);
    }
  }

  fail(problem: PayloadProblem): void {
    this.#problem ??= problem;
    this.#release();
  }

  end(): void {
    this.#ended = true;
    const problem = this.#checker.finish();
    if (problem !== null) this.fail(problem);
  }

  /** Room for more. The first block grows up to the threshold; then further ones are begun, which the common memory may refuse. */
  #grow(wanted: number): void {
    const firstMax = this.#options.thresholdBytes + 2 * slackBytes;
    if (this.#block.length < firstMax) {
      const length = Math.min(firstMax, Math.max(2 * this.#block.length, this.#used + wanted + slackBytes));
      const grown = Buffer.allocUnsafe(length);
      this.#block.copy(grown, 0, 0, this.#used);
      this.#block = grown;
      return;
    }
    this.#full.push(this.#block.subarray(0, this.#used));
    const block = this.#refused ? null : this.#options.memory.take();
    if (block === null) this.#refused = true;
    else this.#taken.push(block);
    this.#block = block ?? Buffer.allocUnsafeSlow(blockBytes);
    this.#used = 0;
  }

  #release(): void {
    this.#full = [];
    this.#block = Buffer.alloc(0);
    this.#used = 0;
    this.#giveBack();
  }

  #giveBack(): void {
    this.#options.memory.give(this.#taken);
    this.#taken = [];
  }

  get #toFile(): boolean {
    return this.#problem === null && this.#refused;
  }

  /** Something must be done before more is taken. */
  get pending(): boolean {
    return this.#ended || (this.#toFile && this.#full.length > 0);
  }

  /** Writes what is due. Returns the payload once the text has ended. */
  async settle(): Promise<SpooledPayload | null> {
    if (this.#toFile) await this.#write();
    if (!this.#ended) return null;
    if (this.#problem !== null) {
      await this.abandon();
      return { payload: null, problem: this.#problem };
    }
    const sizeBytes = this.#checker.decodedLength;
    if (this.#path !== null) {
      await this.#file?.close();
      this.#file = null;
      return { payload: payloadOfFile(this.#path, this.#length, sizeBytes), problem: null };
    }
    const pieces = [...this.#full, this.#block.subarray(0, this.#used)];
    return { payload: payloadOfBase64(pieces, sizeBytes, () => this.#giveBack()), problem: null };
  }

  /** All full blocks go into the file, and the last one when the text has ended. */
  async #write(): Promise<void> {
    if (this.#file === null) {
      await mkdir(this.#options.directory, { recursive: true, mode: 0o700 });
      this.#path = join(this.#options.directory, `${process.pid}-${randomUUID()}${suffix}`);
      this.#file = await open(this.#path, 'wx', 0o600);
    }
    if (this.#ended) {
      this.#full.push(this.#block.subarray(0, this.#used));
      this.#used = 0;
    }
    for (const block of this.#full) await this.#file.writeFile(block);
    this.#full = [];
    this.#giveBack();
  }

  async abandon(): Promise<void> {
    this.#release();
    await this.#file?.close();
    this.#file = null;
    if (this.#path !== null) await unlink(this.#path).catch(ignoreMissing);
  }
}

/**
 * Stands between the tokenizer and another handler: passes everything on, but the text of the named elements goes into payloads.
 * `finished` is called, in order, with each payload as it becomes complete.
 */
export class SpoolingHandler implements XmlHandler {
  readonly #inner: XmlTreeBuilder;
  readonly #options: Required<SpoolOptions>;
  readonly #names: ReadonlySet<string>;
  #spools: Spool[] = [];
  readonly #stack: (Spool | null)[] = [];
  #count = 0;
  readonly payloads: SpooledPayload[] = [];

  constructor(inner: XmlTreeBuilder, options: SpoolOptions) {
    this.#inner = inner;
    this.#options = {
      thresholdBytes: defaultThresholdBytes,
      payloadBytesMax: defaultPayloadBytesMax,
      memory: new SpoolMemory(0),
      ...options,
    };
    this.#names = new Set(options.names);
  }

  open(name: XmlName, attributes: XmlAttributes): void {
    this.#inner.open(name, attributes);
    this.#stack[this.#stack.length - 1]?.fail('has-elements');
    if (this.#names.has(name.name) && name.ns === this.#options.ns) {
      const spool = new Spool(this.#options);
      this.#spools.push(spool);
      this.#stack.push(spool);
      this.#inner.spooled(this.#count++);
    } else this.#stack.push(null);
  }
  text(value: string): void {
    this.#inner.text(value);
  }
  close(name: XmlName): void {
    this.#stack.pop()?.end();
    this.#inner.close(name);
  }
  repair(repair: XmlRepair): void {
    this.#inner.repair(repair);
  }
  wantsRaw(): boolean {
    return this.#stack[this.#stack.length - 1] !== null;
  }
  raw(bytes: Buffer, start: number, end: number): void {
    this.#stack[this.#stack.length - 1]?.push(bytes, start, end);
  }

  settle(): Promise<void> | null {
    return this.#spools.some((spool) => spool.pending) ? this.#settle() : null;
  }

  async #settle(): Promise<void> {
    while (this.#spools.length > 0) {
      const [first] = this.#spools;
      const done = (await first?.settle()) ?? null;
      if (done === null) {
        // Payloads come in document order, so what is behind an unfinished one only writes.
        for (const spool of this.#spools.slice(1)) if (!spool.ended) await spool.settle();
        return;
      }
      this.#spools.shift();
      this.payloads.push(done);
    }
  }

  /** Removes every file made so far. */
  async dispose(): Promise<void> {
    for (const spool of this.#spools) await spool.abandon();
    this.#spools = [];
    for (const { payload } of this.payloads) await payload?.dispose();
  }
}

/**
 * A document as a tree in which the text of the named elements stands aside in payloads: the way to read answers that carry
 * whole messages, small or large, in one pass. Memory does not grow with the size of texts beyond what `memory` allows.
 * Throws XmlFault (nothing is left behind then), and what the file system throws.
 */
export async function parseXmlSpooled(
  input: XmlInput,
  spool: SpoolOptions,
  limits: Partial<XmlLimits> = {},
): Promise<SpooledDocument> {
  const builder = new XmlTreeBuilder();
  const handler = new SpoolingHandler(builder, spool);
  try {
    const repairs = await readXml(input, handler, limits);
    return { root: builder.root, repairs, payloads: handler.payloads, dispose: () => handler.dispose() };
  } catch (error) {
    await handler.dispose();
    throw error;
  }
}

/** The payload of an element read by `parseXmlSpooled`; null when the element is not one of those named. */
export function payloadOf(document: SpooledDocument, element: XmlElement): SpooledPayload | null {
  return element.payload === null ? null : (document.payloads[element.payload] ?? null);
}

/** Removes spool files of processes that are no more. To be called when a process begins to use `directory`. Returns how many. */
export async function removeAbandonedSpools(directory: string): Promise<number> {
  let removed = 0;
  const names = await readdir(directory).catch((error: unknown) => {
    ignoreMissing(error);
    return [];
  });
  for (const name of names) {
    const pid = /^(\d+)-[0-9a-f-]{36}\.spool$/.exec(name)?.[1];
    if (pid === undefined || isRunning(Number(pid))) continue;
    await unlink(join(directory, name)).catch(ignoreMissing);
    removed++;
  }
  return removed;
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
