/** Rows for tests of the store: complete, small, and different for different numbers. */

import type { EventIdentity } from '#model/appointment.ts';
import type { DirectoryLink } from '#model/directory/directory-link.ts';
import type { DistinguishedName, ObjectGuid } from '#model/directory/directory-object.ts';
import type { Cursor, FolderId, ItemId, LinkId, MailboxGuid, PairId, Side, Version } from '#model/ids.ts';
import type { FolderRow, IntentRow, LinkRow, UnclaimedRow } from '#model/link.ts';
import type { MailHead, MailState } from '#model/mail.ts';
import { hash128, type Receipt, type StampKey, type StampText } from '#model/stamp.ts';
import type { TypedHead } from '#model/typed-item.ts';
import type { Shown, TypedIntentRow, TypedLinkRow, UnlinkedRow } from '#model/typed-link.ts';
import type { Day } from '#model/wall-time.ts';
import type { DirectoryCommit } from '#store/directory-records.ts';
import type { PairRow, QuarantineRow } from '#store/store.ts';
import type { SwitchStepRow } from '#store/switch-records.ts';

export const pairId = (n: number): PairId => `person${n}@old.example → person${n}@new.example` as PairId;
export const folderId = (n: number): FolderId => `AAMkFolder+/=${n}` as FolderId;
export const itemId = (n: number | string): ItemId => `AAMkItem+/=${n}` as ItemId;
export const linkId = (n: number): LinkId => n.toString(16).padStart(32, '0') as LinkId;
export const key = (text: string): StampKey => hash128(text) as StampKey;

export const untouched: MailState = {
  isRead: false,
  flagStatus: 0,
  flagCompletedAt: null,
  flagRequest: null,
  flagStartAt: null,
  flagDueAt: null,
  flagColour: null,
  toDoFlags: null,
  categories: [],
  importance: 'normal',
  sensitivity: 'normal',
  lastVerb: null,
  lastVerbAt: null,
  iconIndex: null,
  processed: null,
  serverProcessed: null,
};

export const busy: MailState = {
  isRead: true,
  flagStatus: 2,
  flagCompletedAt: -11644473600000,
  flagRequest: 'Für später \u0001 \ud83d\ude80',
  flagStartAt: 1_600_000_000_000,
  flagDueAt: 1_700_000_000_123,
  flagColour: 6,
  toDoFlags: 8,
  categories: ['Rot', 'a,b', ''],
  importance: 'high',
  sensitivity: 'confidential',
  lastVerb: 102,
  lastVerbAt: 1,
  iconIndex: 0x105,
  processed: true,
  serverProcessed: false,
};

export function pair(n: number, collection = 'staff'): Pick<PairRow, 'id' | 'kind' | 'collection' | 'left' | 'right'> {
  return {
    id: pairId(n),
    kind: 'mail',
    collection,
    left: { organization: 'old', address: `person${n}@old.example`, mailbox: null },
    right: { organization: 'new', address: `person${n}@new.example`, mailbox: null },
  };
}

export const mailbox = (n: number): MailboxGuid =>
  `00000000-0000-0000-0000-${String(n).padStart(12, '0')}` as MailboxGuid;

export function link(n: number, over: Partial<LinkRow> = {}): LinkRow {
  return {
    id: linkId(n),
    leftId: itemId(`left${n}`),
    leftFolder: folderId(n % 3),
    leftVersion: `CQAA${n}` as Version,
    leftSizeBytes: 1000 + n,
    rightId: itemId(`right${n}`),
    rightFolder: folderId(100 + (n % 3)),
    rightVersion: n % 2 === 0 ? null : (`CQBB${n}` as Version),
    searchKey: n % 5 === 0 ? '' : hash128(`search${n % 7}`),
    fingerprint: hash128(`print${n % 4}`),
    stampKey: key(`stamp${n}`),
    state: 'live',
    goneSincePass: null,
    touched: [],
    seenLeft: untouched,
    seenRight: null,
    ...over,
  };
}

export function folder(n: number, over: Partial<FolderRow> = {}): FolderRow {
  return {
    left: folderId(n),
    right: folderId(n + 100),
    leftParent: n === 0 ? null : folderId(0),
    rightParent: n === 0 ? null : folderId(100),
    leftName: `Ordner ${n} / \\ \u0001 \ud83d\udcc1`,
    rightName: null,
    containerClass: 'IPF.Note',
    role: n === 0 ? 'msgfolderroot' : null,
    excluded: null,
    leftCursor: `cursor${n}` as Cursor,
    rightCursor: null,
    leftMark: `mark${n}`,
    rightMark: null,
    goneSincePass: null,
    rightGone: false,
    ...over,
  };
}

function head(n: number | string, state: MailState = untouched): MailHead {
  return {
    id: itemId(n),
    version: `CQ${n}` as Version,
    folder: folderId(1),
    state,
    facts: {
      itemClass: 'IPM.Note',
      messageFlags: 1,
      sentAt: 1_600_000_000_000,
      receivedAt: null,
      subject: `Subject ${n} \u0000 \ud800`,
      internetMessageId: null,
      searchKey: null,
      conversationIndex: null,
      conversationTopic: null,
      expiresAt: null,
      replyBy: null,
      votingOptions: null,
      votingResponse: null,
      readReceiptRequested: false,
      hasAttachments: false,
      sizeBytes: 4096,
      createdAt: null,
      modifiedAt: null,
      retentionTag: null,
    },
    stamp: null,
    unread: [],
  };
}

export function intent(n: number, over: Partial<IntentRow> = {}): IntentRow {
  return {
    stampKey: key(`intent${n}`),
    stamp: `cw1;old;${n}` as StampText,
    rightFolder: folderId(101),
    left: head(n),
    settledAfterMs: 1_700_000_000_000 + n,
    replaces: null,
    ...over,
  };
}

export function unclaimed(n: number, over: Partial<UnclaimedRow> = {}): UnclaimedRow {
  return {
    right: head(`right${n}`),
    stampKey: key(`unclaimed${n}`),
    searchKey: hash128(`search${n % 2}`),
    firstId: hash128(`first${n}`),
    fingerprint: hash128(`print${n % 3}`),
    ...over,
  };
}

const day = (text: string) => text as Day;
const seen: Shown = {
  fields: {
    subject: 'Weekly \u0000 \ud800 call',
    body: '#0f',
    categories: ['Rot', ''],
    when: { start: 1, isAllDay: false },
  },
  occurrences: { [day('2024-03-11')]: { location: 'Room 2' }, [day('2024-03-18')]: 'deleted' },
};

const onTheirWay = { fields: { body: '#1f' }, occurrences: { [day('2024-03-18')]: { location: 'Room 4' } } };

/** The sides differ as servers make them: one more field, one less, another body, another occurrence. */
export function typedLink(n: number, over: Partial<TypedLinkRow> = {}): TypedLinkRow {
  const { categories, ...fewer } = seen.fields;
  return {
    id: linkId(n),
    identity: n % 4 === 0 ? null : identity(n),
    stampKey: n % 3 === 0 ? null : key(`stamp${n}`),
    left: {
      id: itemId(`left${n}`),
      folder: folderId(n % 3),
      version: `DwAA${n}` as Version,
      seen: n % 3 === 0 ? { ...seen, onTheirWay } : seen,
    },
    right: {
      id: itemId(`right${n}`),
      folder: folderId(100 + (n % 3)),
      version: `DwBB${n}` as Version,
      seen:
        n % 2 === 0
          ? seen
          : {
              fields: { ...fewer, body: `#${n}`, sequence: n, ['__proto__']: null },
              occurrences: { [day('2024-03-11')]: { location: 'Room 3' }, [day('2024-03-25')]: 'deleted' },
              ...(n % 5 === 0 ? { onTheirWay } : {}),
            },
    },
    state: 'live',
    goneSincePass: null,
    ...over,
  };
}

export const identity = (n: number): EventIdentity =>
  `040000008200E00074C5B7101A82E008${n.toString(16).toUpperCase().padStart(80, '0')}` as EventIdentity;

export function typedHead(n: number, over: Partial<TypedHead> = {}): TypedHead {
  return {
    id: itemId(`event${n}`),
    version: `DwE${n}` as Version,
    folder: folderId(n % 2),
    itemClass: 'IPM.Appointment',
    identity: n % 4 === 0 ? null : identity(n),
    stamp: n % 3 === 0 ? null : (`cw1;old;${n}` as StampText),
    receipt: n % 5 === 0 ? (hash128(`receipt${n}`) as Receipt) : null,
    searchKey: hash128(`search${n}`),
    sizeBytes: 900 + n,
    createdAt: null,
    modifiedAt: 1_700_000_000_000 + n,
    ...over,
  };
}

export const unlinkedRow = (side: Side, n: number, over: Partial<TypedHead> = {}): UnlinkedRow => ({
  side,
  head: typedHead(n, over),
});

export function typedIntent(n: number, over: Partial<TypedIntentRow> = {}): TypedIntentRow {
  return {
    stampKey: key(`typed${n}`),
    stamp: `cw1;old;typed${n}` as StampText,
    side: n % 2 === 0 ? 'left' : 'right',
    folder: folderId(101),
    identity: n % 4 === 0 ? null : identity(n),
    from: { id: itemId(`from${n}`), folder: folderId(1), version: 'DwF' as Version, seen: typedLink(n).left.seen },
    settledAfterMs: 1_700_000_000_000 + n,
    ...over,
  };
}

export function quarantined(n: number, over: Partial<QuarantineRow> = {}): Omit<QuarantineRow, 'pair'> {
  return {
    left: itemId(`bad${n}`),
    leftFolder: folderId(1),
    reason: 'too-large',
    detail: `larger than the limit \u0000 ${n}`,
    attempts: 1,
    sinceMs: 1000 + n,
    itemClass: 'IPM.Note',
    sizeBytes: 60_000_000,
    retry: false,
    ...over,
  };
}

export const guid = (n: number | string): ObjectGuid =>
  `00000000-0000-0000-0000-${String(n).padStart(12, '0')}` as ObjectGuid;

export function directoryLink(n: number, over: Partial<DirectoryLink> = {}): DirectoryLink {
  const attributes = {
    displayName: [`Müller \u0000 \ud83d\ude80 ${n}`],
    proxyAddresses: ['SMTP:a@b', 'x500:/o=A'],
    ['__proto__']: [''],
  };
  return {
    left: guid(n),
    right: guid(1000 + n),
    by: 'mail',
    made: n % 2 === 0 ? null : 'right',
    home: 'left',
    shownLeft: attributes,
    shownRight: {},
    leftDn: `CN=Person\\, ${n},DC=old,DC=example` as DistinguishedName,
    rightDn: `CN=Person ${n},DC=new,DC=example` as DistinguishedName,
    leftVersion: `dc1:${n}`,
    rightVersion: '',
    goneSincePass: n % 3 === 0 ? 7 : null,
    ...over,
  };
}

export const directoryEntry = (n: number): NonNullable<DirectoryCommit['journal']>[number] => ({
  pass: 1 + (n % 3),
  atMs: 1_700_000_000_000 + n,
  side: n % 2 === 0 ? 'left' : 'right',
  action: 'modify',
  guid: n % 5 === 0 ? null : guid(n),
  dn: `CN=Person ${n},DC=new,DC=example` as DistinguishedName,
  before: { mail: ['a@b'] },
  after: {},
  reason: `because \u0000 ${n}`,
  outcome: 'open',
  detail: null,
});

export const switchStep = (pair: PairId, step: string, over: Partial<SwitchStepRow> = {}): SwitchStepRow => ({
  pair,
  run: 1,
  step,
  direction: 'forward',
  state: 'begun',
  beganAtMs: 1_700_000_000_000,
  endedAtMs: null,
  before: null,
  detail: null,
  attempts: 1,
  ...over,
});
