import type { ItemLine, SnapshotLine } from '#lab/edge/snapshot.ts';
import { mailProperties } from '#model/mail-properties.ts';
import type { MapiProperty } from '#model/property-row.ts';

/** How two mailboxes of the lab differ, by the lab's own memory: no protocol and no code of ours had a hand in it. */
export interface GroundTruth {
  readonly folders: number;
  readonly items: number;
  readonly bytes: number;
  /** On the source and not on the target. */
  readonly lost: number;
  /** More often on the target than on the source. */
  readonly duplicated: number;
  /** On both sides with another folder, read mark, flag, category, time or other carried property. */
  readonly altered: number;
  /** What differs, for a person who looks for the reason: property or `folder`, with its count. */
  readonly differences: Readonly<Record<string, number>>;
}

/** Roles whose folders are never carried over, with what is below them. */
const neverCarried: ReadonlySet<string> = new Set([
  'outbox',
  'syncissues',
  'conflicts',
  'localfailures',
  'serverfailures',
  'conversationactions',
  'rssfeeds',
]);

const isNeverCarried = (role: string | null): boolean =>
  role !== null && (neverCarried.has(role) || role.startsWith('recoverableitems'));

const isMeetingMessage = ({ itemClass }: ItemLine): boolean => /^IPM\.Schedule\.Meeting\./i.test(itemClass);

/** Servers keep these as properties, and make MIME of them when it is asked for. */
const isMadeByServer = (line: ItemLine): boolean => isMeetingMessage(line) || /^REPORT\./i.test(line.itemClass);

/** What people delete from calendars lies among deleted mail. */
const isMail = ({ itemClass }: ItemLine): boolean =>
  !/^IPM\.(Appointment|Contact|DistList|Task|StickyNote)\b/i.test(itemClass);

const madeOfProperties = 'made of properties: ';
/** Tabs of folded headers are spaces when a subject is written again. */
const subjectOf = ({ properties }: ItemLine): string => String(properties['0x0037']?.value ?? '').replace(/\s+/g, ' ');
const keyOfProperties = (line: ItemLine): string =>
  `${madeOfProperties}${line.properties['0x1035']?.value ?? ''} ${subjectOf(line)}`;

const nameOf = (property: MapiProperty): string => {
  if ('tag' in property) return `0x${property.tag.toString(16).padStart(4, '0')}`;
  return `${property.set}/${'lid' in property ? `0x${property.lid.toString(16).padStart(4, '0')}` : property.name}`;
};

/**
 * Carried fields and where the lab keeps them; the read mark and the message flags have places of their own in a snapshot. The topic
 * is left to `verify`: a server may keep it or make it from the subject, and only the protocol shows what clients see.
 */
const carried = Object.entries(mailProperties)
  .filter(
    ([field, { carriage }]) =>
      (carriage === 'state' || carriage === 'fact') &&
      field !== 'isRead' &&
      !['messageFlags', 'conversationTopic'].includes(field),
  )
  .map(([field, { mapi }]) => [field, nameOf(mapi)] as const);

/** Where the source has none, a server makes one of its own: the time it is, a conversation, the look of a flag. */
const madeByServer: ReadonlySet<string> = new Set([
  'sentAt',
  'receivedAt',
  'conversationIndex',
  'iconIndex',
  'flagColour',
  'toDoFlags',
]);

interface Seen {
  readonly folder: string;
  readonly values: Readonly<Record<string, string>>;
}

/** One difference, for a person who looks for the reason. */
export interface MailDifference {
  readonly what: string;
  /** Hash of its bytes, or its Message-ID where servers make the bytes. */
  readonly mail: string;
  readonly itemClass: string;
  /** Folders in which each side has it, a copy each. */
  readonly source: readonly string[];
  readonly target: readonly string[];
}

export interface ComparedHow {
  /** Who makes copies. Anything else on the target arrived there, or was written there, and is nobody's copy. */
  readonly isCopier: (madeBy: string) => boolean;
  /** Whether a server made new bytes of every message. */
  readonly rebuilt: boolean;
  readonly tell: (difference: MailDifference) => void;
}

/**
 * Compares all mail of two mailboxes. Equal messages are matched by their bytes, and counted; those that were made of properties by what
 * does not change with that.
 */
export async function compareMailboxes(
  source: AsyncIterable<SnapshotLine>,
  target: AsyncIterable<SnapshotLine>,
  { isCopier = () => true, rebuilt = false, tell = () => {} }: Partial<ComparedHow> = {},
): Promise<GroundTruth> {
  const [left, right] = await Promise.all([collect(source, rebuilt), collect(target, rebuilt, isCopier)]);
  nameAlike(left.items, right.items);
  const differences: Record<string, number> = {};
  let [lost, duplicated, altered] = [0, 0, 0];
  for (const key of new Set([...left.items.keys(), ...right.items.keys()])) {
    // Those that say most first: what one leaves out may have become anything that a server makes.
    const wanted = [...(left.items.get(key) ?? [])].sort((a, b) => unsaid(a) - unsaid(b));
    const there = [...(right.items.get(key) ?? [])];
    const seen = {
      mail: nameOfKey(key),
      itemClass: (wanted[0] ?? there[0])?.values['itemClass'] ?? '',
      source: wanted.map(({ folder }) => folder),
      target: there.map(({ folder }) => folder),
    };
    const note = (what: string) => {
      differences[what] = (differences[what] ?? 0) + 1;
      tell({ what, ...seen });
    };
    lost += Math.max(0, wanted.length - there.length);
    duplicated += Math.max(0, there.length - wanted.length);
    for (const { folder } of wanted.slice(there.length)) note(`lost from ${folder}`);
    for (const { folder } of there.slice(wanted.length)) note(`too many in ${folder}`);
    // Copies of one message are interchangeable: those that agree are taken off first.
    const unlike = wanted.filter((item) => {
      const at = there.findIndex((candidate) => differencesOf(item, candidate).length === 0);
      if (at >= 0) there.splice(at, 1);
      return at < 0;
    });
    for (const item of unlike.slice(0, there.length)) {
      altered++;
      const other = there.shift();
      for (const what of other === undefined ? [] : differencesOf(item, other)) note(what);
    }
  }
  return { folders: left.folders, items: left.count, bytes: left.bytes, lost, duplicated, altered, differences };
}

/** Without the subject, which is nobody's business. */
const nameOfKey = (key: string): string =>
  key.startsWith(madeOfProperties) ? key.slice(madeOfProperties.length).replace(/ .*/s, '') : key;

const unsaid = ({ values }: Seen): number => Object.values(values).filter((value) => value === '').length;

/** An id that stands in nothing but the headers of the way may be a property of the copy, which is known by its subject then. */
function nameAlike(left: ReadonlyMap<string, readonly Seen[]>, right: Map<string, Seen[]>): void {
  for (const [name] of left) {
    const subject = name.startsWith(`${madeOfProperties} `) ? name.slice(madeOfProperties.length) : null;
    if (subject === null || right.has(name)) continue;
    const other = [...right.keys()].find(
      (one) => !left.has(one) && one.startsWith(madeOfProperties) && one.endsWith(subject),
    );
    const items = other === undefined ? undefined : right.get(other);
    if (other === undefined || items === undefined) continue;
    right.delete(other);
    right.set(name, items);
  }
}

async function collect(
  lines: AsyncIterable<SnapshotLine>,
  rebuilt: boolean,
  isWanted: (madeBy: string) => boolean = () => true,
) {
  const roots: { readonly path: string; readonly role: string | null; readonly mail: boolean }[] = [];
  const items = new Map<string, Seen[]>();
  const sum = { folders: 0, count: 0, bytes: 0 };
  for await (const line of lines) {
    const path = line.path.map((name) => name.replaceAll('/', '%2F')).join('/');
    if (line.kind === 'folder') {
      const mail = /^IPF\.(Note|Imap)\b/i.test(line.containerClass ?? 'IPF.Note') && !isNeverCarried(line.role);
      roots.push({ path, role: line.role, mail });
      if (mail && path !== '') sum.folders++;
      continue;
    }
    const own = roots.find((folder) => folder.path === path);
    const above = roots.filter(
      (folder) => folder.path !== '' && (path === folder.path || path.startsWith(`${folder.path}/`)),
    );
    if (!isWanted(line.madeBy)) continue;
    if (!isMail(line) || own === undefined || !own.mail || above.some(({ role }) => isNeverCarried(role))) continue;
    // A well-known folder may have another name on the other side; what is below it is compared by its role.
    const named = above.filter(({ role }) => role !== null).sort((a, b) => b.path.length - a.path.length)[0];
    const folder = named === undefined ? path : `@${named.role}${path.slice(named.path.length)}`;
    const key = (rebuilt || isMadeByServer(line) ? null : line.mimeSha256) ?? keyOfProperties(line);
    const seen: Seen = {
      folder: folder.toLowerCase(),
      values: valuesOf(line),
    };
    items.set(key, [...(items.get(key) ?? []), seen]);
    sum.count++;
    sum.bytes += line.mimeBytes;
  }
  return { ...sum, items };
}

function valuesOf(line: ItemLine): Readonly<Record<string, string>> {
  const values: Record<string, string> = {
    isRead: String(line.isRead),
    itemClass: line.itemClass,
    draft: String((line.flags & 8) !== 0),
  };
  for (const [field, name] of carried)
    if (field !== 'itemClass') values[field] = plainValue(field, line.properties[name]);
  return values;
}

/** Absent, zero and empty are the same to every client; times travel in whole seconds; categories are a set. */
function plainValue(field: string, property: ItemLine['properties'][string] | undefined): string {
  const { type = '', value } = property ?? {};
  if (field === 'importance') return String(value ?? 1);
  if (value === undefined || value === 0 || value === '' || value === false) return '';
  if (Array.isArray(value)) return [...value].map(String).sort().join('\n');
  return type === 'SystemTime' ? String(Math.floor(Number(value) / 1000)) : String(value);
}

function differencesOf(source: Seen, target: Seen): readonly string[] {
  const fields = Object.entries(source.values).filter(
    ([field, value]) => target.values[field] !== value && !(value === '' && madeByServer.has(field)),
  );
  const names = fields.map(([field]) => field);
  return source.folder === target.folder ? names : ['folder', ...names];
}
