import { FaultError } from '#kit/fault.ts';
import type { FolderId, ItemId, Version } from '#model/ids.ts';
import type { ChangePage, Connector, Context, Mailbox, Written } from '../contract.ts';
import type { MailboxOperation } from './around.ts';
import { aroundConnector } from './around.ts';

/** A write that was not made. */
export interface PlannedWrite {
  readonly mailbox: string;
  readonly operation: MailboxOperation;
  /** One line for a person; ids and counts, never subjects. Folder names are shown: they are what a plan is about. */
  readonly text: string;
  readonly items: number;
}

/** Reads pass, writes are only described. What would have been made has an id, so that the plan can go on with it. */
export function dryRun(inner: Connector, describe: (write: PlannedWrite) => void): Connector {
  return aroundConnector(inner, (mailbox) => dryMailbox(mailbox, describe));
}

const prefix = 'planned:';
const isPlanned = (id: string): boolean => id.startsWith(prefix);
const nothing: ChangePage = { changes: [], cursor: '' as ChangePage['cursor'], complete: true, oddities: {} };

function dryMailbox(inner: Mailbox, describe: (write: PlannedWrite) => void): Mailbox {
  let made = 0;
  const nextId = () => `${prefix}${++made}`;
  const say = (operation: MailboxOperation, text: string, items: number, context: Context) => {
    if (context.signal.aborted)
      throw new FaultError({
        kind: 'transient',
        detail: 'stopped',
        mayHaveHappened: false,
        cause: context.signal.reason,
      });
    describe({ mailbox: inner.address, operation, text, items });
  };
  const written = (id: ItemId): Written => ({ id, version: prefix as Version });
  const mails = (count: number) => (count === 1 ? '1 mail' : `${count} mails`);
  const real = <Id extends string>(ids: readonly Id[]) => ids.filter((id) => !isPlanned(id));
  return {
    address: inner.address,
    tree: (context) => inner.tree(context),
    roles: (context) => inner.roles(context),
    // A folder that would have been made is empty.
    changes: async (folder, cursor, context) => (isPlanned(folder) ? nothing : inner.changes(folder, cursor, context)),
    heads: (ids, context) => inner.heads(real(ids), context),
    contents: (items, context) =>
      inner.contents(
        items.filter((item) => !isPlanned(item.id)),
        context,
      ),
    properties: (ids, wanted, context) => inner.properties(real(ids), wanted, context),
    findByStamp: async (folder, stamps, context) =>
      isPlanned(folder) ? new Map() : inner.findByStamp(folder, stamps, context),
    limits: (context) => inner.limits(context),
    ping: (context) => inner.ping(context),

    async create(folder, drafts, context) {
      const bytes = drafts.reduce((sum, draft) => sum + draft.content.mime.sizeBytes, 0);
      say('create', `create ${mails(drafts.length)} (${bytes} bytes) in folder ${folder}`, drafts.length, context);
      return drafts.map(() => written(nextId() as ItemId));
    },
    async update(edits, context) {
      const fields = [...new Set(edits.flatMap((edit) => Object.keys(edit.set)))].sort();
      say('update', `set ${fields.join(', ')} of ${mails(edits.length)}`, edits.length, context);
      return edits.map((edit) => written(edit.id));
    },
    async move(ids, to, context) {
      say('move', `move ${mails(ids.length)} to folder ${to}`, ids.length, context);
      return ids.map((id) => written(id));
    },
    async remove(items, context) {
      say('remove', `remove ${mails(items.length)} recoverably`, items.length, context);
      return items.map(() => null);
    },
    async createFolder(parent, name, containerClass, context) {
      say(
        'createFolder',
        `create folder ${JSON.stringify(name)}${containerClass === null ? '' : ` (${containerClass})`} in ${parent}`,
        1,
        context,
      );
      return nextId() as FolderId;
    },
    async renameFolder(folder, name, context) {
      say('renameFolder', `rename folder ${folder} to ${JSON.stringify(name)}`, 1, context);
    },
    async moveFolder(folder, parent, context) {
      say('moveFolder', `move folder ${folder} into ${parent}`, 1, context);
    },
    async removeFolder(folder, context) {
      say('removeFolder', `remove folder ${folder} recoverably`, 1, context);
    },
  };
}
