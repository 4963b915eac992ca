import type { Random } from '#kit/random.ts';
import { CalendarWorker, calendarActions } from './calendar-people.ts';
import { composeMime } from './compose-mime.ts';
import { personalFolders } from './default-folders.ts';
import type { Folder } from './folder.ts';
import { itemIdOf } from './ids.ts';
import type { Item, ItemContent } from './item.ts';
import type { Hand, Mailbox } from './mailbox.ts';
import type { Organization } from './organization.ts';
import { givenNames, surnames } from './person-names.ts';
import { originOfCall } from './post-office.ts';
import { key, messageFlag, type Property, type PropertyKey, tagKey } from './property.ts';
import { contentOfMime } from './read-message.ts';
import { Refusal } from './refusal.ts';

/** What people do with their mail. */
const mailActions = [
  'arrival',
  'read',
  'unread',
  'move',
  'flag',
  'unflag',
  'categorize',
  'reply',
  'trash',
  'empty-from-trash',
  'create-folder',
  'rename-folder',
  'move-folder',
  'delete-folder',
  'edit-draft',
  'new-draft',
  'copy',
  'important',
  'send',
] as const;
export const peopleActions = [...mailActions, ...calendarActions] as const;
export type PeopleAction = (typeof peopleActions)[number];

/** What one of the lab's people did. */
export interface Deed {
  readonly atMs: number;
  readonly mailbox: string;
  readonly action: PeopleAction;
  /** EWS id of the item after it, where it was about one. */
  readonly item: string | null;
}

/** How often each thing is done, in parts of the whole. Arrivals and reading are most of a day. */
const weights: Readonly<Record<PeopleAction, number>> = {
  arrival: 30,
  read: 24,
  unread: 3,
  move: 10,
  flag: 5,
  unflag: 2,
  categorize: 5,
  reply: 5,
  trash: 7,
  'empty-from-trash': 3,
  'create-folder': 1.2,
  'rename-folder': 1,
  'move-folder': 0.6,
  'delete-folder': 0.5,
  'edit-draft': 2,
  'new-draft': 1.5,
  copy: 1,
  important: 1.5,
  send: 1,
  book: 5,
  'book-all-day': 1,
  'book-series': 1.5,
  invite: 2,
  reschedule: 3,
  retitle: 1.5,
  'note-down': 1,
  'change-reminder': 1,
  'move-occurrence': 1.5,
  'edit-occurrence': 1,
  'skip-occurrence': 1,
  'new-pattern': 0.4,
  cancel: 1.5,
};
const total = Object.values(weights).reduce((sum, weight) => sum + weight, 0);

/** Somebody at work: each call of `step` does one thing in one mailbox. */
export interface People {
  /** @returns what was done; null when the choice fell on something there was nothing for. */
  step(): Deed | null;
  readonly deeds: readonly Deed[];
}

const deedsMax = 100_000;

/** The people of an organization. The same random numbers make them do the same things. */
export function createPeople(
  organization: Organization,
  random: Random,
  only: readonly PeopleAction[] = peopleActions,
): People {
  const deeds: Deed[] = [];
  const choose = (): PeopleAction => {
    let at = random.next() * total;
    for (const action of peopleActions) {
      at -= weights[action];
      if (at < 0) return action;
    }
    return 'arrival';
  };
  return {
    deeds,
    step() {
      const entry = organization.mailboxes[random.int(Math.max(1, organization.mailboxes.length))];
      const mailbox = entry === undefined ? null : organization.mailbox(entry.address);
      if (mailbox === null) return null;
      const action = only.length < peopleActions.length ? (only[random.int(only.length)] ?? 'arrival') : choose();
      let item: Item | null | undefined;
      try {
        item = new Worker(mailbox, random).act(action);
      } catch (error) {
        // A full mailbox, a name that is taken: people meet that too, and do something else.
        if (!(error instanceof Refusal)) throw error;
        return null;
      }
      if (item === undefined) return null;
      const deed: Deed = {
        atMs: mailbox.nowMs,
        mailbox: mailbox.address,
        action,
        item: item === null ? null : itemIdOf(item),
      };
      if (deeds.length >= deedsMax) deeds.splice(0, deedsMax >> 1);
      deeds.push(deed);
      return deed;
    },
  };
}

/** The shape in which the lab takes its people. */
export function people(organization: Organization, random: Random): () => boolean {
  const all = createPeople(organization, random);
  return () => all.step() !== null;
}

const lines = [
  'Could you have a look at this?',
  'Danke, passt so.',
  'Please see the attached figures.',
  'À demain !',
  'I moved the meeting to Thursday.',
  'Die Zahlen stimmen nicht ganz.',
  '承知しました。',
];
const subjects = ['Numbers', 'Rückfrage', 'Plan for next week', 'Question', 'Vertrag', 'Server', 'Kaffee?', 'Réunion'];
const categoryNames = ['Red Category', 'Green Category', 'Projekt Ä', 'Team'];

/** One person for one deed. */
class Worker {
  readonly #mailbox: Mailbox;
  readonly #random: Random;
  readonly #hand: Hand;

  constructor(mailbox: Mailbox, random: Random) {
    this.#mailbox = mailbox;
    this.#random = random;
    this.#hand = { caller: 'people', displayName: mailbox.displayName };
  }

  /** The item it was about; null: it was about none; undefined: there was nothing to do. */
  act(action: PeopleAction): Item | null | undefined {
    const mailbox = this.#mailbox;
    const by = this.#hand;
    switch (action) {
      case 'book':
      case 'book-all-day':
      case 'book-series':
      case 'invite':
      case 'reschedule':
      case 'retitle':
      case 'note-down':
      case 'change-reminder':
      case 'move-occurrence':
      case 'edit-occurrence':
      case 'skip-occurrence':
      case 'new-pattern':
      case 'cancel':
        return new CalendarWorker(mailbox, this.#random, by).act(action);
      case 'arrival': {
        const sender = this.#somebody();
        const content = this.#message(sender, { name: mailbox.displayName, address: mailbox.address });
        if (mailbox.organization.isRedirected(mailbox.address)) {
          mailbox.organization.world.postOffice.receive(sender.address, content, [mailbox.address]);
          return null;
        }
        return mailbox.create(
          mailbox.folder('inbox'),
          { content, messageFlags: null, isRead: false, delivered: true },
          by,
        );
      }
      case 'read':
      case 'unread': {
        const item = this.#item((one) => one.isRead === (action === 'unread'));
        if (item === null) return undefined;
        mailbox.setRead(item, action === 'read', by);
        return item;
      }
      case 'move':
      case 'copy': {
        const item = this.#item();
        const to = this.#mailFolder();
        if (item === null || to === null || to === item.folder) return undefined;
        return action === 'move' ? mailbox.move(item, to, by) : mailbox.copy(item, to, by);
      }
      case 'flag':
        return this.#edit((properties) => {
          properties.set(key.flagStatus, { type: 'Integer', value: 2 });
          properties.set(key.flagRequest, { type: 'String', value: 'Follow up' });
          properties.set(tagKey(0x0e2b), { type: 'Integer', value: 1 });
          const due = Math.floor(mailbox.nowMs / 1000) * 1000 + 86_400_000;
          properties.set(key.flagStartAt, { type: 'SystemTime', value: due });
          properties.set(key.flagDueAt, { type: 'SystemTime', value: due });
        });
      case 'unflag':
        return this.#edit(
          (properties) => {
            for (const at of [
              key.flagStatus,
              key.flagRequest,
              tagKey(0x0e2b),
              key.flagStartAt,
              key.flagDueAt,
              tagKey(0x1095),
              key.flagCompletedAt,
            ])
              properties.delete(at);
          },
          (item) => item.content.properties.has(key.flagStatus),
        );
      case 'categorize':
        return this.#edit((properties) => {
          if (this.#random.next() < 0.3) properties.delete(key.keywords);
          else properties.set(key.keywords, { type: 'StringArray', value: [this.#pick(categoryNames)] });
        });
      case 'important':
        return this.#edit((properties) => {
          properties.set(key.importance, { type: 'Integer', value: this.#random.int(3) });
        });
      case 'reply': {
        const item = this.#item((one) => (one.flags & messageFlag.unsent) === 0 && one.content.from !== null);
        if (item === null) return undefined;
        const verb = this.#pick([102, 103, 104]);
        const properties = new Map(item.content.properties);
        properties.set(key.lastVerb, { type: 'Integer', value: verb });
        properties.set(key.lastVerbAt, { type: 'SystemTime', value: Math.floor(mailbox.nowMs / 1000) * 1000 });
        properties.set(key.iconIndex, { type: 'Integer', value: verb === 104 ? 0x106 : 0x105 });
        mailbox.update(item, { ...item.content, properties }, by, { isRead: true });
        this.#send(item.content.from?.address ?? '');
        return item;
      }
      case 'send':
        return this.#send(this.#somebody().address);
      case 'trash': {
        const item = this.#item((one) => one.folder.role !== 'deleteditems');
        if (item === null) return undefined;
        return mailbox.remove(item, 'MoveToDeletedItems', by);
      }
      case 'empty-from-trash': {
        const item = this.#itemIn(mailbox.folder('deleteditems'));
        if (item === null) return undefined;
        mailbox.remove(item, 'SoftDelete', by);
        return null;
      }
      case 'create-folder': {
        const parent =
          this.#random.next() < 0.5 ? mailbox.folder('msgfolderroot') : (this.#personal() ?? mailbox.folder('inbox'));
        mailbox.createFolder(parent, `${this.#pick(personalFolders).name} ${this.#random.int(1000)}`, 'IPF.Note', by);
        return null;
      }
      case 'rename-folder': {
        const folder = this.#personal();
        if (folder === null) return undefined;
        mailbox.updateFolder(folder, { name: `${this.#pick(personalFolders).name} ${this.#random.int(1000)}` }, by);
        return null;
      }
      case 'move-folder': {
        const folder = this.#personal();
        const to = this.#random.next() < 0.5 ? mailbox.folder('msgfolderroot') : this.#personal();
        if (folder === null || to === null || folder.parent === to) return undefined;
        mailbox.moveFolder(folder, to, by);
        return null;
      }
      case 'delete-folder': {
        const folder = this.#personal();
        if (folder === null) return undefined;
        mailbox.removeFolder(folder, 'MoveToDeletedItems', by);
        return null;
      }
      case 'new-draft': {
        const content = this.#message({ name: mailbox.displayName, address: mailbox.address }, this.#somebody(), true);
        return mailbox.create(mailbox.folder('drafts'), { content, messageFlags: null, isRead: true }, by);
      }
      case 'edit-draft': {
        const item = this.#itemIn(mailbox.folder('drafts'));
        if (item === null) return undefined;
        const subject = item.text(key.subject) ?? 'Draft';
        const { properties } = this.#message(
          { name: mailbox.displayName, address: mailbox.address },
          this.#somebody(),
          true,
        );
        const merged = new Map<PropertyKey, Property>([
          ...item.content.properties,
          [key.subject, properties.get(key.subject) ?? { type: 'String', value: subject }],
        ]);
        const loose: ItemContent = {
          ...item.content,
          properties: merged,
          mime: null,
          body: { type: 'Text', text: `${this.#pick(lines)} ${this.#random.int(100_000)}` },
          attachments: [],
        };
        mailbox.update(item, { ...loose, mime: composeMime(loose), body: null, attachments: null }, by);
        return item;
      }
    }
  }

  #pick<T>(list: readonly T[]): T {
    return list[this.#random.int(list.length)] as T;
  }

  #somebody(): { readonly name: string; readonly address: string } {
    const { mailboxes } = this.#mailbox.organization;
    const entry = mailboxes[this.#random.int(mailboxes.length)];
    if (this.#random.next() < 0.5 && entry !== undefined && entry.address !== this.#mailbox.address)
      return { name: entry.displayName, address: entry.address };
    const name = `${this.#pick(givenNames)} ${this.#pick(surnames)}`;
    return { name, address: `p${this.#random.int(10_000)}@partner.test` };
  }

  #message(from: { name: string; address: string }, to: { name: string; address: string }, draft = false): ItemContent {
    const now = Math.floor(this.#mailbox.nowMs / 1000) * 1000;
    const id = `${now.toString(36)}.${this.#random.int(2 ** 31).toString(36)}`;
    const properties = new Map<PropertyKey, Property>([
      [key.subject, { type: 'String', value: `${this.#pick(subjects)} ${this.#random.int(10_000)}` }],
      [key.sentAt, { type: 'SystemTime', value: now - 1000 }],
    ]);
    if (!draft) properties.set(key.messageId, { type: 'String', value: `<${id}@partner.test>` });
    if (this.#random.next() < 0.08 && !draft)
      properties.set(key.readReceiptRequested, { type: 'Boolean', value: true });
    const text = Array.from({ length: 1 + this.#random.int(12) }, () => this.#pick(lines)).join('\r\n');
    const mime = composeMime({
      mime: null,
      properties,
      from,
      to: [to],
      cc: [],
      bcc: [],
      body: { type: 'Text', text },
      attachments: [],
      typed: new Map(),
    });
    const content = contentOfMime(mime);
    return {
      ...content,
      properties: new Map([...content.properties, [key.receivedAt, { type: 'SystemTime', value: now }]]),
    };
  }

  /** A mail that leaves, with its copy in Sent Items. */
  #send(to: string): Item {
    const mailbox = this.#mailbox;
    const content = this.#message({ name: mailbox.displayName, address: mailbox.address }, { name: '', address: to });
    mailbox.organization.world.postOffice.send(mailbox, {
      cause: 'sent-by-person',
      content,
      recipients: [to],
      origin: originOfCall(mailbox.organization, this.#hand),
    });
    return mailbox.create(
      mailbox.folder('sentitems'),
      { content, messageFlags: messageFlag.read | messageFlag.fromMe, isRead: true },
      this.#hand,
    );
  }

  #edit(
    change: (properties: Map<PropertyKey, Property>) => void,
    wanted: (item: Item) => boolean = () => true,
  ): Item | undefined {
    const item = this.#item(wanted);
    if (item === null) return undefined;
    const properties = new Map(item.content.properties);
    change(properties);
    this.#mailbox.update(item, { ...item.content, properties }, this.#hand);
    return item;
  }

  /** Folders in which people work: all for mail that are not the server's. */
  #mailFolders(): readonly Folder[] {
    const avoided = new Set(['outbox', 'syncissues', 'conflicts', 'localfailures', 'serverfailures', 'drafts']);
    return [...this.#mailbox.below(this.#mailbox.folder('msgfolderroot'))].filter(
      (folder) =>
        (folder.containerClass ?? 'IPF.Note') === 'IPF.Note' &&
        folder.kind === 'folder' &&
        !folder.hidden &&
        !(folder.role !== null && avoided.has(folder.role)),
    );
  }
  #mailFolder(): Folder | null {
    const folders = this.#mailFolders();
    return folders.length === 0 ? null : this.#pick(folders);
  }
  #personal(): Folder | null {
    const trash = this.#mailbox.folder('deleteditems');
    const folders = this.#mailFolders().filter((folder) => folder.role === null && !folder.isInside(trash));
    return folders.length === 0 ? null : this.#pick(folders);
  }

  /** One of the newer items of a folder, mostly: people look at the top of the list. */
  #itemIn(folder: Folder, wanted: (item: Item) => boolean = () => true): Item | null {
    if (folder.count === 0) return null;
    const reach = this.#random.next() < 0.8 ? Math.min(folder.count, 40) : folder.count;
    const from = this.#random.int(reach);
    let at = 0;
    for (const item of folder.newest()) {
      if (at++ < from) continue;
      if (wanted(item)) return item;
      if (at > from + 50) break;
    }
    return null;
  }
  #item(wanted: (item: Item) => boolean = () => true): Item | null {
    const inbox = this.#mailbox.folder('inbox');
    const folder = this.#random.next() < 0.6 && inbox.count > 0 ? inbox : this.#mailFolder();
    return folder === null ? null : this.#itemIn(folder, wanted);
  }
}
