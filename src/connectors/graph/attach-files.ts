import { type Fault, FaultError } from '#kit/fault.ts';
import type { Payload } from '#kit/payload.ts';
import type { Context } from '../contract.ts';
import { objectOf } from './graph-client.ts';
import { type JsonObject, objectsAt, textAt } from './json.ts';
import type { MailboxTools } from './mailbox-tools.ts';
import { ask, getting, nextPath, pageMax } from './requests.ts';

/** A file that is attached to an item after it was imported. */
export interface FollowingFile {
  readonly name: string;
  readonly contentType: string;
  readonly contentId: string | null;
  readonly isInline: boolean;
  readonly content: Payload;
}

/** Bytes of one file (GDOC `concepts/outlook-large-attachments.md`). */
export const fileBytesMax = 150 * 1024 * 1024;
/** Files below are attached by one request, from here on by a session (GDOC `concepts/outlook-large-attachments.md`: 3 MB). */
const sessionFromBytes = 3_000_000;
/** Of a session; ranges may have 4 MB. */
const rangeBytes = 3_750_000;
/** In a row, without a byte arriving between them. */
const interruptionsMax = 6;
/** For one file, each begun when the one before was over. */
const sessionsMax = 3;
const listPageMax = 100;
const longestPauseMs = 30_000;

/**
 * Attaches files to an item that nobody else writes to, in their order. A connection that breaks and a pause that the service asks for
 * lose no more than the range that was on its way, since the session says where it stands. Where a session ran out, or says nothing, the
 * attachments of the item tell whether the file is among them; if not, another session begins. What failed for good is thrown.
 *
 * @param path of the item: `/users/…/messages/…`
 */
export async function attachFiles(
  tools: MailboxTools,
  path: string,
  files: readonly FollowingFile[],
  context: Context,
): Promise<void> {
  const item = new Taker(tools, path, context);
  try {
    for (const file of files) {
      const before = await item.count();
      if (file.content.sizeBytes < sessionFromBytes) await item.post(file, before);
      else await item.upload(file, before);
      item.counted(before + 1);
    }
  } catch (error) {
    // Of the item, or of its sessions: where it was to be in the end may well be there.
    if (!(error instanceof FaultError) || error.fault.kind !== 'gone') throw error;
    throw new FaultError({ kind: 'transient', detail: error.fault.detail, mayHaveHappened: false });
  }
}

/** An item that takes files. */
class Taker {
  readonly #tools: MailboxTools;
  readonly #path: string;
  readonly #context: Context;
  #known: number | null = null;

  constructor(tools: MailboxTools, path: string, context: Context) {
    this.#tools = tools;
    this.#path = path;
    this.#context = context;
  }

  /** Attachments that it has. */
  async count(): Promise<number> {
    this.#known ??= await this.#look();
    return this.#known;
  }
  counted(count: number): void {
    this.#known = count;
  }

  async #look(): Promise<number> {
    let path: string | null = `${this.#path}/attachments?$select=id&$top=${listPageMax}`;
    let count = 0;
    for (let page = 0; path !== null && page < pageMax; page++) {
      const answer: JsonObject = await ask(this.#tools, getting(path, 'attachments', 'item'), this.#context);
      count += objectsAt(answer, 'value').length;
      path = nextPath(this.#tools, answer);
    }
    return count;
  }

  async #hasMoreThan(before: number): Promise<boolean> {
    return (await this.#look()) > before;
  }

  async post(file: FollowingFile, before: number): Promise<void> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of file.content.base64()) chunks.push(chunk);
    const contentBytes = Buffer.concat(chunks).toString('latin1');
    const body = { '@odata.type': '#microsoft.graph.fileAttachment', ...saidOf(file), contentBytes };
    for (let failures = 1; ; failures++) {
      try {
        await ask(
          this.#tools,
          {
            method: 'POST',
            path: `${this.#path}/attachments`,
            name: 'attachments',
            subject: { writes: true, about: 'item' },
            body,
          },
          this.#context,
        );
        return;
      } catch (error) {
        await this.#pause(error, failures);
        if (await this.#hasMoreThan(before)) return;
      }
    }
  }

  async upload(file: FollowingFile, before: number): Promise<void> {
    for (let sessions = 1; ; sessions++) {
      const ended = await this.#sendTo(await this.#open(file), file.content);
      if (ended === null || (await this.#hasMoreThan(before))) return;
      if (sessions === sessionsMax) throw new FaultError(ended);
    }
  }

  async #open(file: FollowingFile): Promise<URL> {
    for (let failures = 1; ; failures++) {
      try {
        const answer = await ask(
          this.#tools,
          {
            method: 'POST',
            path: `${this.#path}/attachments/createUploadSession`,
            name: 'createUploadSession',
            subject: { writes: true, about: 'item' },
            body: { AttachmentItem: { attachmentType: 'file', size: file.content.sizeBytes, ...saidOf(file) } },
          },
          this.#context,
        );
        const link = textAt(answer, 'uploadUrl');
        if (link === null || !URL.canParse(link)) throw new FaultError(noAddress);
        const url = new URL(link);
        this.#tools.imports.requireHost(url);
        return url;
      } catch (error) {
        // A session that nobody uses runs out by itself.
        await this.#pause(error, failures);
      }
    }
  }

  /** Sends a file to a session. @returns null when all of it is there; why the session is of no more use */
  async #sendTo(url: URL, content: Payload): Promise<Fault | null> {
    let at = 0;
    for (let failures = 0; ; ) {
      try {
        for await (const range of rangesFrom(content.bytes(), at)) {
          const next = await this.#put(url, range, at, content.sizeBytes);
          if (next === null) return null;
          if (next > at) failures = 0;
          // It counts otherwise than we do: it is right, as long as it comes forward.
          if (next !== at + range.length) throw new FaultError(unexpected(next, at + range.length));
          at = next;
        }
        return unexpected(at, content.sizeBytes);
      } catch (error) {
        if (isOver(error)) return error.fault;
        await this.#pause(error, ++failures);
      }
      const stands = await this.#standsAt(url, content.sizeBytes);
      if (typeof stands !== 'number') return stands;
      at = stands;
    }
  }

  /** @returns where the next range begins; null when this was the last */
  async #put(url: URL, range: Buffer, at: number, sizeBytes: number): Promise<number | null> {
    const { client, address } = this.#tools;
    const end = at + range.length;
    const { status, body } = await client.sendPreauthorized(
      {
        method: 'PUT',
        url,
        name: 'AttachmentSessions',
        subject: { writes: true, about: 'item' },
        headers: {
          'content-type': 'application/octet-stream',
          'content-range': `bytes ${at}-${end - 1}/${sizeBytes}`,
        },
        body: range,
      },
      address,
      this.#context,
    );
    if (status === 201) return null;
    const next = nextRange(objectOf(body, 'AttachmentSessions'));
    if (next === null && end === sizeBytes) return null;
    if (next === null) throw new FaultError(unexpected(null, end));
    return next;
  }

  /** Where a session stands; why it is of no more use. */
  async #standsAt(url: URL, sizeBytes: number): Promise<number | Fault> {
    const { client, address } = this.#tools;
    for (let failures = 1; ; failures++) {
      try {
        const { body } = await client.sendPreauthorized(
          {
            method: 'GET',
            url,
            name: 'AttachmentSessions',
            subject: { writes: false, about: 'item' },
            headers: { accept: 'application/json' },
            body: null,
          },
          address,
          this.#context,
        );
        const next = nextRange(objectOf(body, 'AttachmentSessions'));
        return next !== null && next < sizeBytes ? next : unexpected(next, sizeBytes);
      } catch (error) {
        if (isOver(error)) return error.fault;
        await this.#pause(error, failures);
      }
    }
  }

  /** Waits after something that passes; throws everything else, and what has come too often or would pass too late. */
  async #pause(error: unknown, failures: number): Promise<void> {
    if (!(error instanceof FaultError)) throw error;
    const { fault } = error;
    if ((fault.kind !== 'transient' && fault.kind !== 'throttled') || failures > interruptionsMax) throw error;
    const { clock } = this.#tools;
    const waitMs =
      fault.kind === 'throttled' ? fault.retryAfterMs : Math.min(500 * 2 ** (failures - 1), longestPauseMs);
    if (clock.monotonicMs() + waitMs >= this.#context.deadlineMs) throw error;
    await clock.sleep(waitMs, this.#context.signal);
  }
}

/** The session does not exist any more, or its address is not good any more, or it tells nothing: another one may be opened. */
function isOver(error: unknown): error is FaultError {
  if (!(error instanceof FaultError)) return false;
  const { fault } = error;
  return (
    fault.kind === 'gone' ||
    (fault.kind === 'fatal' && (fault.code === 'auth' || fault.code === 'access-denied' || fault.code === 'protocol'))
  );
}

const saidOf = ({ name, contentType, contentId, isInline }: FollowingFile): JsonObject => ({
  name,
  contentType,
  isInline,
  ...(contentId === null ? {} : { contentId }),
});

/** `12345` or `12345-`: where the next range begins. */
function nextRange(answer: JsonObject): number | null {
  const ranges = answer['nextExpectedRanges'] ?? answer['NextExpectedRanges'];
  const [first] = Array.isArray(ranges) ? ranges : [];
  const start = typeof first === 'string' ? Number.parseInt(first, 10) : Number.NaN;
  return Number.isNaN(start) || start < 0 ? null : start;
}

/** What there is from an offset on, in pieces of the size of a range. */
async function* rangesFrom(bytes: AsyncIterable<Uint8Array>, offset: number): AsyncGenerator<Buffer> {
  let held: Uint8Array[] = [];
  let size = 0;
  let skip = offset;
  for await (const chunk of bytes) {
    const first = Math.min(skip, chunk.length);
    skip -= first;
    for (let at = first; at < chunk.length; ) {
      const piece = chunk.subarray(at, at + rangeBytes - size);
      held.push(piece);
      size += piece.length;
      at += piece.length;
      if (size < rangeBytes) continue;
      yield Buffer.concat(held);
      [held, size] = [[], 0];
    }
  }
  if (size > 0) yield Buffer.concat(held);
}

const unexpected = (next: number | null, end: number): Fault => ({
  kind: 'transient',
  detail: `an upload session expects ${next ?? 'something else'} after ${end} bytes`,
  mayHaveHappened: false,
});
const noAddress: Fault = {
  kind: 'fatal',
  code: 'protocol',
  detail: 'createUploadSession answered without an address to send to',
};
