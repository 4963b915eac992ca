import type { XmlElement } from '#formats/text/xml-read.ts';
import { calendarKey } from '../world/calendar-keys.ts';
import type { Folder } from '../world/folder.ts';
import type { Item } from '../world/item.ts';
import { key, type PropertyKey, type PropertyValue } from '../world/property.ts';
import { EwsError } from './ews-error.ts';
import { folderPropertyOf } from './folder-shape.ts';
import { propertyOf } from './item-property.ts';
import { bodyFor, flagStatuses, importances, sensitivities } from './item-shape.ts';
import { isPath, type PropertyPath, readPath } from './property-path.ts';
import { attribute, child, kids } from './request.ts';

/** A value as comparisons see it; null: there is none. */
type Comparable = PropertyValue | null;
/** How to get the value of a path from what is searched. */
type Lookup<S> = (path: PropertyPath) => (subject: S) => Comparable;
export type Predicate<S> = (subject: S) => boolean;

/** Field URI → the MAPI property behind it, for fields that are one. */
const fieldKeys: Readonly<Record<string, PropertyKey>> = {
  'item:Subject': key.subject,
  'item:ItemClass': key.itemClass,
  'item:DateTimeReceived': key.receivedAt,
  'item:DateTimeSent': key.sentAt,
  'item:DateTimeCreated': key.createdAt,
  'item:LastModifiedTime': key.modifiedAt,
  'item:LastModifiedName': key.modifierName,
  'item:Size': key.size,
  'item:Categories': key.keywords,
  'item:HasAttachments': key.hasAttachments,
  'item:InReplyTo': key.inReplyTo,
  'item:DisplayTo': key.displayTo,
  'item:DisplayCc': key.displayCc,
  'message:InternetMessageId': key.messageId,
  'message:ConversationTopic': key.conversationTopic,
  'message:ConversationIndex': key.conversationIndex,
  'message:References': key.references,
  'message:From': key.senderName,
  'message:Sender': key.senderName,
  'message:IsReadReceiptRequested': key.readReceiptRequested,
  'item:ReminderIsSet': key.reminderSet,
  'contacts:DisplayName': key.displayName,
  'contacts:FileAs': key.subject,
  'item:Importance': key.importance,
  'item:Sensitivity': key.sensitivity,
  'message:ToRecipients': key.displayTo,
  'message:CcRecipients': key.displayCc,
  'calendar:Start': calendarKey.start,
  'calendar:End': calendarKey.end,
  'calendar:IsAllDayEvent': calendarKey.allDay,
  'calendar:LegacyFreeBusyStatus': calendarKey.busyStatus,
  'calendar:Location': calendarKey.location,
  'calendar:IsResponseRequested': calendarKey.responseRequested,
  'calendar:MeetingRequestWasSent': calendarKey.fInvited,
  'calendar:AppointmentSequenceNumber': calendarKey.sequence,
  'calendar:AppointmentState': calendarKey.stateFlags,
  'calendar:AppointmentReplyTime': calendarKey.repliedAt,
  'item:ReminderMinutesBeforeStart': calendarKey.reminderMinutes,
};

const flagFields: Readonly<Record<string, number>> = {
  'item:IsSubmitted': 4,
  'item:IsDraft': 8,
  'item:IsFromMe': 0x20,
  'item:IsResend': 0x80,
  'item:IsUnmodified': 2,
  'item:IsAssociated': 0x40,
};

/** Values of an item's fields. Throws ErrorUnsupportedPathForQuery for what cannot be searched. */
export const itemLookup: Lookup<Item> = (path) => {
  if (path.kind === 'extended') return (item) => propertyOf(item, path.key)?.value ?? null;
  const at = fieldKeys[path.uri];
  if (at !== undefined) return (item) => propertyOf(item, at)?.value ?? null;
  const bit = flagFields[path.uri];
  if (bit !== undefined) return (item) => (item.flags & bit) !== 0;
  switch (path.uri) {
    case 'message:IsRead':
      return (item) => item.isRead;
    case 'item:Body':
      return (item) => bodyFor(item, 'Text').text;
    case 'item:Flag':
    case 'item:FlagStatus':
      return (item) => flagStatuses[item.number(key.flagStatus) ?? 0] ?? null;
    case 'item:MimeContent':
    case 'item:Attachments':
    case 'item:ResponseObjects':
    case 'item:UniqueBody':
    case 'item:EffectiveRights':
    case 'item:ItemId':
    case 'item:ParentFolderId':
    case 'item:InternetMessageHeaders':
      throw new EwsError('ErrorUnsupportedPathForQuery');
    default: {
      const name = path.uri.slice(path.uri.indexOf(':') + 1);
      return (item) => item.content.typed.get(name)?.replace(/<[^>]*>/g, '') ?? null;
    }
  }
};

const folderKeys: Readonly<Record<string, PropertyKey>> = {
  'folder:DisplayName': key.displayName,
  'folder:FolderClass': key.containerClass,
  'folder:TotalCount': key.contentCount,
  'folder:UnreadCount': key.unreadCount,
};
export const folderLookup: Lookup<Folder> = (path) => {
  if (path.kind === 'extended') return (folder) => folderPropertyOf(folder, path.key)?.value ?? null;
  if (path.uri === 'folder:ChildFolderCount') return (folder) => folder.children.size;
  const at = folderKeys[path.uri];
  if (at === undefined) throw new EwsError('ErrorUnsupportedPathForQuery');
  return (folder) => folderPropertyOf(folder, at)?.value ?? null;
};

/** A constant in the type of the value it is compared with. */
function constantFor(text: string, path: PropertyPath): (value: PropertyValue) => PropertyValue {
  const enumerated =
    path.kind === 'field' && path.uri === 'item:Importance'
      ? importances.indexOf(text as 'Low')
      : path.kind === 'field' && path.uri === 'item:Sensitivity'
        ? sensitivities.indexOf(text as 'Normal')
        : -1;
  if (enumerated >= 0) return () => enumerated;
  const time = Date.parse(text);
  const number = Number(text);
  return (value) => {
    if (typeof value === 'boolean') return text.trim().toLowerCase() === 'true' || text.trim() === '1';
    if (typeof value === 'number') return /^\d{4}-/.test(text) ? time : number;
    return text;
  };
}

function compare(a: PropertyValue, b: PropertyValue): number {
  if (typeof a === 'string' && typeof b === 'string') {
    const [x, y] = [a.toLowerCase(), b.toLowerCase()];
    return x < y ? -1 : x > y ? 1 : 0;
  }
  return Number(a) - Number(b);
}

const comparisons: Readonly<Record<string, (order: number) => boolean>> = {
  IsEqualTo: (order) => order === 0,
  IsNotEqualTo: (order) => order !== 0,
  IsGreaterThan: (order) => order > 0,
  IsGreaterThanOrEqualTo: (order) => order >= 0,
  IsLessThan: (order) => order < 0,
  IsLessThanOrEqualTo: (order) => order <= 0,
};

/** Depth of a restriction; deeper ones are refused. */
const depthMax = 255;

/** `m:Restriction` as a function. (EWS doc: restriction) */
export function readRestriction<S>(element: XmlElement | null, lookup: Lookup<S>): Predicate<S> | null {
  const [expression] = kids(element);
  return expression === undefined ? null : readExpression(expression, lookup, 0);
}

function readExpression<S>(element: XmlElement, lookup: Lookup<S>, depth: number): Predicate<S> {
  if (depth > depthMax) throw new EwsError('ErrorRestrictionTooComplex', 'The restriction is too complex.');
  const { name } = element;
  if (name === 'And' || name === 'Or') {
    const parts = element.children.map((inner) => readExpression(inner, lookup, depth + 1));
    return name === 'And'
      ? (subject) => parts.every((part) => part(subject))
      : (subject) => parts.some((part) => part(subject));
  }
  if (name === 'Not') {
    const [inner] = element.children;
    if (inner === undefined) throw new EwsError('ErrorInvalidRestriction', 'The restriction is invalid.');
    const part = readExpression(inner, lookup, depth + 1);
    return (subject) => !part(subject);
  }
  const pathElement = element.children.find(isPath);
  if (pathElement === undefined) throw new EwsError('ErrorInvalidRestriction', 'The restriction is invalid.');
  const path = readPath(pathElement);
  const value = lookup(path);
  if (name === 'Exists') return (subject) => value(subject) !== null;
  if (name === 'Excludes') {
    const mask = Number(attribute(child(element, 'Bitmask') ?? element, 'Value') ?? 0);
    return (subject) => (Number(value(subject) ?? 0) & mask) === 0;
  }
  if (name === 'Contains') return contains(element, value);
  const compares = comparisons[name];
  if (compares === undefined) throw new EwsError('ErrorInvalidRestriction', 'The restriction is invalid.');
  const operand = child(element, 'FieldURIOrConstant')?.children[0];
  if (operand === undefined) throw new EwsError('ErrorInvalidRestriction', 'The restriction is invalid.');
  if (operand.name !== 'Constant') {
    const other = lookup(readPath(operand));
    return (subject) => {
      const [a, b] = [value(subject), other(subject)];
      return a !== null && b !== null && compares(compare(a, b));
    };
  }
  const constant = constantFor(attribute(operand, 'Value') ?? '', path);
  return (subject) => {
    const a = value(subject);
    if (a === null) return name === 'IsNotEqualTo';
    if (Array.isArray(a))
      return name === 'IsNotEqualTo'
        ? a.every((one) => compare(one, constant(one)) !== 0)
        : a.some((one) => compares(compare(one, constant(one))));
    return compares(compare(a, constant(a)));
  };
}

function contains<S>(element: XmlElement, value: (subject: S) => Comparable): Predicate<S> {
  const mode = attribute(element, 'ContainmentMode') ?? 'FullString';
  const exact = (attribute(element, 'ContainmentComparison') ?? 'Exact') === 'Exact';
  const fold = (text: string): string => (exact ? text : text.toLowerCase());
  const wanted = fold(attribute(child(element, 'Constant') ?? element, 'Value') ?? '');
  const test = (raw: string): boolean => {
    const text = fold(raw);
    if (mode === 'FullString') return text === wanted;
    if (mode === 'Prefixed') return text.startsWith(wanted);
    if (mode === 'PrefixOnWords')
      return text.split(/\s+/).some((word) => word.startsWith(wanted)) || text.startsWith(wanted);
    if (mode === 'ExactPhrase') return ` ${text} `.includes(` ${wanted} `);
    return text.includes(wanted);
  };
  return (subject) => {
    const a = value(subject);
    return a !== null && (Array.isArray(a) ? a.some((one) => test(String(one))) : test(String(a)));
  };
}

/** `m:SortOrder` as a comparison; what has no value comes first. */
export function readSortOrder(element: XmlElement | null): ((a: Item, b: Item) => number) | null {
  if (element === null) return null;
  const orders = kids(element).map((field) => {
    const path = field.children.find(isPath);
    if (path === undefined) throw new EwsError('ErrorUnsupportedPathForSortGroup');
    return { value: itemLookup(readPath(path)), sign: attribute(field, 'Order') === 'Descending' ? -1 : 1 };
  });
  return (a, b) => {
    for (const { value, sign } of orders) {
      const [x, y] = [value(a), value(b)];
      if (x === null || y === null) {
        if (x !== y) return (x === null ? -1 : 1) * sign;
        continue;
      }
      const order = compare(x, y);
      if (order !== 0) return order * sign;
    }
    return a.no - b.no;
  };
}

/** The parts of Advanced Query Syntax that people use: `subject:word`, `from:word`, `isread:no`, and bare words. */
export function readQuery(text: string): Predicate<Item> {
  const terms = text.match(/(?:[a-z]+:)?(?:"[^"]*"|\S+)/gi) ?? [];
  const tests = terms
    .filter((term) => !/^(?:AND)$/.test(term))
    .map((term): Predicate<Item> => {
      const [, field = '', raw = ''] = /^(?:([a-z]+):)?(.*)$/is.exec(term) ?? [];
      const word = raw.replace(/^"|"$/g, '').toLowerCase();
      const has = (value: string | null): boolean => value?.toLowerCase().includes(word) ?? false;
      switch (field.toLowerCase()) {
        case 'subject':
          return (item) => has(item.text(key.subject));
        case 'from':
          return (item) => has(item.text(key.senderName)) || has(item.text(key.senderAddress));
        case 'to':
          return (item) => has(item.text(key.displayTo));
        case 'kind':
          return (item) => word !== 'email' || item.itemClass.startsWith('IPM.Note');
        case 'isread':
          return (item) => item.isRead === (word === 'yes' || word === 'true');
        case 'hasattachment':
        case 'hasattachments':
          return (item) =>
            (propertyOf(item, key.hasAttachments)?.value === true) === (word === 'yes' || word === 'true');
        default:
          return (item) => has(item.text(key.subject)) || has(bodyFor(item, 'Text').text);
      }
    });
  return (item) => tests.every((test) => test(item));
}
