import { createHash } from 'node:crypto';
import { itemDigest } from '#formats/text/item-digest.ts';
import { attribute, child, childText, type XmlElement } from '#formats/text/xml-read.ts';
import { type Fault, FaultError, isFault } from '#kit/fault.ts';
import { type Payload, payloadBytes } from '#kit/payload.ts';
import type { AttachmentContent, AttachmentHead } from '#model/appointment.ts';
import type { Context, Written } from '../../contract.ts';
import { eachInPlace, parts } from '../batches.ts';
import { typesNamespace } from '../namespaces.ts';
import type { Call } from '../operation.ts';
import { createAttachment } from '../operations/create-attachment.ts';
import { deleteAttachment } from '../operations/delete-attachment.ts';
import { getAttachment } from '../operations/get-attachment.ts';

/** Path of the list, for a read of items. */
export const attachmentsPath = '<t:FieldURI FieldURI="item:Attachments"/>';

/** An attachment as the item that has it lists it. */
export interface ListedAttachment {
  readonly id: string;
  readonly name: string;
  readonly contentType: string | null;
  readonly contentId: string | null;
  readonly isInline: boolean;
  readonly kind: 'file' | 'item';
  /** Changes when the content does: attachments are never edited in place, but their ids may come again. */
  readonly mark: string;
}

/** One that was read, with the id under which it can be removed. */
export interface ReadAttachment {
  readonly id: string;
  readonly head: AttachmentHead;
}

/** `item`: one whose `item:Attachments` was asked for. */
export function listedAttachments(item: XmlElement, version: string): readonly ListedAttachment[] {
  const list = child(item, typesNamespace, 'Attachments');
  return (list?.children ?? []).flatMap((element): readonly ListedAttachment[] => {
    const id = child(element, typesNamespace, 'AttachmentId');
    if (id === null) return [];
    const text = (name: string) => childText(element, typesNamespace, name);
    const key = attribute(id, 'Id') ?? '';
    const modified = text('LastModifiedTime');
    return [
      {
        id: key,
        name: text('Name') ?? '',
        contentType: text('ContentType') || null,
        contentId: text('ContentId') || null,
        isInline: text('IsInline')?.trim() === 'true',
        kind: element.name === 'ItemAttachment' ? 'item' : 'file',
        // Before 2010 nothing but the version of the whole item tells.
        mark: [key, text('Name') ?? '', text('Size') ?? '', modified ?? version].join('\0'),
      },
    ];
  });
}

/** Attachments of one request; their bytes are spooled, so this bounds patience, not memory. */
const attachmentsPerRead = 10;
/** Hashes remembered per mailbox, so that an item that is read again does not bring its attachments again. */
const rememberedMax = 5_000;

/**
 * Attachments of the items of one mailbox. What identifies one is a hash of its content, which takes its bytes once.
 */
export class AttachmentReader {
  readonly #call: Call;
  readonly #hashes = new Map<string, { readonly hash: string; readonly sizeBytes: number }>();

  constructor(call: Call) {
    this.#call = call;
  }

  /** Heads with hashes, in the order given. What cannot be read has its fault in its place. */
  async heads(listed: readonly ListedAttachment[], context: Context): Promise<readonly (ReadAttachment | Fault)[]> {
    const unknown = listed.filter(({ mark }) => !this.#hashes.has(mark));
    const faults = new Map<string, Fault>();
    await this.#each(unknown, context, async (one, content) => {
      if (isFault(content)) faults.set(one.mark, content);
      else {
        await this.#remember(one, content);
        await content.dispose();
      }
    });
    return listed.map((one) => {
      const known = this.#hashes.get(one.mark);
      return known === undefined ? (faults.get(one.mark) ?? lost) : { id: one.id, head: headOf(one, known) };
    });
  }

  /** Contents of those that are wanted. The caller disposes of them. */
  async contents(
    listed: readonly ListedAttachment[],
    wanted: readonly AttachmentHead[],
    context: Context,
  ): Promise<ReadonlyMap<string, AttachmentContent>> {
    const hashes = new Set(wanted.map(({ hash }) => hash));
    const candidates = listed.filter(({ mark }) => {
      const known = this.#hashes.get(mark);
      return known === undefined || hashes.has(known.hash);
    });
    const found = new Map<string, AttachmentContent>();
    try {
      await this.#each(candidates, context, async (one, content) => {
        if (isFault(content)) throw new FaultError(content);
        const known = await this.#remember(one, content);
        if (hashes.has(known.hash) && !found.has(known.hash))
          found.set(known.hash, { head: headOf(one, known), bytes: content });
        else await content.dispose();
      });
    } catch (error) {
      for (const { bytes } of found.values()) await bytes.dispose();
      throw error;
    }
    return found;
  }

  async #each(
    listed: readonly ListedAttachment[],
    context: Context,
    take: (one: ListedAttachment, content: Payload | Fault) => Promise<void>,
  ): Promise<void> {
    for (const some of parts(listed, attachmentsPerRead)) {
      const got = await eachInPlace(
        some.map(({ id }) => id),
        (ids) => this.#call(getAttachment, ids, context),
      );
      for (const [at, one] of some.entries()) {
        const answer = got[at] ?? lost;
        if (isFault(answer)) await take(one, answer);
        else if (answer.content === null || typeof answer.content === 'string') {
          const detail = `the attachment cannot be read: ${answer.content ?? 'no content came'}`;
          await take(one, { kind: 'poison', reason: 'corrupt', detail });
        } else await take(one, answer.content);
      }
    }
  }

  async #remember(one: ListedAttachment, content: Payload) {
    const known = this.#hashes.get(one.mark);
    if (known !== undefined) return known;
    const hash = one.kind === 'item' ? itemDigest(await payloadBytes(content)) : await digest(content);
    const made = { hash, sizeBytes: content.sizeBytes };
    if (this.#hashes.size >= rememberedMax) this.#hashes.clear();
    this.#hashes.set(one.mark, made);
    return made;
  }
}

const lost: Fault = { kind: 'transient', detail: 'an attachment was not answered', mayHaveHappened: false };

const headOf = (
  { name, contentType, contentId, isInline, kind }: ListedAttachment,
  { hash, sizeBytes }: { readonly hash: string; readonly sizeBytes: number },
): AttachmentHead => ({ name, contentType, contentId, isInline, sizeBytes, hash, kind });

async function digest(content: Payload): Promise<string> {
  const sum = createHash('sha256');
  for await (const chunk of content.bytes()) sum.update(chunk);
  return sum.digest('hex').slice(0, 32);
}

/**
 * Makes the attachments of an item, or of an occurrence under its own id, what is wanted. Equal content stays as it is. Returns
 * where the item, of an occurrence the series, is now; null when nothing was to be done. Throws FaultError.
 */
export async function putAttachments(
  call: Call,
  parent: Written,
  present: readonly ReadAttachment[],
  wanted: readonly AttachmentHead[],
  contents: ReadonlyMap<string, AttachmentContent>,
  context: Context,
  isPicture: (name: string) => boolean = () => false,
): Promise<Written | null> {
  const left = [...present];
  const missing = wanted.filter(({ hash, name }) => {
    const at = left.findIndex(({ head }) => head.hash === hash && head.name === name);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
  let now: Written | null = null;
  const take = (answers: readonly (Written | null | Fault)[]) => {
    for (const answer of answers) {
      if (isFault(answer)) throw new FaultError(answer);
      now = answer ?? now;
    }
  };
  const attachments = missing.map((head) => {
    const content = contents.get(head.hash);
    if (content === undefined)
      throw new FaultError({ kind: 'stale', detail: 'an attachment that is to be written was not handed over' });
    return { head, bytes: content.bytes };
  });
  for (const some of batchesOf(attachments))
    take(await call(createAttachment, { parent, attachments: some, isPicture }, context));
  if (left.length > 0)
    take(
      await call(
        deleteAttachment,
        left.map(({ id }) => id),
        context,
      ),
    );
  return now;
}

/** Bytes of one request; an attachment that is larger travels alone. */
const requestMaxBytes = 8 * 1024 * 1024;

function* batchesOf(attachments: readonly AttachmentContent[]): Generator<readonly AttachmentContent[]> {
  let batch: AttachmentContent[] = [];
  let sizeBytes = 0;
  for (const one of attachments) {
    if (batch.length > 0 && sizeBytes + one.bytes.sizeBytes > requestMaxBytes) {
      yield batch;
      [batch, sizeBytes] = [[], 0];
    }
    batch.push(one);
    sizeBytes += one.bytes.sizeBytes;
  }
  if (batch.length > 0) yield batch;
}
