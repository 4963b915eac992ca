import { type Fault, FaultError, isFault } from '#kit/fault.ts';
import { type FolderMark, type FolderRole, type FolderTree, folderContent } from '#model/folder.ts';
import type { Cursor, FolderId } from '#model/ids.ts';
import type { ChangePage, Context, Mailbox } from '../contract.ts';
import { missing, noId } from '../ews/answer-faults.ts';
import { treeOf } from '../ews/folder-tree.ts';
import { asSeenAt, type SeenFolder } from '../ews/operations/folder-shape.ts';
import {
  containerClassEntry,
  defaultFoldersExpand,
  defaultFoldersOf,
  folderQuery,
  mailRoles,
  readFolder,
} from './folders.ts';
import { type GraphRequest, objectOf } from './graph-client.ts';
import { type JsonObject, objectsAt, textAt } from './json.ts';
import { isRemoved } from './mail-codec.ts';
import { awaitsReceipt } from './mail-writes.ts';
import type { MailboxTools } from './mailbox-tools.ts';
import { ask, askAll, getting, nextPath, pageMax, shapeless } from './requests.ts';

/** Folders of a page: one answer for nearly every mailbox. */
const folderPageMax = 1000;

type FolderCalls = Pick<
  Mailbox,
  'tree' | 'marks' | 'roles' | 'createFolder' | 'renameFolder' | 'moveFolder' | 'removeFolder'
>;

/** The folders of a mailbox. */
export class MailboxFolders implements FolderCalls {
  readonly #tools: MailboxTools;
  readonly #mail: Pick<Mailbox, 'changes' | 'remove'>;
  #root: FolderId | null = null;

  constructor(tools: MailboxTools, mail: Pick<Mailbox, 'changes' | 'remove'>) {
    this.#tools = tools;
    this.#mail = mail;
  }

  /** Folders of everything where the import API is, mail folders otherwise. */
  async #foldersPath(context: Context): Promise<string> {
    return this.#tools.hasImport
      ? `${await this.#tools.adminPath(context)}/folders`
      : `${this.#tools.user}/mailFolders`;
  }

  async visibleRoot(context: Context): Promise<FolderId> {
    if (this.#root !== null) return this.#root;
    const answer = await ask(
      this.#tools,
      getting(`${this.#tools.user}/mailFolders/msgfolderroot?$select=id`, 'mailFolders', 'mailbox'),
      context,
    );
    const id = textAt(answer, 'id');
    if (id === null) throw new FaultError(shapeless('mailFolders/msgfolderroot', 'its id'));
    this.#root = id as FolderId;
    return this.#root;
  }

  async #seen(context: Context): Promise<readonly SeenFolder[]> {
    const { hasImport } = this.#tools;
    const mailboxId = hasImport ? await this.#tools.mailboxId(context) : '';
    const seen: SeenFolder[] = [];
    let path: string | null = `${await this.#foldersPath(context)}/delta?${folderQuery(hasImport)}`;
    for (let page = 0; path !== null && page < pageMax; page++) {
      const request: GraphRequest = {
        ...getting(path, 'folders/delta', 'mailbox'),
        headers: { prefer: `odata.maxpagesize=${folderPageMax}` },
      };
      const { body, serverTimeMs } = await this.#tools.client.fetch(request, this.#tools.address, context);
      const answer = objectOf(body, request.name);
      for (const entity of objectsAt(answer, 'value')) {
        const folder = isRemoved(entity) ? null : readFolder(entity, mailboxId);
        if (folder !== null) seen.push(asSeenAt(folder, serverTimeMs));
      }
      path = nextPath(this.#tools, answer);
    }
    return seen;
  }

  async tree(context: Context): Promise<FolderTree> {
    const root = await this.visibleRoot(context);
    try {
      return treeOf(root, null, await this.#seen(context));
    } catch (error) {
      // Another mailbox may have come to stand behind the address: what was learned of the former is no good.
      this.#root = null;
      this.#tools.forget();
      throw error;
    }
  }

  async marks(folders: readonly FolderId[], context: Context): Promise<ReadonlyMap<FolderId, FolderMark>> {
    const path = await this.#foldersPath(context);
    const query = folderQuery(this.#tools.hasImport);
    const answers = await askAll(
      this.#tools,
      folders.map((id) => getting(`${path}/${encodeURIComponent(id)}?${query}`, 'folders', 'folder')),
      context,
    );
    const marks = new Map<FolderId, FolderMark>();
    for (const [at, id] of folders.entries()) {
      const answer = answers[at] ?? missing;
      if (isFault(answer) && answer.kind !== 'gone') throw new FaultError(answer);
      const folder = isFault(answer) ? null : readFolder(answer, '');
      if (folder === null) continue;
      const { mark, settling } = asSeenAt(folder, this.#tools.clock.nowMs()).info;
      marks.set(id, settling === undefined ? { mark } : { mark, settling });
    }
    return marks;
  }

  async roles(context: Context): Promise<ReadonlyMap<FolderRole, FolderId>> {
    const folders = (name: string, query: string) =>
      getting(`${this.#tools.user}/mailFolders/${name}?${query}`, 'mailFolders', 'folder');
    const answers = await askAll(
      this.#tools,
      [
        ...mailRoles.map((role) => folders(role, '$select=id')),
        folders('inbox', `$select=id&$expand=${encodeURIComponent(defaultFoldersExpand)}`),
      ],
      context,
    );
    const roles = new Map<FolderRole, FolderId>();
    for (const [at, role] of mailRoles.entries()) {
      const answer = answers[at] ?? missing;
      // A mailbox need not have every well-known folder; what may pass must not look like an absent one.
      if (isFault(answer)) {
        if (answer.kind !== 'gone' || role === 'msgfolderroot') throw new FaultError(asMailbox(answer, role));
        continue;
      }
      const id = textAt(answer, 'id');
      if (id !== null) roles.set(role, id as FolderId);
    }
    const inbox = answers[mailRoles.length];
    const others = inbox === undefined || isFault(inbox) ? new Map<string, FolderRole>() : defaultFoldersOf(inbox);
    if (this.#tools.hasImport && others.size > 0)
      for (const { entryId, info } of await this.#seen(context)) {
        const role = others.get(entryId);
        if (role !== undefined) roles.set(role, info.id);
      }
    return roles;
  }

  async createFolder(
    parent: FolderId,
    name: string,
    containerClass: string | null,
    context: Context,
  ): Promise<FolderId> {
    const path = await this.#foldersPath(context);
    const answer = await ask(
      this.#tools,
      {
        method: 'POST',
        path: `${path}/${encodeURIComponent(parent)}/childFolders`,
        name: 'POST childFolders',
        subject: { writes: true, about: 'name' },
        body: { displayName: name, ...this.#classOf(containerClass ?? 'IPF.Note') },
      },
      context,
    );
    const id = textAt(answer, 'id');
    if (id === null) throw new FaultError(noId);
    return id as FolderId;
  }

  #classOf(containerClass: string): JsonObject {
    return this.#tools.hasImport
      ? { type: containerClass }
      : { singleValueExtendedProperties: [containerClassEntry(containerClass)] };
  }

  async renameFolder(folder: FolderId, name: string, context: Context): Promise<void> {
    await ask(
      this.#tools,
      {
        method: 'PATCH',
        path: `${await this.#foldersPath(context)}/${encodeURIComponent(folder)}`,
        name: 'PATCH folders',
        subject: { writes: true, about: 'name' },
        body: { displayName: name },
      },
      context,
    );
  }

  async moveFolder(folder: FolderId, parent: FolderId, context: Context): Promise<void> {
    await this.#moveFolderTo(folder, parent, context);
  }

  async #moveFolderTo(folder: FolderId, destination: string, context: Context): Promise<void> {
    await ask(
      this.#tools,
      {
        method: 'POST',
        path: `${this.#tools.user}/mailFolders/${encodeURIComponent(folder)}/move`,
        name: 'mailFolders/move',
        subject: { writes: true, about: 'name' },
        body: { destinationId: destination },
      },
      context,
    );
  }

  async removeFolder(folder: FolderId, context: Context): Promise<void> {
    await this.#removeReceiptsBelow(folder, context);
    const path = `${await this.#foldersPath(context)}/${encodeURIComponent(folder)}`;
    const request: GraphRequest = {
      method: 'DELETE',
      path,
      name: 'DELETE folders',
      subject: { writes: true, about: 'folder' },
    };
    // First it goes into Deleted Items, and from there to where only a recovery finds it. *Assumed*, as mail programs do it.
    await ask(this.#tools, request, context);
    try {
      await ask(this.#tools, request, context);
    } catch (error) {
      if (!(error instanceof FaultError) || error.fault.kind !== 'gone') throw error;
    }
  }

  /**
   * With a folder its mail goes, and unread mail that asks for a receipt would send one. So that mail is removed by itself first; where
   * that fails, the folder stays.
   */
  async #removeReceiptsBelow(folder: FolderId, context: Context): Promise<void> {
    const all = (await this.#seen(context)).map(({ info }) => info);
    const inside = new Set([folder]);
    for (let size = 0; size < inside.size; ) {
      size = inside.size;
      for (const { id, parent } of all) if (parent !== null && inside.has(parent)) inside.add(id);
    }
    if (!all.some(({ id }) => id === folder)) throw new FaultError({ kind: 'gone', detail: 'the folder is not there' });
    for (const { id, itemCount, containerClass } of all) {
      if (itemCount === 0 || !inside.has(id) || folderContent(containerClass) !== 'mail') continue;
      let cursor: Cursor | null = null;
      for (let pages = 0; pages < pageMax; pages++) {
        const page: ChangePage = await this.#mail.changes(id, cursor, context);
        const asking = page.changes.flatMap((change) =>
          change.kind === 'upsert' && !change.head.state.isRead && awaitsReceipt(change.head)
            ? [{ id: change.head.id, expect: change.head.version, readReceiptRequested: true }]
            : [],
        );
        for (const answer of await this.#mail.remove(asking, context))
          if (answer !== null && answer.kind !== 'gone') throw new FaultError(answer);
        if (page.complete) break;
        cursor = page.cursor;
      }
    }
  }
}

/** The root of a mailbox that is not there is the mailbox that is not there. */
const asMailbox = (fault: Fault, role: FolderRole): Fault =>
  fault.kind === 'gone' && role === 'msgfolderroot'
    ? { kind: 'fatal', code: 'mailbox-gone', detail: fault.detail }
    : fault;
