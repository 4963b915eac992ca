import type { Clock } from '#kit/clock.ts';
import type { TypedKind } from '#model/typed-item.ts';
import type { Context, Mailbox, TypedItems } from '../contract.ts';
import { freeBusyOf } from './free-busy.ts';
import { batchRequestsMax, type GraphClient } from './graph-client.ts';
import { ImportSession } from './import-session.ts';
import { MailFeed } from './mail-feed.ts';
import { findByStamp } from './mail-search.ts';
import { MailWrites } from './mail-writes.ts';
import { MailboxFolders } from './mailbox-folders.ts';
import { MailboxId } from './mailbox-id.ts';
import type { MailboxTools } from './mailbox-tools.ts';
import { getting } from './requests.ts';
import { ServerIds } from './server-ids.ts';
import { typedItems } from './typed/typed-items.ts';
import { UnfinishedEvents } from './typed/unfinished-events.ts';

/** Items of one read by id: requests of a batch. */
export const batchMax = batchRequestsMax;
export { changePageMax } from './mail-feed.ts';

export interface GraphMailboxOptions {
  readonly client: GraphClient;
  readonly address: string;
  readonly clock: Clock;
  readonly hasImport: boolean;
  readonly isImportHost: (host: string) => boolean;
  readonly requestBytesMax: number;
}

export function graphMailbox(options: GraphMailboxOptions): Mailbox {
  return new GraphMailbox(options);
}

/** One mailbox; each of its concepts has a file of its own. */
class GraphMailbox implements Mailbox {
  readonly address: string;
  readonly #tools: MailboxTools;
  readonly #folders: MailboxFolders;
  readonly #feed: MailFeed;
  readonly #writes: MailWrites;
  readonly #unfinishedEvents: UnfinishedEvents;

  constructor({ client, address, clock, hasImport, isImportHost, requestBytesMax }: GraphMailboxOptions) {
    this.address = address;
    const user = `/users/${encodeURIComponent(address)}`;
    const own = new MailboxId(client, user, address);
    const mailboxId = (context: Context) => own.get(context);
    this.#tools = {
      client,
      address,
      clock,
      user,
      hasImport,
      mailboxId,
      forget: () => own.forget(),
      adminPath: async (context) => `/admin/exchange/mailboxes/${encodeURIComponent(await mailboxId(context))}`,
      imports: new ImportSession({ client, address, clock, mailboxId, isImportHost, requestBytesMax }),
      ids: new ServerIds(client, user, address),
    };
    this.#feed = new MailFeed(this.#tools);
    this.#writes = new MailWrites(this.#tools, this.#feed);
    this.#unfinishedEvents = new UnfinishedEvents(this.#tools);
    this.#folders = new MailboxFolders(this.#tools, {
      changes: (folder, cursor, context) => this.#feed.changes(folder, cursor, context),
      remove: (items, context) => this.#writes.remove(items, context),
    });
  }

  tree: Mailbox['tree'] = (context) => this.#folders.tree(context);
  marks: Mailbox['marks'] = (folders, context) => this.#folders.marks(folders, context);
  roles: Mailbox['roles'] = (context) => this.#folders.roles(context);
  createFolder: Mailbox['createFolder'] = (parent, name, containerClass, context) =>
    this.#folders.createFolder(parent, name, containerClass, context);
  renameFolder: Mailbox['renameFolder'] = (folder, name, context) => this.#folders.renameFolder(folder, name, context);
  moveFolder: Mailbox['moveFolder'] = (folder, parent, context) => this.#folders.moveFolder(folder, parent, context);
  removeFolder: Mailbox['removeFolder'] = (folder, context) => this.#folders.removeFolder(folder, context);

  changes: Mailbox['changes'] = (folder, cursor, context) => this.#feed.changes(folder, cursor, context);
  heads: Mailbox['heads'] = (ids, context) => this.#feed.heads(ids, context);
  contents: Mailbox['contents'] = (items, context) => this.#feed.contents(items, context);
  properties: Mailbox['properties'] = (ids, wanted, context) => this.#feed.properties(ids, wanted, context);
  findByStamp: Mailbox['findByStamp'] = (folder, stamps, context) => findByStamp(this.#tools, folder, stamps, context);

  create: Mailbox['create'] = (folder, drafts, context) => this.#writes.create(folder, drafts, context);
  update: Mailbox['update'] = (edits, context) => this.#writes.update(edits, context);
  move: Mailbox['move'] = (ids, to, context) => this.#writes.move(ids, to, context);
  remove: Mailbox['remove'] = (items, context) => this.#writes.remove(items, context);

  async limits(context: Context): ReturnType<Mailbox['limits']> {
    // What of it the service shows is in reports about the tenant, not about a mailbox; that the mailbox answers is seen here.
    await this.#folders.visibleRoot(context);
    return { quotaBytes: null, usedBytes: null, itemMaxBytes: null, retention: [] };
  }

  async ping(context: Context): ReturnType<Mailbox['ping']> {
    const begunMs = this.#tools.clock.monotonicMs();
    const { serverTimeMs } = await this.#tools.client.fetch(
      getting(`${this.#tools.user}/mailFolders/msgfolderroot?$select=id`, 'mailFolders', 'mailbox'),
      this.address,
      context,
    );
    const firstByteMs = this.#tools.clock.monotonicMs() - begunMs;
    return { serverTimeMs, firstByteMs, product: this.#tools.client.product };
  }

  typed<Kind extends TypedKind>(kind: Kind): TypedItems<Kind> | null {
    return this.#tools.hasImport ? typedItems(this.#tools, kind, this.#unfinishedEvents) : null;
  }

  freeBusy: NonNullable<Mailbox['freeBusy']> = (from, to, context) => freeBusyOf(this.#tools, from, to, context);
}
