/**
 * Items that are understood, from and to messages of Exchange. What carries a message does not matter here: a FastTransfer stream, the
 * answers to PROPFIND, a file of Outlook.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Instant } from '#model/mail.ts';
import type { MapiProperty } from '#model/property-row.ts';
import type { TypedDraft, TypedFields, TypedItem, TypedKind } from '#model/typed-item.ts';
import { typedRows } from '#model/typed-properties.ts';
import type { MapiMessage, MapiPropertyValue } from '../mapi/mapi-message.ts';
import { writeAttachment } from './attachments.ts';
import { contactCodec } from './contact-fields.ts';
import { rawProperty, writeExtras } from './extras.ts';
import { rtfBody } from './field-codec.ts';
import { extrasToWrite } from './item-body.ts';
import { requireKind } from './item-classes.ts';
import { stampProperty } from './item-properties.ts';
import { noteCodec } from './note-fields.ts';
import { knownTo, type PlainKind, type PlainKindCodec, plainValues, readFields } from './plain-kind.ts';
import { propertyKey, valuesOf } from './property-values.ts';
import { eventMapiProperties, readEvent } from './read-event.ts';
import { accountsFor, type ReadFrom, type ReadItem, readContents, readExtras, readHead } from './read-item.ts';
import { taskCodec } from './task-fields.ts';
import { eventValues, writeEvent } from './write-event.ts';

const codecs: { readonly [Kind in PlainKind]: PlainKindCodec<Kind> } = {
  contacts: contactCodec,
  tasks: taskCodec,
  notes: noteCodec,
};
const codecOf = <Kind extends PlainKind>(kind: Kind): PlainKindCodec<Kind> => codecs[kind] as PlainKindCodec<Kind>;

/** Everything that has to be asked for, where properties have to be asked for: `readTyped` understands no others but extras. */
export function mapiPropertiesOf(kind: TypedKind): readonly MapiProperty[] {
  const known = kind === 'calendar' ? eventMapiProperties : [...knownTo(codecOf(kind)), ...codecOf(kind).wellKnown];
  return [...new Map([...known, rtfBody].map((property) => [propertyKey(property), property])).values()];
}

/**
 * A message, understood. Contents of attachments are read once for their hashes and not kept.
 *
 * @throws ItemError `not-of-this-kind` (distribution lists among contacts and the like), `no-start`
 */
export async function readTyped<Kind extends TypedKind>(
  kind: Kind,
  message: MapiMessage,
  from: ReadFrom,
): Promise<ReadItem<Kind>> {
  const read: ReadItem =
    kind === 'calendar' ? await readEvent(message, from) : await readPlain(codecOf(kind), message, from);
  return read as ReadItem<Kind>;
}

async function readPlain<Kind extends PlainKind>(
  codec: PlainKindCodec<Kind>,
  message: MapiMessage,
  from: ReadFrom,
): Promise<ReadItem<Kind>> {
  const get = valuesOf(message.properties);
  requireKind(codec.kind, get);
  const problems: string[] = [];
  const attachments = await readContents(message.attachments, from.itemBytes, problems);
  const { fields, unread } = readFields(codec, get);
  problems.push(...unread.map((field) => `${field} cannot be read`));
  const rows = typedRows(codec.kind);
  const accounts = { known: accountsFor(knownTo(codec)), keepsTag: codec.keepsTag };
  const saysNothing = codec.usual.map(rawProperty);
  const extras = readExtras(
    message,
    get,
    accounts,
    unread.flatMap((field) => rows[field]?.mapi ?? []),
  ).filter((extra) => !saysNothing.some((usual) => isDeepStrictEqual(usual, extra)));
  const files = 'attachments' in codec.absent ? { attachments: attachments.map(({ head }) => head) } : {};
  return {
    item: {
      kind: codec.kind,
      head: readHead(get, from, null),
      fields: { ...fields, ...files } as unknown as TypedFields[Kind],
      occurrences: [],
      deletedDays: [],
      extras,
    },
    attachments: 'attachments' in codec.absent ? attachments : [],
    occurrenceAttachments: new Map(),
    problems,
  };
}

/** The properties of an item itself, but for its stamp and its extras. */
export const valuesOfItem = (item: TypedItem, now: Instant): readonly MapiPropertyValue[] =>
  item.kind === 'calendar'
    ? eventValues(item as TypedItem<'calendar'>, now)
    : plainValues(codecOf(item.kind), item as TypedItem<PlainKind>);

/**
 * An item as a message, its stamp in it. Contents of attachments are handed on: who holds them disposes of them when the message has
 * been written.
 *
 * @param now The reminder of a series rings for its next occurrence after this.
 * @throws BlobError `no-occurrences` for a series without any
 */
export function writeTyped<Kind extends TypedKind>(kind: Kind, draft: TypedDraft<Kind>, now: Instant): MapiMessage {
  if (kind === 'calendar') return writeEvent(draft as unknown as TypedDraft<'calendar'>, now);
  const plain = kind as Exclude<TypedKind, 'calendar'>;
  const { item, stamp, attachments } = draft as unknown as TypedDraft<PlainKind>;
  const values = [...valuesOfItem(item, now), { property: stampProperty, value: stamp }];
  const extras = writeExtras(extrasToWrite(item as TypedItem), values);
  const taken = new Set([...values, ...extras].map(({ property }) => propertyKey(property)));
  return {
    properties: [
      ...values,
      ...extras,
      ...codecOf(plain).usual.filter(({ property }) => !taken.has(propertyKey(property))),
    ],
    recipients: [],
    attachments: attachments.map((file) => writeAttachment(file, plain === 'contacts')),
  };
}
