import type { Random } from '#kit/random.ts';
import type { FolderId, ItemId } from '#model/ids.ts';
import type { MailState } from '#model/mail.ts';
import { folderByRole, type SimulatedMailbox } from './simulated-mailbox.ts';

/** Keeps which mail is which on both sides: every message carries its number in a header that nothing looks at. */
export function uidOf(mime: Buffer): string {
  return /X-Uid: (\S+)/.exec(mime.toString('latin1'))?.[1] ?? '';
}

const mime = (uid: string, body: string) =>
  Buffer.from(`Subject: mail ${uid}\r\nX-Uid: ${uid}\r\nMessage-Id: <${uid}@source.test>\r\n\r\n${body}\r\n`);

const mail = (uid: string, body: string) => ({
  mime: mime(uid, body),
  subject: `mail ${uid}`,
  messageId: `<${uid}@source.test>`,
});

const mailFolders = (box: SimulatedMailbox): FolderId[] =>
  box
    .folders()
    .filter((f) => f.holdsMail)
    .map((f) => f.id);

const pick = <T>(random: Random, things: readonly T[]): T | undefined => things[random.int(things.length)];

const names = ['Projects', 'projects2', 'A/B', 'C\\D', 'Émile', '  odd ', '文件', 'x'.repeat(60), 'Inbox'];

/** What the people of the source do in a step. @param isBusyWithOne They come back to the same few mails over and over. */
export function sourceStep(box: SimulatedMailbox, random: Random, nextUid: () => string, isBusyWithOne = false): void {
  const items = isBusyWithOne ? box.items().slice(0, 2) : box.items();
  const item = pick(random, items);
  const folders = mailFolders(box);
  const folder = pick(random, folders) as FolderId;
  switch (random.int(14)) {
    case 0:
    case 1:
    case 2:
      box.deliver(folder, {
        ...mail(nextUid(), 'hello'),
        readReceiptRequested: random.next() < 0.3,
        isRead: random.next() < 0.3,
      });
      return;
    case 3: {
      // An equal mail, delivered twice.
      const uid = nextUid();
      for (let i = 0; i < 2; i++)
        box.deliver(folder, {
          ...mail(uid, 'twice'),
          searchKey: random.next() < 0.5 ? null : uid.padStart(32, '0'),
        });
      return;
    }
    case 4:
      box.deliver(folderByRole(box, 'drafts'), { ...mail(nextUid(), 'draft'), isDraft: true });
      return;
    case 5:
      if (item) box.edit(item.id, { isRead: !item.state.isRead });
      return;
    case 6:
      if (item) box.edit(item.id, { categories: [...new Set([...item.state.categories, `c${random.int(4)}`])] });
      return;
    case 7:
      if (item)
        box.edit(
          item.id,
          random.next() < 0.5 ? { flagStatus: 2, flagRequest: 'Follow up' } : { importance: 'high', lastVerb: 102 },
        );
      return;
    case 8:
    case 9:
      if (item && item.folder !== folder) box.move(item.id, folder);
      return;
    case 10:
      if (item) box.copy(item.id, folder);
      return;
    case 11:
      if (item) random.next() < 0.5 ? box.remove(item.id) : box.move(item.id, folderByRole(box, 'deleteditems'));
      return;
    case 12: {
      const draft = pick(
        random,
        items.filter((i) => i.isDraft),
      );
      if (draft) {
        const uid = uidOf(draft.mime);
        box.rewrite(draft.id, mime(uid, `edited ${random.int(1000)}`), `mail ${uid}`);
      }
      return;
    }
    default:
      folderStep(box, random, folders);
  }
}

function folderStep(box: SimulatedMailbox, random: Random, folders: readonly FolderId[]): void {
  const byId = new Map(box.folders().map((f) => [f.id, f]));
  const own = folders.filter((id) => byId.get(id)?.role === null);
  const folder = byId.get(pick(random, own) ?? ('' as FolderId));
  const parent = pick(random, folders) as FolderId;
  const name = pick(random, names) ?? 'x';
  const free = (where: FolderId, n: string) =>
    ![...byId.values()].some((f) => f.parent === where && f.name.toLowerCase() === n.toLowerCase());
  const inside = (id: FolderId | null, of: FolderId): boolean =>
    id !== null && (id === of || inside(byId.get(id)?.parent ?? null, of));
  switch (random.int(4)) {
    case 0:
      if (free(parent, name)) box.addFolder(parent, name);
      return;
    case 1:
      if (folder?.parent && free(folder.parent, name)) box.renameFolder(folder.id, name);
      return;
    case 2:
      if (folder && !inside(parent, folder.id) && free(parent, folder.name)) box.moveFolder(folder.id, parent);
      return;
    default:
      if (folder && random.next() < 0.3) box.discardFolder(folder.id);
  }
}

/** What people of the target did to copies, by number of the mail: the checkers make allowance for it, and for nothing else. */
export interface Allowance {
  readonly fields: Set<keyof MailState>;
  moved: boolean;
  /** Those that are put away count as well. */
  removed: number;
  /** Of those that were moved: by way of a copy. */
  expunged: number;
  copied: number;
}

/** Nobody on the source ever sets it, so that it can only be a person's of the target. */
export const personsImportance = 'low';

/** A folder that the source lacks, so that what lies in it is out of sight. */
const asideName = 'Set aside';

function asideFolder(box: SimulatedMailbox): FolderId | undefined {
  return box.folders().find((f) => f.name === asideName)?.id;
}

/**
 * @param readBack What the program knows of the target.
 * @param isBusyWithOne They come back to the same few mails over and over.
 */
export function targetStep(
  box: SimulatedMailbox,
  random: Random,
  readBack: ReadonlySet<ItemId>,
  allow: (uid: string) => Allowance,
  isBusyWithOne = false,
): void {
  const copies = box.items().filter((i) => i.stamp !== null);
  const item = pick(random, isBusyWithOne ? copies.slice(0, 2) : copies);
  if (!item) return;
  const uid = uidOf(item.mime);
  const aside = asideFolder(box);
  const folder = pick(
    random,
    mailFolders(box).filter((id) => id !== aside),
  ) as FolderId;
  if (item.folder === aside) {
    allow(uid).removed--;
    box.move(item.id, folder);
    return;
  }
  switch (random.int(isBusyWithOne ? 9 : 7)) {
    case 0:
      allow(uid).fields.add('isRead');
      box.edit(item.id, { isRead: !item.state.isRead });
      return;
    case 1:
      allow(uid).fields.add('categories');
      box.edit(item.id, { categories: [...item.state.categories, `t${random.int(3)}`] });
      return;
    case 2:
      allow(uid).moved = true;
      if (random.next() < 0.5) {
        // Programs that speak IMAP move so.
        allow(uid).expunged++;
        box.copy(item.id, folder);
        box.remove(item.id);
      } else if (item.folder !== folder) box.move(item.id, folder);
      return;
    case 3:
      // What changed before it was first read back is taken for what was written.
      if (!readBack.has(item.id)) return;
      allow(uid).fields.add('importance');
      box.edit(item.id, { importance: personsImportance });
      return;
    case 4:
      allow(uid).removed++;
      box.remove(item.id);
      return;
    case 5:
      allow(uid).copied++;
      box.copy(item.id, folder);
      return;
    default: {
      // Put away for a while: the next time that it is looked at it is taken out again.
      allow(uid).moved = true;
      allow(uid).removed++;
      const root = box.folders().find((f) => f.parent === null)?.id as FolderId;
      box.move(item.id, aside ?? box.addFolder(root, asideName));
    }
  }
}
