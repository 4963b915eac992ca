import { isDeepStrictEqual } from 'node:util';
import type { AttachmentContent, AttachmentHead, ModifiedOccurrence } from '#model/appointment.ts';
import type { Instant } from '#model/mail.ts';
import { type MapiProperty, propertySets } from '#model/property-row.ts';
import type { TypedEdit, TypedItem, TypedKind } from '#model/typed-item.ts';
import { typedRows } from '#model/typed-properties.ts';
import type { Day } from '#model/wall-time.ts';
import { type MapiAttachment, type MapiMessage, type MapiPropertyValue, mapiValue } from '../mapi/mapi-message.ts';
import { type AttachedItemBytes, isException, readAttachment, writeAttachment } from './attachments.ts';
import { writeExceptions } from './event-series.ts';
import { rtfBody } from './field-codec.ts';
import { strangerAmong } from './item-classes.ts';
import { mainProperties, receiptProperty } from './item-properties.ts';
import { isText, propertyKey } from './property-values.ts';
import { writeRecipients } from './recipients.ts';
import { valuesOfItem } from './typed-message.ts';

/** What an edit changes in a message that is there. */
export interface MessageChanges {
  /** Those that go (value null) come first, so that a server that derives one body from the other is left with the right one. */
  readonly properties: readonly MapiPropertyValue[];
  /** Null: as they are; otherwise all that are to be there. */
  readonly recipients: MapiMessage['recipients'] | null;
  /** Files of the item itself; null: as they are. */
  readonly files: { readonly removed: readonly AttachmentHead[]; readonly added: readonly AttachmentContent[] } | null;
  /** Messages of modified occurrences; null: as they are; otherwise all that are to be there, by day. */
  readonly exceptions: ReadonlyMap<Day, MapiAttachment> | null;
}

export interface EditOptions {
  /** The reminder of a series rings for its next occurrence after this. */
  readonly now: Instant;
  /** Files of modified occurrences as they are, since the messages of these are written anew; as `readTyped` hands them out. */
  readonly occurrenceAttachments?: ReadonlyMap<Day, readonly AttachmentContent[]>;
}

const recurs = (fields: object): boolean => 'recurrence' in fields && fields.recurrence !== null;

/** An item as it is after an edit. */
export function editedItem<Kind extends TypedKind>(item: TypedItem<Kind>, edit: TypedEdit<Kind>): TypedItem<Kind> {
  // With another pattern or other times the days mean something else: those that are to be there are named by the edit.
  const wasSeries = recurs(item.fields);
  const isReshaped = 'recurrence' in edit.set || (wasSeries && 'when' in edit.set);
  const modified = new Map(isReshaped ? [] : item.occurrences.map((one) => [one.day, one]));
  const deleted = new Set(isReshaped ? [] : item.deletedDays);
  for (const change of edit.occurrences) {
    if (change.do === 'delete') {
      modified.delete(change.day);
      deleted.add(change.day);
    } else {
      deleted.delete(change.day);
      modified.set(change.day, { day: change.day, overrides: change.overrides });
    }
  }
  const fields = { ...item.fields, ...edit.set };
  const isSeries = recurs(fields);
  const byDay = (a: ModifiedOccurrence, b: ModifiedOccurrence) => (a.day < b.day ? -1 : 1);
  return {
    ...item,
    fields,
    occurrences: isSeries ? [...modified.values()].sort(byDay) : [],
    deletedDays: isSeries ? [...deleted].sort() : [],
  };
}

/** PidLidRecurrencePattern: the pattern in words of the client’s language, which would stay behind. [MS-OXOCAL] 2.2.1.46 */
const recurrenceText: MapiProperty = { set: propertySets.appointment, lid: 0x8232, type: 'string' };

/** What becomes of the properties: those of fields that are set are written whatever they were, the others where they differ. */
function changedValues(
  kind: TypedKind,
  before: readonly MapiPropertyValue[],
  after: readonly MapiPropertyValue[],
  set: readonly string[],
): readonly MapiPropertyValue[] {
  const rows = typedRows(kind);
  const ofSet = set.flatMap((field) => rows[field]?.mapi ?? []);
  const reshapes = set.includes('when') || set.includes('recurrence');
  const forced: readonly MapiProperty[] = [
    ...ofSet,
    ...(set.includes('body') ? [rtfBody] : []),
    ...(reshapes ? [recurrenceText] : []),
  ];
  const isForced = new Set(forced.map(propertyKey));
  const old = new Map(before.map(({ property, value }) => [propertyKey(property), value]));
  const written = new Set(after.map(({ property }) => propertyKey(property)));
  const gone = new Map(
    [...before.map(({ property }) => property), ...forced]
      .filter((property) => !written.has(propertyKey(property)))
      .map((property) => [propertyKey(property), property]),
  );
  return [
    ...[...gone.values()].map((property) => ({ property, value: null })),
    ...after.filter(({ property, value }) => {
      const key = propertyKey(property);
      return isForced.has(key) || !isDeepStrictEqual(old.get(key), value);
    }),
  ];
}

/**
 * What is to be changed of a message so that it shows an item as it is after an edit. A series is one property with all of its days,
 * which is written whole; so are the messages of its modified days.
 *
 * @throws BlobError `no-occurrences` for a series without any
 */
export function editTyped<Kind extends TypedKind>(
  kind: Kind,
  item: TypedItem<Kind>,
  edit: TypedEdit<Kind>,
  { now, occurrenceAttachments = new Map() }: EditOptions,
): MessageChanges {
  const after = editedItem(item, edit);
  const properties = [
    ...changedValues(kind, valuesOfItem(item, now), valuesOfItem(after, now), Object.keys(edit.set)),
    ...(edit.receipt === undefined ? [] : [{ property: receiptProperty, value: edit.receipt }]),
  ];
  const files = filesOf(item.fields, edit);
  if (kind !== 'calendar') return { properties, recipients: null, files, exceptions: null };
  const event = after as unknown as TypedItem<'calendar'>;
  const { attendees, organizer } = event.fields;
  const isRepeated = 'when' in edit.set || 'recurrence' in edit.set || edit.occurrences.length > 0;
  return {
    properties,
    recipients: 'attendees' in edit.set || 'organizer' in edit.set ? writeRecipients(attendees, organizer) : null,
    files,
    exceptions: isRepeated ? writeExceptions(event, exceptionFiles(event, edit, occurrenceAttachments)) : null,
  };
}

function filesOf(before: object, edit: TypedEdit): MessageChanges['files'] {
  const wanted = 'attachments' in edit.set ? (edit.set.attachments as readonly AttachmentHead[]) : null;
  if (wanted === null) return null;
  const left = [...('attachments' in before ? (before.attachments as readonly AttachmentHead[]) : [])];
  const added: AttachmentContent[] = [];
  for (const head of wanted) {
    const exact = left.findIndex((one) => isDeepStrictEqual(one, head));
    const content = exact >= 0 ? undefined : edit.attachments.get(head.hash);
    // Of what is there already no bytes come with the edit, whatever the other side calls it.
    const at = exact >= 0 || content !== undefined ? exact : placeOf(head, left);
    if (at >= 0) left.splice(at, 1);
    else if (content !== undefined) added.push({ ...content, head });
  }
  return { removed: left, added };
}

/** Of files of equal bytes the one of the same name; the bytes are what counts, and only those that are not there come with the edit. */
function placeOf({ hash, name }: AttachmentHead, among: readonly AttachmentHead[]): number {
  const same = among.findIndex((one) => one.hash === hash && one.name === name);
  return same >= 0 ? same : among.findIndex((one) => one.hash === hash);
}

/** Bytes of what modified occurrences have for themselves: given with the edit, or there already. */
function exceptionFiles(
  { occurrences }: TypedItem<'calendar'>,
  edit: TypedEdit,
  there: ReadonlyMap<Day, readonly AttachmentContent[]>,
): ReadonlyMap<Day, readonly AttachmentContent[]> {
  return new Map(
    occurrences.map(({ day, overrides }) => {
      const own = there.get(day) ?? [];
      const files = (overrides.attachments ?? []).flatMap((head) => {
        const content = edit.attachments.get(head.hash) ?? own.find((one) => one.head.hash === head.hash);
        return content === undefined ? [] : [{ ...content, head }];
      });
      return [day, files] as const;
    }),
  );
}

/** A message after changes, with everything in it that they do not name. */
export async function changedMessage(
  message: MapiMessage,
  changes: MessageChanges,
  itemBytes: AttachedItemBytes,
): Promise<MapiMessage> {
  const changed = new Map(changes.properties.map((one) => [propertyKey(one.property), one]));
  const kept = message.properties.filter(({ property }) => !changed.has(propertyKey(property)));
  const itemClass = mapiValue(message.properties, mainProperties.messageClass);
  const ofContact = isText(itemClass) && strangerAmong('contacts', itemClass) === null;
  const files = message.attachments.filter((one) => !isException(one));
  const exceptions = message.attachments.filter(isException);
  const stays = changes.files === null ? files : await withoutRemoved(files, changes.files.removed, itemBytes);
  return {
    properties: [...kept, ...[...changed.values()].filter(({ value }) => value !== null)],
    recipients: changes.recipients ?? message.recipients,
    attachments: [
      ...stays,
      ...(changes.files?.added ?? []).map((content) => writeAttachment(content, ofContact)),
      ...(changes.exceptions === null ? exceptions : changes.exceptions.values()),
    ],
  };
}

async function withoutRemoved(
  files: readonly MapiAttachment[],
  removed: readonly AttachmentHead[],
  itemBytes: AttachedItemBytes,
): Promise<readonly MapiAttachment[]> {
  const left = [...removed];
  const stays: MapiAttachment[] = [];
  for (const file of files) {
    const content = left.length === 0 ? null : await readAttachment(file, itemBytes);
    const at = content === null ? -1 : placeOf(content.head, left);
    if (at >= 0) left.splice(at, 1);
    else stays.push(file);
  }
  return stays;
}
