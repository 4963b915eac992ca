import type { MemoryMailbox } from '#connectors/memory/memory-organization.ts';
import type { Random } from '#kit/random.ts';
import type { FolderId, ItemId } from '#model/ids.ts';
import { type MailState, MESSAGE_FLAG_UNSENT } from '#model/mail.ts';

/** Keeps which mail is which on both sides: every message carries its number in a header that nothing looks at. */
export function uidOf(mime: Buffer): string {
  return /X-Uid: (\S+)/.exec(mime.toString('latin1'))?.[1] ?? '';
}

const mail = (uid: string, body: string) =>
  Buffer.from(`Subject: mail ${uid}\r\nX-Uid: ${uid}\r\nMessage-Id: <${uid}@source.test>\r\n\r\n${body}\r\n`);

const mailFolders = (box: MemoryMailbox): FolderId[] =>
  [...box.folders.values()]
    .filter(
      (f) => f.parent !== null && f.containerClass === 'IPF.Note' && f.role !== 'outbox' && f.role !== 'syncissues',
    )
    .map((f) => f.id);

const pick = <T>(random: Random, things: readonly T[]): T | undefined => things[random.int(things.length)];

const names = ['Projects', 'projects2', 'A/B', 'C\\D', 'Émile', '  odd ', '文件', 'x'.repeat(60), 'Inbox'];

/** What the people of the source do in a step. */
export function sourceStep(box: MemoryMailbox, random: Random, nextUid: () => string): void {
  const items = [...box.items.values()];
  const item = pick(random, items);
  const folders = mailFolders(box);
  const folder = pick(random, folders) as FolderId;
  switch (random.int(14)) {
    case 0:
    case 1:
    case 2: {
      const uid = nextUid();
      box.add(
        folder,
        mail(uid, 'hello'),
        {
          subject: `mail ${uid}`,
          internetMessageId: `<${uid}@source.test>`,
          readReceiptRequested: random.next() < 0.3,
        },
        { isRead: random.next() < 0.3 },
      );
      return;
    }
    case 3: {
      // An equal mail, delivered twice.
      const uid = nextUid();
      for (let i = 0; i < 2; i++)
        box.add(folder, mail(uid, 'twice'), {
          subject: `mail ${uid}`,
          internetMessageId: `<${uid}@source.test>`,
          searchKey: random.next() < 0.5 ? null : uid.padStart(32, '0'),
        });
      return;
    }
    case 4: {
      const uid = nextUid();
      box.add(box.byRole('drafts'), mail(uid, 'draft'), { subject: `mail ${uid}`, messageFlags: MESSAGE_FLAG_UNSENT });
      return;
    }
    case 5:
      if (item) box.edit(item.id, { isRead: !item.state.isRead }, { suppressReceipts: true });
      return;
    case 6:
      if (item)
        box.edit(
          item.id,
          { categories: [...new Set([...item.state.categories, `c${random.int(4)}`])] },
          { suppressReceipts: true },
        );
      return;
    case 7:
      if (item)
        box.edit(
          item.id,
          random.next() < 0.5 ? { flagStatus: 2, flagRequest: 'Follow up' } : { importance: 'high', lastVerb: 102 },
          { suppressReceipts: true },
        );
      return;
    case 8:
    case 9:
      if (item && item.folder !== folder) box.moveItem(item.id, folder);
      return;
    case 10:
      if (item) box.copyItem(item.id, folder);
      return;
    case 11:
      if (item)
        random.next() < 0.5
          ? box.removeItem(item.id, { suppressReceipts: true })
          : box.moveItem(item.id, box.byRole('deleteditems'));
      return;
    case 12: {
      const draft = pick(
        random,
        items.filter((i) => (i.facts.messageFlags & MESSAGE_FLAG_UNSENT) !== 0),
      );
      if (draft) box.rewrite(draft.id, mail(uidOf(draft.mime), `edited ${random.int(1000)}`), draft.facts.subject);
      return;
    }
    default:
      folderStep(box, random, folders);
  }
}

function folderStep(box: MemoryMailbox, random: Random, folders: readonly FolderId[]): void {
  const own = folders.filter((id) => box.folders.get(id)?.role === null);
  const folder = box.folders.get(pick(random, own) ?? ('' as FolderId));
  const parent = pick(random, folders) as FolderId;
  const name = pick(random, names) ?? 'x';
  const free = (where: FolderId, n: string) => !box.childNamed(where, n);
  const inside = (id: FolderId | null, of: FolderId): boolean =>
    id !== null && (id === of || inside(box.folders.get(id)?.parent ?? null, of));
  switch (random.int(4)) {
    case 0:
      if (free(parent, name)) box.addFolder(parent, name);
      return;
    case 1:
      if (folder?.parent && free(folder.parent, name)) {
        folder.name = name;
        folder.version++;
      }
      return;
    case 2:
      if (folder && !inside(parent, folder.id) && free(parent, folder.name)) {
        folder.parent = parent;
        folder.version++;
      }
      return;
    default:
      if (folder && random.next() < 0.3) box.removeFolder(folder.id);
  }
}

/** What people of the target did to copies, by number of the mail: the checkers make allowance for it, and for nothing else. */
export interface Allowance {
  readonly fields: Set<keyof MailState>;
  moved: boolean;
  removed: number;
  copied: number;
}

export function targetStep(box: MemoryMailbox, random: Random, allow: (uid: string) => Allowance): void {
  const item = pick(
    random,
    [...box.items.values()].filter((i) => i.stamp !== null),
  );
  if (!item) return;
  const uid = uidOf(item.mime);
  const folder = pick(random, mailFolders(box)) as FolderId;
  switch (random.int(5)) {
    case 0:
      allow(uid).fields.add('isRead');
      box.edit(item.id, { isRead: !item.state.isRead }, { suppressReceipts: true });
      return;
    case 1:
      allow(uid).fields.add('categories');
      box.edit(item.id, { categories: [...item.state.categories, `t${random.int(3)}`] }, { suppressReceipts: true });
      return;
    case 2:
      if (item.folder === folder) return;
      allow(uid).moved = true;
      box.moveItem(item.id, folder);
      return;
    case 3:
      allow(uid).removed++;
      box.removeItem(item.id, { suppressReceipts: true });
      return;
    default:
      allow(uid).copied++;
      box.copyItem(item.id as ItemId, folder);
  }
}
