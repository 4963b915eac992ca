import type { MemoryMailbox, StoredItem } from '#connectors/memory/memory-organization.ts';
import type { MailFacts, MailState } from '#model/mail.ts';
import type { StampText } from '#model/stamp.ts';
import { contentKinds } from './planted-content.ts';

/** One kind of difference, and where verify has to see it. */
export interface PlantedKind {
  readonly name: string;
  /** Makes the difference in the copy; null when the message has nothing of that kind. */
  readonly plant: (item: StoredItem, box: MemoryMailbox) => Expected | null;
}

export interface Expected {
  readonly kind: 'missing' | 'duplicate' | 'property' | 'content' | 'folder';
  /** Of the finding's property; null: it has none. */
  readonly property: RegExp | null;
}

const property = (name: string): Expected => ({ kind: 'property', property: new RegExp(`^${name}$`) });

function state<F extends keyof MailState>(
  name: string,
  field: F,
  change: (value: MailState[F], item: StoredItem) => MailState[F] | undefined,
): PlantedKind {
  return {
    name,
    plant: (item) => {
      const value = change(item.state[field], item);
      if (value === undefined) return null;
      item.state = { ...item.state, [field]: value };
      return property(field);
    },
  };
}

function fact<F extends keyof MailFacts>(
  name: string,
  field: F,
  change: (value: MailFacts[F], item: StoredItem) => MailFacts[F] | undefined,
): PlantedKind {
  return {
    name,
    plant: (item) => {
      const value = change(item.facts[field], item);
      if (value === undefined) return null;
      item.facts = { ...item.facts, [field]: value };
      return property(field);
    },
  };
}

const later =
  (ms: number) =>
  (value: number | null): number | undefined =>
    value === null ? undefined : value + ms;
const lost = (value: unknown): null | undefined => (value === null ? undefined : null);

/** Differences of properties and places. Every field of the table that is carried is altered, and lost where it can be. */
const itemKinds: readonly PlantedKind[] = [
  state('read mark turned', 'isRead', (read) => !read),
  state('flag lost', 'flagStatus', (flag) => (flag === 0 ? undefined : 0)),
  state('flag completed', 'flagStatus', (flag) => (flag === 1 ? undefined : 1)),
  state('completion of the flag a minute later', 'flagCompletedAt', later(60_000)),
  state('completion of the flag lost', 'flagCompletedAt', lost),
  state('flag text changed', 'flagRequest', (text) => `${text ?? ''}!`),
  state('flag text lost', 'flagRequest', lost),
  state('start of the flag a day later', 'flagStartAt', later(86_400_000)),
  state('start of the flag lost', 'flagStartAt', lost),
  state('flag due a day later', 'flagDueAt', later(86_400_000)),
  state('flag due a second later', 'flagDueAt', later(1000)),
  state('flag due lost', 'flagDueAt', lost),
  state('flag colour changed', 'flagColour', (colour) => (((colour ?? 0) % 6) + 1 === 6 ? 2 : ((colour ?? 0) % 6) + 1)),
  state('to-do mark changed', 'toDoFlags', (flags) => (flags ?? 0) + 1),
  state('categories lost', 'categories', (names) => (names.length === 0 ? undefined : [])),
  state('one category lost', 'categories', (names) => (names.length < 2 ? undefined : names.slice(1))),
  state('category added', 'categories', (names) => [...names, 'Planted']),
  state('case of a category changed', 'categories', (names) =>
    names.length === 0 ? undefined : names.map((one) => one.toUpperCase()),
  ),
  state('category replaced', 'categories', (names) =>
    names.length === 0 ? undefined : [...names.slice(1), 'Planted'],
  ),
  state('importance raised', 'importance', (value) => (value === 'high' ? undefined : 'high')),
  state('importance lowered', 'importance', (value) => (value === 'low' ? undefined : 'low')),
  state('sensitivity lost', 'sensitivity', (value) => (value === 'normal' ? undefined : 'normal')),
  state('sensitivity changed', 'sensitivity', (value) => (value === 'private' ? 'personal' : 'private')),
  state('last verb changed', 'lastVerb', (verb) => (verb === 104 ? 102 : 104)),
  state('last verb lost', 'lastVerb', lost),
  state('time of the last verb an hour later', 'lastVerbAt', later(3_600_000)),
  state('time of the last verb lost', 'lastVerbAt', lost),
  state('icon changed', 'iconIndex', (icon) => (icon === 0x106 ? 0x105 : 0x106)),
  fact('item class changed', 'itemClass', (text) => `${text}.Planted`),
  fact('item class shortened', 'itemClass', (text) => (text === 'IPM.Note' ? 'IPM' : 'IPM.Note')),
  fact('draft mark turned', 'messageFlags', (flags) => flags ^ 8),
  fact('sent a second later', 'sentAt', later(1000)),
  fact('sent an hour later', 'sentAt', later(3_600_000)),
  fact('sent time lost', 'sentAt', lost),
  fact('received a second earlier', 'receivedAt', later(-1000)),
  fact('received now', 'receivedAt', (at) => (at === null ? undefined : 1_700_000_000_000)),
  fact('received time lost', 'receivedAt', lost),
  fact('subject property changed', 'subject', (text) => `${text ?? ''}.`),
  fact('Message-Id property changed', 'internetMessageId', (id) => (id === null ? undefined : id.replace('<', '<x'))),
  fact('Message-Id property lost', 'internetMessageId', lost),
  fact('conversation index changed', 'conversationIndex', (index) =>
    index === null ? undefined : `AA${index.slice(2)}`,
  ),
  fact('conversation index shortened', 'conversationIndex', (index) =>
    index === null ? undefined : index.slice(0, 4),
  ),
  fact('conversation index lost', 'conversationIndex', lost),
  fact('conversation topic changed', 'conversationTopic', (text) => `${text ?? ''} planted`),
  fact('conversation topic lost', 'conversationTopic', lost),
  fact('expiry a day later', 'expiresAt', later(86_400_000)),
  fact('expiry lost', 'expiresAt', lost),
  fact('reply-by a day later', 'replyBy', later(86_400_000)),
  fact('reply-by lost', 'replyBy', lost),
  fact('voting options changed', 'votingOptions', (value) => (value === null ? 'AgEAAA==' : `B${value.slice(1)}`)),
  fact('voting options lost', 'votingOptions', lost),
  fact('voting response changed', 'votingResponse', (value) => (value === 'No' ? 'Yes' : 'No')),
  fact('voting response lost', 'votingResponse', lost),
  state('processed mark turned', 'processed', (value) => value !== true),
  state('mark of the server as processed turned', 'serverProcessed', (value) => value !== true),
  fact('request for a read receipt turned', 'readReceiptRequested', (value) => !value),
  {
    name: 'stamp lost',
    plant: (item) => {
      item.stamp = null;
      return property('stamp');
    },
  },
  {
    name: 'stamp of another item',
    plant: (item) => {
      const parts = (item.stamp ?? '').split(';');
      parts[3] = 'ff'.repeat(16);
      item.stamp = parts.join(';') as StampText;
      return property('stamp');
    },
  },
  {
    name: 'stamp of another mailbox',
    plant: (item) => {
      const parts = (item.stamp ?? '').split(';');
      parts[2] = '00000000-0000-0000-0000-000000000000';
      item.stamp = parts.join(';') as StampText;
      return property('stamp');
    },
  },
  {
    name: 'in another folder',
    plant: (item, box) => {
      box.moveItem(item.id, box.byRole('junkemail'));
      return property('folder');
    },
  },
  {
    name: 'missing',
    plant: (item, box) => {
      box.items.delete(item.id);
      return { kind: 'missing', property: null };
    },
  },
  {
    name: 'purged by a delete that the feed shows',
    plant: (item, box) => {
      box.removeItem(item.id, { suppressReceipts: true });
      return { kind: 'missing', property: null };
    },
  },
  {
    name: 'doubled in its folder',
    plant: (item, box) => {
      box.copyItem(item.id, item.folder);
      return { kind: 'duplicate', property: null };
    },
  },
  {
    name: 'doubled in another folder',
    plant: (item, box) => {
      box.copyItem(item.id, box.byRole('sentitems'));
      return { kind: 'duplicate', property: null };
    },
  },
  {
    name: 'doubled by a second create',
    plant: (item, box) => {
      const copy = box.copyItem(item.id, item.folder);
      if (copy?.stamp)
        copy.stamp = `${copy.stamp.slice(0, copy.stamp.lastIndexOf(';'))};${'0'.repeat(32)}` as StampText;
      return { kind: 'duplicate', property: null };
    },
  },
  {
    name: 'blind copies lost from the property',
    plant: (item) => {
      if (item.bcc.length === 0) return null;
      item.bcc = [];
      return { kind: 'content', property: /^bcc/ };
    },
  },
  {
    name: 'blind copy added',
    plant: (item) => {
      item.bcc = [...item.bcc, 'Planted <planted@x.example>'];
      return { kind: 'content', property: /^bcc/ };
    },
  },
];

/** All kinds that a copy can be altered in. Differences of folders are in `verify-folders.test.ts`. */
export const plantedKinds: readonly PlantedKind[] = [
  ...contentKinds.map(
    ({ name, edit, seenAs }): PlantedKind => ({
      name,
      plant: (item) => {
        const mime = edit(item.mime);
        if (mime === null || mime.equals(item.mime)) return null;
        item.mime = mime;
        return { kind: 'content', property: seenAs };
      },
    }),
  ),
  ...itemKinds,
];
