import { messageFlagsOf } from '../ews/item-property.ts';
import type { Folder } from '../world/folder.ts';
import type { Item } from '../world/item.ts';
import {
  key,
  lidKey,
  messageFlag,
  nameKey,
  type Property,
  type PropertyKey,
  type PropertyType,
  sets,
} from '../world/property.ts';
import type { DavContext } from './context.ts';
import { type DavName, nameOfUri, namespaces, setOf, uriOf } from './dav-name.ts';
import { folderProperty } from './folder-values.ts';
import { internetContent } from './item-mime.ts';
import {
  addressList,
  bodyOfItem,
  calendarValue,
  calendarValueNames,
  contentClassOf,
  headerProperty,
  isHidden,
  storedProperty,
  writeAddress,
} from './item-values.ts';
import {
  etagOfFolder,
  etagOfItem,
  folderContentTag,
  folderReplId,
  folderResourceTag,
  itemReplId,
  itemResourceTag,
  uidOfItem,
} from './marks.ts';
import { bestFit } from './narrow-text.ts';
import { readLid, readTag, schemaNameOf, schemaUris, typeOfNamed } from './schema-names.ts';
import { itemNames } from './url-names.ts';

/** How a client's value for a property takes effect. */
export type Writing =
  | { readonly kind: 'property'; readonly key: PropertyKey; readonly type: PropertyType }
  /** Worked out by name: see `patch.ts`. */
  | { readonly kind: 'named' }
  | { readonly kind: 'read-only' };

/** A property as queries and requests name it, with where its value comes from. */
export interface Column {
  readonly name: DavName;
  ofItem(item: Item, context: DavContext): Property | null;
  ofFolder(folder: Folder, context: DavContext): Property | null;
  readonly writing: Writing;
}

const text = (value: string | null): Property | null => (value === null ? null : { type: 'String', value });
const time = (value: number): Property => ({ type: 'SystemTime', value });
const flag = (value: boolean): Property => ({ type: 'Boolean', value });
const integer = (value: number): Property => ({ type: 'Integer', value });

type OfItem = (item: Item, context: DavContext) => Property | null;
type OfFolder = (folder: Folder, context: DavContext) => Property | null;
type Row = readonly [OfItem, OfFolder | null, 'named'?];

const none = (): null => null;

const wellKnown =
  (role: string): OfFolder =>
  ({ mailbox }, context) => {
    const folder = mailbox.roles.get(role);
    return folder === undefined ? null : text(context.folderUrl(folder));
  };

/** Well-known folders by the names of `urn:schemas:httpmail:`. The spam folder is not among them. */
const wellKnownFolders: Readonly<Record<string, string>> = {
  calendar: 'calendar',
  contacts: 'contacts',
  deleteditems: 'deleteditems',
  drafts: 'drafts',
  inbox: 'inbox',
  journal: 'journal',
  msgfolderroot: 'msgfolderroot',
  notes: 'notes',
  outbox: 'outbox',
  sentitems: 'sentitems',
  tasks: 'tasks',
};

const childFolders = (folder: Folder): boolean => [...folder.children].some(({ role }) => role !== 'msgfolderroot');
const folderName: OfFolder = (folder) =>
  text(folder.role === 'msgfolderroot' ? folder.mailbox.displayName : folder.name);

const own: Readonly<Record<string, Row>> = {
  [`${namespaces.dav}href`]: [
    (item, context) => text(context.itemUrl(item)),
    (folder, context) => text(context.folderUrl(folder)),
  ],
  [`${namespaces.dav}displayname`]: [(item) => text(itemNames(item.folder).of(item)), folderName],
  [`${namespaces.dav}getetag`]: [(item) => text(etagOfItem(item)), (folder) => text(etagOfFolder(folder))],
  [`${namespaces.dav}getlastmodified`]: [
    (item) => time(item.modifiedAtMs),
    (folder) => time(Math.max(folder.modifiedAtMs, folder.localCommitMs)),
  ],
  [`${namespaces.dav}creationdate`]: [(item) => time(item.createdAtMs), (folder) => time(folder.createdAtMs)],
  [`${namespaces.dav}getcontentlength`]: [
    (item) => integer(item.content.mime?.length ?? item.sizeBytes),
    () => integer(0),
  ],
  [`${namespaces.dav}getcontenttype`]: [() => text('message/rfc822'), () => text('application/octet-stream')],
  [`${namespaces.dav}contentclass`]: [
    (item) => text(contentClassOf(item.itemClass)),
    (folder) => text(folderContentClass(folder.containerClass)),
    'named',
  ],
  [`${namespaces.dav}iscollection`]: [() => flag(false), () => flag(true)],
  [`${namespaces.dav}isfolder`]: [() => flag(false), () => flag(true)],
  [`${namespaces.dav}isstructureddocument`]: [() => flag(false), () => flag(false)],
  [`${namespaces.dav}ishidden`]: [(item) => flag(isHidden(item)), (folder) => flag(folder.hidden)],
  [`${namespaces.dav}isreadonly`]: [() => flag(false), () => flag(false)],
  [`${namespaces.dav}resourcetype`]: [
    () => ({ type: 'Collection', value: false }),
    () => ({ type: 'Collection', value: true }),
  ],
  [`${namespaces.dav}uid`]: [(item) => text(uidOfItem(item)), (folder) => text(folderReplId(folder).slice(4))],
  [`${namespaces.dav}parentname`]: [
    (item, context) => text(context.folderUrl(item.folder)),
    (folder, context) => (folder.parent === null ? null : text(context.folderUrl(folder.parent))),
  ],
  [`${namespaces.dav}hassubs`]: [() => flag(false), (folder) => flag(childFolders(folder))],
  [`${namespaces.dav}nosubs`]: [() => flag(true), () => flag(false)],
  [`${namespaces.dav}childcount`]: [none, (folder) => integer(folder.count + folder.children.size)],
  [`${namespaces.dav}objectcount`]: [none, (folder) => integer(countOf(folder, true))],
  [`${namespaces.dav}visiblecount`]: [none, (folder) => integer(countOf(folder, false))],

  [`${namespaces.httpmail}unreadcount`]: [none, (folder) => integer(folder.unread)],
  [`${namespaces.httpmail}read`]: [(item) => flag(item.isRead), none, 'named'],
  [`${namespaces.httpmail}hasattachment`]: [(item) => flag((messageFlagsOf(item) & messageFlag.hasAttach) !== 0), none],
  [`${namespaces.httpmail}submitted`]: [(item) => flag((item.flags & messageFlag.submit) !== 0), none],
  [`${namespaces.httpmail}from`]: [
    ({ content }) => (content.from === null ? null : addressList([content.from])),
    none,
    'named',
  ],
  [`${namespaces.httpmail}sender`]: [
    ({ content }) => (content.from === null ? null : addressList([content.from])),
    none,
  ],
  [`${namespaces.httpmail}fromname`]: [({ content }) => text(content.from?.name || null), none],
  [`${namespaces.httpmail}sendername`]: [({ content }) => text(content.from?.name || null), none],
  [`${namespaces.httpmail}fromemail`]: [({ content }) => text(content.from?.address || null), none],
  [`${namespaces.httpmail}senderemail`]: [({ content }) => text(content.from?.address || null), none],
  [`${namespaces.httpmail}to`]: [(item) => headerProperty(item, 'to'), none, 'named'],
  [`${namespaces.httpmail}cc`]: [(item) => headerProperty(item, 'cc'), none, 'named'],
  [`${namespaces.httpmail}bcc`]: [(item) => headerProperty(item, 'bcc'), none, 'named'],
  [`${namespaces.httpmail}textdescription`]: [
    (item) => storedProperty(item, key.body) ?? textOfHtml(item),
    none,
    'named',
  ],
  [`${namespaces.httpmail}htmldescription`]: [(item) => storedProperty(item, key.htmlBody), none, 'named'],
  [`${namespaces.httpmail}sendmsg`]: [none, ({ mailbox }, context) => text(context.submissionUrl(mailbox))],
  ...Object.fromEntries(
    Object.entries(wellKnownFolders).map(([local, role]) => [
      namespaces.httpmail + local,
      [none, wellKnown(role)] as Row,
    ]),
  ),

  ...Object.fromEntries(
    [0x8080, 0x8090, 0x80a0].map((first, at) => [
      `${namespaces.contacts}email${at + 1}`,
      [emailAt(first), none, 'named'] as Row,
    ]),
  ),

  [`${namespaces.exchange}permanenturl`]: [
    (item, context) => text(context.permanentUrl(item)),
    (folder, context) => text(context.permanentUrl(folder)),
  ],
  [`${namespaces.exchange}outlookfolderclass`]: [none, (folder) => text(folder.containerClass), 'named'],
  [`${namespaces.exchange}foldersize`]: [none, (folder) => integer(sizeOf(folder))],
  [`${namespaces.exchange}oof-state`]: [none, () => flag(false)],

  [`${namespaces.repl}repl-uid`]: [(item) => text(itemReplId(item)), (folder) => text(folderReplId(folder))],
  [`${namespaces.repl}resourcetag`]: [
    (item) => text(itemResourceTag(item)),
    (folder) => text(folderResourceTag(folder)),
  ],
  [`${namespaces.repl}contenttag`]: [none, (folder) => text(folderContentTag(folder))],
};

/** One of three addresses of a contact: its name three numbers before its address. [MS-OXOCNTC] 2.2.1.2 */
function emailAt(first: number): OfItem {
  return (item) => {
    const at = (lid: number): string => String(storedProperty(item, lidKey(sets.Address, lid))?.value ?? '');
    const address = at(first + 3);
    return address === '' ? null : text(writeAddress({ name: at(first), address }));
  };
}

function textOfHtml(item: Item): Property | null {
  const body = bodyOfItem(item);
  if (body.type === 'Text') return text(body.text === '' ? null : body.text);
  return text(
    body.text
      .replace(/<(?:style|script)[\s\S]*?<\/(?:style|script)>/gi, '')
      .replace(/<(?:br|\/p|\/div)[^>]*>/gi, '\r\n')
      .replace(/<[^>]*>/g, '')
      .replace(/&nbsp;/g, ' ')
      .replace(/&lt;/g, '<')
      .replace(/&gt;/g, '>')
      .replace(/&amp;/g, '&')
      .trim(),
  );
}

const folderContentClasses: Readonly<Record<string, string>> = {
  'IPF.Appointment': 'urn:content-classes:calendarfolder',
  'IPF.Contact': 'urn:content-classes:contactfolder',
  'IPF.Task': 'urn:content-classes:taskfolder',
  'IPF.StickyNote': 'urn:content-classes:notefolder',
  'IPF.Journal': 'urn:content-classes:journalfolder',
  'IPF.Note': 'urn:content-classes:mailfolder',
};
const folderContentClass = (containerClass: string | null): string =>
  folderContentClasses[containerClass ?? ''] ?? 'urn:content-classes:folder';

function countOf(folder: Folder, hidden: boolean): number {
  if (hidden) return folder.count;
  let count = 0;
  for (const item of folder.items()) if (!isHidden(item)) count++;
  return count;
}
function sizeOf(folder: Folder): number {
  let size = 0;
  for (const item of folder.items()) size += item.sizeBytes;
  return size;
}

const numeric = new Set(['Short', 'Integer', 'Long']);

/** The value as the type that was asked for; null: a property of another type, which is not found. */
export function asType(property: Property | null, wanted: string): Property | null {
  if (property === null) return null;
  const { type, value } = property;
  if (wanted === 'String8') return type === 'String' ? { type: 'String', value: bestFit(String(value)) } : null;
  if (wanted === 'String8Array')
    return type === 'StringArray' ? { type, value: (value as readonly string[]).map(bestFit) } : null;
  if (type === wanted) return property;
  return numeric.has(type) && numeric.has(wanted) ? { type: wanted, value } : null;
}

/** PidTagInternetContent: the whole of an item as bytes. (DavMail reads appointments by it) */
const internetContentTag = 'x66590102';

const byKey = (name: DavName, at: PropertyKey, type: PropertyType | null, writing: Writing): Column => ({
  name,
  ofItem: (item) => {
    const property = storedProperty(item, at);
    // The HTML of a body is text to some and bytes to others.
    if (at === key.htmlBody && type === 'Binary' && property?.type === 'String')
      return { type: 'Binary', value: Buffer.from(String(property.value)).toString('base64') };
    return type === null ? property : asType(property, type);
  },
  ofFolder: (folder) => {
    const property = folderProperty(folder, at);
    return type === null ? property : asType(property, type);
  },
  writing,
});

/** Tags that a client cannot write: the store's own marks. */
const readOnlyTags: ReadonlySet<PropertyKey> = new Set([
  key.size,
  key.entryId,
  key.recordKey,
  key.articleNumber,
  key.changeKey,
  key.changeList,
  key.sourceKey,
  key.parentSourceKey,
  key.contentCount,
  key.unreadCount,
  key.subfolders,
  key.deletedCount,
  key.localCommitAt,
  key.hasAttachments,
]);

function made(name: DavName): Column | null {
  const row = Object.hasOwn(own, uriOf(name)) ? own[uriOf(name)] : undefined;
  if (row !== undefined) {
    const [ofItem, ofFolder, writing] = row;
    return {
      name,
      ofItem,
      ofFolder: ofFolder ?? none,
      writing: writing === undefined ? { kind: 'read-only' } : { kind: 'named' },
    };
  }
  const { ns, local } = name;
  if (ns === namespaces.dav || ns === namespaces.repl) return null;
  if (ns === namespaces.proptag) {
    const tag = readTag(local);
    if (tag === null) return null;
    if (local.toLowerCase() === internetContentTag)
      return {
        name,
        ofItem: (item) => ({ type: 'Binary', value: internetContent(item).toString('base64') }),
        ofFolder: none,
        writing: { kind: 'read-only' },
      };
    const writing: Writing = readOnlyTags.has(tag.key)
      ? { kind: 'read-only' }
      : { kind: 'property', key: tag.key, type: tag.type.replace('String8', 'String') };
    return byKey(name, tag.key, tag.type, writing);
  }
  const idSet = setOf(ns, namespaces.id);
  if (idSet !== null) {
    const lid = readLid(local);
    if (lid === null) return null;
    const at = lidKey(idSet, lid);
    return byKey(name, at, null, { kind: 'property', key: at, type: typeOfNamed(at) });
  }
  const stringSet = setOf(ns, namespaces.string);
  if (stringSet !== null) {
    const at = nameKey(stringSet, local);
    return byKey(name, at, null, { kind: 'property', key: at, type: typeOfNamed(at) });
  }
  if (ns === namespaces.calendar && calendarValueNames.includes(local))
    return { name, ofItem: (item) => calendarValue(item, local) ?? null, ofFolder: none, writing: { kind: 'named' } };
  const schema = schemaNameOf(ns, local);
  if (schema !== null) return byKey(name, schema.key, null, { kind: 'property', ...schema });
  if (ns === namespaces.mailheader)
    return {
      name,
      ofItem: (item) => headerProperty(item, local.toLowerCase()),
      ofFolder: none,
      writing: { kind: 'named' },
    };
  // Any other name is a property of the client's own, kept among the public strings. (Exchange SDK: custom properties)
  const at = nameKey(ownSet, uriOf(name));
  return byKey(name, at, null, { kind: 'property', key: at, type: 'String' });
}

/** PS_PUBLIC_STRINGS, where names of other namespaces go. */
const ownSet = '00020329-0000-0000-c000-000000000046';

const known = new Map<string, Column | null>();
const knownMax = 20_000;

/** The column of a name; null: no name of a property. */
export function columnOf(name: DavName): Column | null {
  const uri = uriOf(name);
  const kept = known.get(uri);
  if (kept !== undefined) return kept;
  const column = made(name);
  if (known.size < knownMax) known.set(uri, column);
  return column;
}

/** What `allprop` and `SELECT *` answer: the names of the schema. Tags are left out, as real servers leave out most. */
export const allColumns: readonly Column[] = [
  ...Object.keys(own),
  ...schemaUris,
  ...calendarValueNames.map((local) => namespaces.calendar + local),
]
  .filter((uri) => !uri.endsWith(':href'))
  .flatMap((uri) => columnOf(nameOfUri(uri)) ?? []);
