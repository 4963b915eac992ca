import { must } from '#kit/assert.ts';
import { Recent } from '#kit/recent.ts';
import type { AttachmentContent } from '#model/appointment.ts';
import type { TypedKind } from '#model/typed-item.ts';
import type { Connector, Context, Mailbox, TypedItems } from '../contract.ts';
import type { MailboxSettings } from '../settings-contract.ts';

/** A method of Mailbox that makes requests; those of its typed items begin with `typed`, those of its settings are of two kinds. */
export type MailboxOperation =
  | Exclude<keyof Mailbox, 'address' | 'typed' | 'settings'>
  | `typed${Capitalize<keyof TypedItems<TypedKind>>}`
  | 'settingsRead'
  | 'settingsWrite';

/** What a wrapper is told of a call, before it is made. No content. */
export interface Call {
  readonly address: string;
  readonly operation: MailboxOperation;
  readonly writes: boolean;
  /** How many items or folders it is about. */
  readonly items: number;
  /** Decoded bytes of content that it will move, as far as that is known before. */
  readonly bytes: number;
}

/** Makes the call, or not, or several times. */
export type Around = <T>(call: Call, context: Context, make: (context: Context) => Promise<T>) => Promise<T>;

export const writingOperations: ReadonlySet<MailboxOperation> = new Set<MailboxOperation>([
  'create',
  'update',
  'move',
  'remove',
  'createFolder',
  'renameFolder',
  'moveFolder',
  'removeFolder',
  'typedCreate',
  'typedUpdate',
  'typedMove',
  'typedRemove',
  'settingsWrite',
]);

/** Writes that do the same when they are made a second time. */
export const repeatableOperations: ReadonlySet<MailboxOperation> = new Set<MailboxOperation>([
  'renameFolder',
  'settingsWrite',
]);

/** The same mailbox with something around each of its calls. */
export function aroundMailbox(inner: Mailbox, around: Around): Mailbox {
  const { address } = inner;
  const through: Through = (operation, context, make, items = 1, bytes = 0) =>
    around({ address, operation, writes: writingOperations.has(operation), items, bytes }, context, make);
  return {
    address,
    tree: (context) => through('tree', context, (inside) => inner.tree(inside)),
    marks: (folders, context) => through('marks', context, (inside) => inner.marks(folders, inside)),
    roles: (context) => through('roles', context, (inside) => inner.roles(inside)),
    changes: (folder, cursor, context) =>
      through('changes', context, (inside) => inner.changes(folder, cursor, inside)),
    heads: (ids, context) => through('heads', context, (inside) => inner.heads(ids, inside), ids.length),
    contents: (items, context) =>
      through(
        'contents',
        context,
        (inside) => inner.contents(items, inside),
        items.length,
        sum(items, (item) => item.sizeBytes),
      ),
    properties: (ids, wanted, context) =>
      through('properties', context, (inside) => inner.properties(ids, wanted, inside), ids.length),
    findByStamp: (folder, stamps, context) =>
      through('findByStamp', context, (inside) => inner.findByStamp(folder, stamps, inside), stamps.length),
    create: (folder, drafts, context) =>
      through(
        'create',
        context,
        (inside) => inner.create(folder, drafts, inside),
        drafts.length,
        sum(drafts, (draft) => draft.content.mime.sizeBytes),
      ),
    update: (edits, context) => through('update', context, (inside) => inner.update(edits, inside), edits.length),
    move: (ids, to, context) => through('move', context, (inside) => inner.move(ids, to, inside), ids.length),
    remove: (items, context) => through('remove', context, (inside) => inner.remove(items, inside), items.length),
    createFolder: (parent, name, containerClass, context) =>
      through('createFolder', context, (inside) => inner.createFolder(parent, name, containerClass, inside)),
    renameFolder: (folder, name, context) =>
      through('renameFolder', context, (inside) => inner.renameFolder(folder, name, inside)),
    moveFolder: (folder, parent, context) =>
      through('moveFolder', context, (inside) => inner.moveFolder(folder, parent, inside)),
    removeFolder: (folder, context) => through('removeFolder', context, (inside) => inner.removeFolder(folder, inside)),
    limits: (context) => through('limits', context, (inside) => inner.limits(inside)),
    ping: (context) => through('ping', context, (inside) => inner.ping(inside)),
    typed<Kind extends TypedKind>(kind: Kind) {
      const items = inner.typed(kind);
      return items && typedThrough(items, through);
    },
    ...(inner.freeBusy
      ? {
          freeBusy: (from, to, context) =>
            through('freeBusy', context, (inside) => must(inner.freeBusy, 'free/busy')(from, to, inside)),
        }
      : {}),
    ...(inner.primaryOf
      ? {
          primaryOf: (of, context) =>
            through('primaryOf', context, (inside) => must(inner.primaryOf, 'a directory')(of, inside)),
        }
      : {}),
    ...(inner.settings ? { settings: settingsThrough(inner.settings, through) } : {}),
  };
}

type Through = <T>(
  operation: MailboxOperation,
  context: Context,
  make: (context: Context) => Promise<T>,
  items?: number,
  bytes?: number,
) => Promise<T>;

/** The same items with something around each of their calls. */
function typedThrough<Kind extends TypedKind>(inner: TypedItems<Kind>, through: Through): TypedItems<Kind> {
  return {
    changes: (folder, cursor, context) =>
      through('typedChanges', context, (inside) => inner.changes(folder, cursor, inside)),
    read: (ids, context) => through('typedRead', context, (inside) => inner.read(ids, inside), ids.length),
    attachments: (id, day, wanted, context) =>
      through(
        'typedAttachments',
        context,
        (inside) => inner.attachments(id, day, wanted, inside),
        wanted.length,
        sum(wanted, (head) => head.sizeBytes),
      ),
    findByIdentity: (folder, identities, context) =>
      through(
        'typedFindByIdentity',
        context,
        (inside) => inner.findByIdentity(folder, identities, inside),
        identities.length,
      ),
    create: (folder, drafts, context) =>
      through(
        'typedCreate',
        context,
        (inside) => inner.create(folder, drafts, inside),
        drafts.length,
        sum(
          drafts,
          (draft) =>
            attachedBytes(draft.attachments) +
            sum([...draft.occurrenceAttachments.values()], (own) => attachedBytes(own)),
        ),
      ),
    update: (edits, context) =>
      through(
        'typedUpdate',
        context,
        (inside) => inner.update(edits, inside),
        edits.length,
        sum(edits, ({ edit }) => attachedBytes([...edit.attachments.values()])),
      ),
    move: (ids, to, context) => through('typedMove', context, (inside) => inner.move(ids, to, inside), ids.length),
    remove: (items, context) => through('typedRemove', context, (inside) => inner.remove(items, inside), items.length),
  };
}

/** The same settings with something around each of their calls. */
function settingsThrough(inner: MailboxSettings, through: Through): MailboxSettings {
  return {
    get abilities() {
      return inner.abilities;
    },
    automaticReplies: (context) => through('settingsRead', context, (inside) => inner.automaticReplies(inside)),
    setAutomaticReplies: (settings, context) =>
      through('settingsWrite', context, (inside) => inner.setAutomaticReplies(settings, inside)),
    rules: (context) => through('settingsRead', context, (inside) => inner.rules(inside)),
    setRules: (rules, evenOutlooks, context) =>
      through('settingsWrite', context, (inside) => inner.setRules(rules, evenOutlooks, inside)),
    permissions: (folder, context) => through('settingsRead', context, (inside) => inner.permissions(folder, inside)),
    setPermissions: (folder, permissions, context) =>
      through('settingsWrite', context, (inside) => inner.setPermissions(folder, permissions, inside)),
    delegates: (context) => through('settingsRead', context, (inside) => inner.delegates(inside)),
    setDelegates: (delegates, context) =>
      through('settingsWrite', context, (inside) => inner.setDelegates(delegates, inside)),
    stored: (setting, context) => through('settingsRead', context, (inside) => inner.stored(setting, inside)),
    setStored: (setting, configuration, context) =>
      through('settingsWrite', context, (inside) => inner.setStored(setting, configuration, inside)),
  };
}

const attachedBytes = (attachments: readonly AttachmentContent[]): number =>
  sum(attachments, ({ bytes }) => bytes.sizeBytes);

function sum<T>(things: readonly T[], size: (thing: T) => number): number {
  return things.reduce((total, thing) => total + size(thing), 0);
}

/** Wrapped mailboxes that are kept; with ten thousand pairs those that are seldom used are wrapped again. */
const KEPT_MAX = 256;

/** The same connector, whose mailboxes are wrapped. */
export function aroundConnector(inner: Connector, wrap: (mailbox: Mailbox) => Mailbox): Connector {
  const mailboxes = new Recent<string, Mailbox>(KEPT_MAX);
  return {
    organization: inner.organization,
    get abilities() {
      return inner.abilities;
    },
    mailbox: (address) => mailboxes.get(address, () => wrap(inner.mailbox(address))),
    ...(inner.glance ? { glance: inner.glance } : {}),
    ...(inner.publicFolders ? { publicFolders: () => wrap(must(inner.publicFolders, 'public folders')()) } : {}),
    ...(inner.watch
      ? {
          watch: (...wanted: Parameters<NonNullable<Connector['watch']>>) =>
            (inner.watch as NonNullable<Connector['watch']>)(...wanted),
        }
      : {}),
    close: () => inner.close(),
  };
}
