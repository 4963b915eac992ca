import { streamOfMessage } from '#formats/fast-transfer/stream-of-message.ts';
import { type Fault, isFault } from '#kit/fault.ts';
import type { FolderId, ItemId, Version } from '#model/ids.ts';
import type { MailDraft, MailHead } from '#model/mail.ts';
import type { Context, Mailbox, StateEdit, Written } from '../contract.ts';
import { missing, noId, stale } from '../ews/answer-faults.ts';
import { faultsInPlace } from '../ews/batches.ts';
import { etagOf, messageKey } from './change-keys.ts';
import { deletions } from './folders.ts';
import type { GraphRequest } from './graph-client.ts';
import type { Imported } from './import-session.ts';
import { itemIdAt, splitItemId } from './item-ids.ts';
import { type JsonObject, textAt } from './json.ts';
import { clearsExtended, readWritten, writeState } from './mail-codec.ts';
import type { MailFeed } from './mail-feed.ts';
import { messageToImport } from './mail-stream.ts';
import type { MailboxTools } from './mailbox-tools.ts';
import { inPlaceOfEach } from './one-by-one.ts';
import { askAll, getting, messagePath } from './requests.ts';
import { type Rewrite, rewriteMail } from './rewrite-mail.ts';
import { splitMail } from './split-mail.ts';
import { UnfinishedMail } from './unfinished-mail.ts';

/** More than the heads of the attachments that are left out could differ by. */
const frameBytes = 16 * 1024;
/** PidTagMessageFlags mfNotifyRead and mfNotifyUnread ([MS-OXCMSG] 2.2.1.6): somebody waits for a receipt. */
const receiptsPending = 0x100 | 0x200;

export const awaitsReceipt = ({ facts }: MailHead): boolean =>
  facts.readReceiptRequested || (facts.messageFlags & receiptsPending) !== 0;

/** Mail of a mailbox as it is written. Nothing here sends anything: what would, goes by an import. */
export class MailWrites implements Pick<Mailbox, 'create' | 'update' | 'move' | 'remove'> {
  readonly #tools: MailboxTools;
  readonly #feed: MailFeed;
  readonly #unfinished: UnfinishedMail;

  constructor(tools: MailboxTools, feed: MailFeed) {
    this.#tools = tools;
    this.#feed = feed;
    this.#unfinished = new UnfinishedMail(tools);
  }

  async create(
    folder: FolderId,
    drafts: Parameters<Mailbox['create']>[1],
    context: Context,
  ): Promise<readonly (Written | Fault)[]> {
    if (!this.#tools.hasImport) return drafts.map(() => noImport);
    const results = await inPlaceOfEach(drafts, (draft) => this.#import(folder, draft, context));
    // Of an import only the id of the import API is known.
    const made = results.flatMap((result, at) => ('serverId' in result ? [{ at, result }] : []));
    const lasting = await faultsInPlace(made, () =>
      this.#tools.ids.immutable(
        made.map(({ result }) => result.serverId),
        context,
      ),
    );
    const written: (Written | Fault)[] = results.map((result) => ('serverId' in result ? noId : result));
    for (const [n, { at, result }] of made.entries()) {
      const id = lasting[n] ?? noId;
      written[at] = isFault(id) ? id : { id: itemIdAt(id, folder), version: messageKey(result.changeKey) };
    }
    return written;
  }

  /** By one import, or by one and what follows it. */
  async #import(folder: FolderId, draft: MailDraft, context: Context): Promise<Imported | Written | Fault> {
    const { imports } = this.#tools;
    const message = await messageToImport(draft);
    if (isFault(message)) return message;
    const item = { folder, stream: streamOfMessage(message), ids: 'lasting', replaces: null } as const;
    const excess = imports.excessOf(item);
    // Of base64, which has four characters for three bytes; the rest is for what the shorter stream is framed by.
    const split = excess > 0 ? splitMail(message, (excess * 3) / 4 + frameBytes) : null;
    return split === null ? imports.put(item, context) : this.#unfinished.put(folder, split, context);
  }

  async update(edits: readonly StateEdit[], context: Context): Promise<readonly (Written | Fault)[]> {
    const results: (Written | Fault | null)[] = edits.map(({ id, expect, set }) =>
      Object.keys(set).length === 0 ? { id, version: expect } : null,
    );
    // A PATCH cannot be told to send no receipt, nor to take a property away: an import over the message can do both.
    const asking = edits.flatMap((edit, at) =>
      edit.readReceiptRequested && edit.set.isRead === true ? [{ at, edit }] : [],
    );
    const silent = new Set(edits.flatMap(({ set }, at) => (clearsExtended(set) ? [at] : [])));
    const heads = await this.#feed.inOrder(
      asking.map(({ edit }) => edit.id),
      context,
    );
    for (const [n, { at, edit }] of asking.entries()) {
      const head = heads[n] ?? missing;
      if (isFault(head)) results[at] = head;
      else if (head.version !== edit.expect) results[at] = stale;
      else if (!head.state.isRead && awaitsReceipt(head)) silent.add(at);
    }
    const open = edits.flatMap((edit, at) => (results[at] === null ? [{ at, edit }] : []));
    const [patched, rewritten] = [open.filter(({ at }) => !silent.has(at)), open.filter(({ at }) => silent.has(at))];
    const patches = await askAll(
      this.#tools,
      patched.map(({ edit }) => ({
        method: 'PATCH',
        path: messagePath(this.#tools, edit.id),
        name: 'PATCH messages',
        subject: { writes: true, about: 'item' },
        headers: { 'if-match': etagOf(edit.expect) },
        body: writeState(edit.set),
      })),
      context,
    );
    for (const [n, { at, edit }] of patched.entries()) {
      const answer = patches[n] ?? missing;
      results[at] = isFault(answer) ? answer : writtenIn(answer, edit.id);
    }
    await this.#tellGone(
      patched.map(({ at, edit }) => ({ at, id: edit.id })),
      results,
      context,
    );
    const rewrite = () =>
      this.#rewrite(
        rewritten.map(({ edit }) => edit),
        context,
      );
    const rewrites = patched.length === 0 ? await rewrite() : await faultsInPlace(rewritten, rewrite);
    for (const [n, { at }] of rewritten.entries()) results[at] = rewrites[n] ?? missing;
    return results.map((result) => result ?? noId);
  }

  /** What was removed or moved is still known by its lasting id, at another version: under the id it had it is gone. */
  async #tellGone(
    written: readonly { readonly at: number; readonly id: ItemId }[],
    results: (Written | Fault | null)[],
    context: Context,
  ): Promise<void> {
    const refused = written.filter(({ at }) => {
      const result = results[at];
      return isFault(result) && result.kind === 'stale';
    });
    const heads = await faultsInPlace(refused, () =>
      this.#feed.inOrder(
        refused.map(({ id }) => id),
        context,
      ),
    );
    for (const [n, { at }] of refused.entries()) {
      const head = heads[n] ?? missing;
      if (isFault(head) && head.kind === 'gone') results[at] = head;
    }
  }

  async #rewrite(rewrites: readonly Rewrite[], context: Context): Promise<readonly (Written | Fault)[]> {
    return this.#tools.hasImport ? rewriteMail(this.#tools, rewrites, context) : rewrites.map(() => notSilently);
  }

  async move(ids: readonly ItemId[], to: FolderId, context: Context): Promise<readonly (Written | Fault)[]> {
    return this.#moveTo(ids, to, to, context);
  }

  /** An item that lies elsewhere by now is found by its lasting id all the same: so each is looked for where it was, and moved after that. */
  async #moveTo(
    ids: readonly ItemId[],
    destination: string,
    to: FolderId | null,
    context: Context,
  ): Promise<readonly (Written | Fault)[]> {
    const requests = ids.flatMap((id): readonly GraphRequest[] => {
      const { serverId, folder } = splitItemId(id);
      const look = getting(
        `${this.#tools.user}/mailFolders/${encodeURIComponent(folder)}/messages/${encodeURIComponent(serverId)}?$select=id`,
        'messages',
        'item',
      );
      const move: GraphRequest = {
        method: 'POST',
        path: `${messagePath(this.#tools, id)}/move`,
        name: 'messages/move',
        subject: { writes: true, about: 'item' },
        body: { destinationId: destination },
        after: look,
      };
      return [look, move];
    });
    const answers = await askAll(this.#tools, requests, context);
    return ids.map((_, at) => {
      const [look, moved] = [answers[2 * at] ?? missing, answers[2 * at + 1] ?? missing];
      if (isFault(look)) return look;
      return isFault(moved) ? moved : (readWritten(to === null ? moved : { ...moved, parentFolderId: to }) ?? noId);
    });
  }

  async remove(items: Parameters<Mailbox['remove']>[0], context: Context): Promise<readonly (null | Fault)[]> {
    const heads = await this.#feed.inOrder(
      items.map(({ id }) => id),
      context,
    );
    const results: (null | Fault)[] = items.map(({ expect }, at) => {
      const head = heads[at] ?? missing;
      return isFault(head) ? head : head.version === expect ? null : stale;
    });
    // Removing what nobody read says so to whoever asked; so that question goes first.
    const asking = items.flatMap(({ id, expect }, at) => {
      const head = heads[at] ?? missing;
      return results[at] === null && !isFault(head) && !head.state.isRead && awaitsReceipt(head)
        ? [{ at, id, expect, set: { isRead: true } }]
        : [];
    });
    const silenced = await this.#rewrite(asking, context);
    for (const [n, { at }] of asking.entries()) {
      const answer = silenced[n] ?? missing;
      if (isFault(answer)) results[at] = answer;
    }
    const open = items.flatMap(({ id }, at) => (results[at] === null ? [{ at, id }] : []));
    const answers = await faultsInPlace(open, () =>
      this.#moveTo(
        open.map(({ id }) => id),
        deletions,
        null,
        context,
      ),
    );
    for (const [n, { at }] of open.entries()) {
      const answer = answers[n] ?? missing;
      results[at] = isFault(answer) ? answer : null;
    }
    return results;
  }
}

const notSilently: Fault = {
  kind: 'poison',
  reason: 'refused-by-target',
  detail:
    'this takes an import over the message, to take a property away or to send no receipt, and this cloud has no import API (worldwide cloud only)',
};
const noImport: Fault = {
  kind: 'poison',
  reason: 'refused-by-target',
  detail:
    'this cloud has no import API (worldwide cloud only), and everything else that Microsoft Graph can create is a draft',
};
/** A message that was written as its resource shows it; what shows no version is found by the feed. */
function writtenIn(answer: JsonObject, id: ItemId): Written | Fault {
  const changeKey = textAt(answer, 'changeKey');
  return changeKey === null ? noId : { id, version: changeKey as Version };
}
