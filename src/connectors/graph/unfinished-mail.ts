import { streamOfMessage } from '#formats/fast-transfer/stream-of-message.ts';
import { type Fault, FaultError, isFault } from '#kit/fault.ts';
import type { FolderId } from '#model/ids.ts';
import type { Context, Written } from '../contract.ts';
import { missing, noId } from '../ews/answer-faults.ts';
import { attachFiles } from './attach-files.ts';
import { deletions } from './folders.ts';
import type { GraphRequest } from './graph-client.ts';
import { type JsonObject, objectsAt, textAt } from './json.ts';
import { headQuery, readHead, readWritten } from './mail-codec.ts';
import type { MailboxTools } from './mailbox-tools.ts';
import { ask, askAll, getting, nextPath, pageMax } from './requests.ts';
import type { SplitMail } from './split-mail.ts';

/** Hidden, below the root of the mailbox. */
export const unfinishedFolderName = 'Causeway unfinished';
/** What lies there for longer than any call may take was left behind by somebody who died. */
export const abandonedMs = 6 * 3_600_000;
const listPageMax = 100;

/**
 * Mail that is too large for one import: the message is imported without its large files, these are attached to it, and only then it
 * comes to where people see it. Until then it lies in a hidden folder of ours that no feed shows, so whatever happens on the way, what is
 * found in a folder, by its stamp or otherwise, is whole: a create that died has made nothing, and is made again. What such
 * creates leave behind is removed when the folder is used the next time.
 *
 * *Assumed*: that files can be attached to a message that is no draft because it was imported so. Documented is that an item takes
 * them; CORSO attaches them to messages that it made as no drafts. Where the service refuses, the mail is `too-large`.
 */
export class UnfinishedMail {
  readonly #tools: MailboxTools;
  #folder: Promise<FolderId> | null = null;

  constructor(tools: MailboxTools) {
    this.#tools = tools;
  }

  /** Throws FaultError for what concerns more than this mail; nothing was made then, unless it says that it may have been. */
  async put(folder: FolderId, { message, files }: SplitMail, context: Context): Promise<Written | Fault> {
    const id = await undone(async () => this.#begin(streamOfMessage(message), context));
    if (isFault(id)) return id;
    let fault: Fault | null = null;
    try {
      await undone(() => attachFiles(this.#tools, this.#pathOf(id), files, context));
      const written = await this.#finish(id, folder, context);
      if (!isFault(written) || written.kind === 'transient') return written;
      fault = written;
    } catch (error) {
      if (!(error instanceof FaultError)) throw error;
      // Somebody may be moving it now, or it was moved: then it is for the feed to tell.
      if (error.fault.kind === 'transient' && error.fault.mayHaveHappened) throw error;
      fault = error.fault;
    }
    await this.#discard([id], context).catch(() => {});
    if (fault.kind === 'poison') return refused(fault.detail);
    // The whole application may attach nothing, or nothing to this: the rest of the mailbox is not to stop for it.
    if (fault.kind === 'fatal' && fault.code === 'access-denied') return refused(fault.detail);
    if (fault.kind === 'gone' || fault.kind === 'stale') return fault;
    throw new FaultError(fault);
  }

  async #begin(stream: ReturnType<typeof streamOfMessage>, context: Context): Promise<string | Fault> {
    const { imports, ids } = this.#tools;
    const folder = await this.#open(context);
    const imported = await imports.put({ folder, stream, ids: 'lasting', replaces: null }, context);
    if (isFault(imported)) {
      // Somebody may have removed it; the next one makes it anew.
      if (imported.kind === 'gone') this.#folder = null;
      return imported;
    }
    const [id = missing] = await ids.immutable([imported.serverId], context);
    return id;
  }

  async #finish(id: string, folder: FolderId, context: Context): Promise<Written | Fault> {
    const moved = await ask(this.#tools, this.#moving(id, folder), context);
    return readWritten({ ...moved, parentFolderId: folder }) ?? noId;
  }

  #moving(id: string, destinationId: string): GraphRequest {
    return {
      method: 'POST',
      path: `${this.#pathOf(id)}/move`,
      name: 'messages/move',
      subject: { writes: true, about: 'item' },
      body: { destinationId },
    };
  }

  #pathOf(id: string): string {
    return `${this.#tools.user}/messages/${encodeURIComponent(id)}`;
  }

  // -- the folder --

  #open(context: Context): Promise<FolderId> {
    const known = this.#folder;
    if (known !== null) return known;
    const opening = this.#find(context).then(async (found) => {
      if (found === null) return this.#create(context);
      await this.#tidy(found, context);
      return found;
    });
    this.#folder = opening;
    opening.catch(() => {
      if (this.#folder === opening) this.#folder = null;
    });
    return opening;
  }

  async #find(context: Context): Promise<FolderId | null> {
    const filter = encodeURIComponent(`displayName eq '${unfinishedFolderName}'`);
    const path = `${this.#tools.user}/mailFolders?includeHiddenFolders=true&$filter=${filter}&$select=id`;
    const answer = await ask(this.#tools, getting(path, 'mailFolders', 'mailbox'), context);
    const [first] = objectsAt(answer, 'value');
    return first === undefined ? null : (textAt(first, 'id') as FolderId | null);
  }

  async #create(context: Context): Promise<FolderId> {
    const answer = await ask(
      this.#tools,
      {
        method: 'POST',
        path: `${this.#tools.user}/mailFolders`,
        name: 'POST mailFolders',
        subject: { writes: true, about: 'name' },
        body: { displayName: unfinishedFolderName, isHidden: true },
      },
      context,
    );
    const id = textAt(answer, 'id');
    if (id === null) throw new FaultError(noId);
    return id as FolderId;
  }

  /** Removes what carries a stamp of ours and was left behind; others' things stay. */
  async #tidy(folder: FolderId, context: Context): Promise<void> {
    const before = this.#tools.clock.nowMs() - abandonedMs;
    let path: string | null =
      `${this.#tools.user}/mailFolders/${encodeURIComponent(folder)}/messages?$top=${listPageMax}&${headQuery}`;
    const abandoned: string[] = [];
    for (let page = 0; path !== null && page < pageMax; page++) {
      const answer: JsonObject = await ask(this.#tools, getting(path, 'messages', 'folder'), context);
      for (const entity of objectsAt(answer, 'value')) {
        const [id, head] = [textAt(entity, 'id'), readHead(entity, {})];
        const touchedMs = head?.facts.modifiedAt ?? null;
        if (id !== null && head !== null && head.stamp !== null && touchedMs !== null && touchedMs < before)
          abandoned.push(id);
      }
      path = nextPath(this.#tools, answer);
    }
    await this.#discard(abandoned, context);
  }

  async #discard(ids: readonly string[], context: Context): Promise<void> {
    await askAll(
      this.#tools,
      ids.map((id) => this.#moving(id, deletions)),
      context,
    );
  }
}

/** Before it is moved nobody sees anything of it: whatever a request may have done, the mail was not made. */
export async function undone<T>(work: () => Promise<T>): Promise<T> {
  try {
    const done = await work();
    return isFault(done) && done.kind === 'transient' ? ({ ...done, mayHaveHappened: false } as T) : done;
  } catch (error) {
    if (!(error instanceof FaultError) || error.fault.kind !== 'transient') throw error;
    throw new FaultError({ ...error.fault, mayHaveHappened: false });
  }
}

const refused = (detail: string): Fault => ({
  kind: 'poison',
  reason: 'too-large',
  detail: `it is too large for one import, and the service does not take its files one by one: ${detail}`,
});
