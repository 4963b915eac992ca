import { isDeepStrictEqual } from 'node:util';
import { BlobError } from '#formats/mapi/byte-reader.ts';
import {
  readZoneDefinition as readDefinitionBlob,
  writeZoneDefinition as writeDefinitionBlob,
} from '#formats/mapi/zone-blobs.ts';
import { shownBody } from '#formats/shown-body.ts';
import { attribute, child, children, type XmlElement } from '#formats/text/xml-read.ts';
import { escapeText } from '#formats/text/xml-write.ts';
import { simplifyZone } from '#formats/zones/simplify-zone.ts';
import type {
  Attendee,
  Body,
  EventFields,
  MeetingResponse,
  OccurrenceFields,
  Person,
  Reminder,
  When,
} from '#model/appointment.ts';
import { type EventField, eventFields, eventProperties } from '#model/event-properties.ts';
import type { Instant, RawProperty } from '#model/mail.ts';
import type { MapiProperty, TypedRow } from '#model/property-row.ts';
import type { Recurrence } from '#model/recurrence.ts';
import type { Zone } from '#model/zone.ts';
import { readTime, writeTime } from '../ews-time.ts';
import { extendedFieldUri, propertyKey } from '../extended-fields.ts';
import { typesNamespace } from '../namespaces.ts';
import { atLeast, type SchemaVersion } from '../server-version.ts';
import { elementOf, extendedPart, fieldUri, type Part, typedPart, writeItem, writeUpdates } from '../typed/parts.ts';
import { readRecurrence, writeRecurrence } from '../typed/recurrence-codec.ts';
import { propertyIn, type ShownItem, textIn } from '../typed/shown-item.ts';
import { boolean, choice, type Form, formOf, integer } from '../value-forms.ts';
import {
  attendeeLists,
  readAttendees,
  readPerson,
  responseNamed,
  responseNumber,
  responseOfNumber,
  writeAttendees,
} from './attendees.ts';
import { readMeetingZone, readZoneDefinition, writeMeetingZone, writeZoneDefinition } from './zone-codec.ts';

/** Everything of an event but its attachments, which take requests of their own. */
export type PlainField = Exclude<EventField, 'attachments'>;
export type PlainFields = Pick<EventFields, PlainField>;

/** What a write depends on besides the values. */
export interface WriteTerms {
  readonly version: SchemaVersion;
  /** Occurrences show through what their series has. */
  readonly isOccurrence: boolean;
  /** When the reminder of the item rings next; null: never. Not asked for without a reminder. */
  readonly signalAt: Instant | null;
}

/** One field in both directions. */
interface FieldCodec<T> {
  /** What a read asks for. */
  paths(version: SchemaVersion): string;
  /** Undefined: what is shown cannot be read. */
  read(shown: ShownItem): T | undefined;
  write(value: T, terms: WriteTerms): readonly Part[];
}

const row = (field: EventField): TypedRow<unknown> => eventProperties[field] as TypedRow<unknown>;
const uriOf = (field: EventField): string => row(field).ews[0] ?? '';
const mapiOf = (field: EventField, at = 0): MapiProperty => {
  const property = row(field).mapi[at];
  if (property === undefined) throw new Error(`the property table has no MAPI property ${at} for ${field}`);
  return property;
};

/** A typed element with one value. */
function typed<T>(field: EventField, form: Form, absent: T): FieldCodec<T> {
  const uri = uriOf(field);
  return {
    paths: () => fieldUri(uri),
    read(shown) {
      const text = textIn(shown, elementOf(uri));
      return text === null ? absent : (form.read(text) as T | undefined);
    },
    write: (value) => [typedPart(uri, escapeText(form.write(value as never)))],
  };
}

/** An extended property with one value, or nothing. */
function extended<T>(field: EventField, form: Form, absent: T): FieldCodec<T> {
  const property = mapiOf(field);
  return {
    paths: () => extendedFieldUri(property),
    read(shown) {
      const text = propertyIn(shown, property);
      return text === null ? absent : (form.read(text) as T | undefined);
    },
    write: (value) => [extendedPart(property, value === null ? null : form.write(value as never))],
  };
}

/** A typed element that only the server writes: read when the property behind it is not there, and written there. */
function readOnly<T>(
  field: EventField,
  form: Form,
  readTyped: (text: string) => T | undefined,
  absent: T,
): FieldCodec<T> {
  const [uri, property] = [uriOf(field), mapiOf(field)];
  return {
    paths: () => fieldUri(uri) + extendedFieldUri(property),
    read(shown) {
      const value = propertyIn(shown, property);
      if (value !== null) return form.read(value) as T | undefined;
      const text = textIn(shown, elementOf(uri));
      return text === null ? absent : readTyped(text);
    },
    write: (value) => [extendedPart(property, value === null ? null : form.write(value as never))],
  };
}

const plainText: Form = { read: (value) => value, write: (value: string) => value };

/** LegacyFreeBusyType, in the order of PidLidBusyStatus ([MS-OXOCAL] 2.2.1.2), from 0. */
const busyWords = [
  ['free', 'Free'],
  ['tentative', 'Tentative'],
  ['busy', 'Busy'],
  ['oof', 'OOF'],
  ['working-elsewhere', 'WorkingElsewhere'],
] as const satisfies readonly (readonly [OccurrenceFields['showAs'], string])[];
export const showAsNamed = (name: string): OccurrenceFields['showAs'] | undefined =>
  busyWords.find(([, known]) => known === name.trim())?.[0];

const showAs: FieldCodec<OccurrenceFields['showAs']> = {
  paths: () => fieldUri(uriOf('showAs')),
  read(shown) {
    const text = textIn(shown, 'LegacyFreeBusyStatus');
    return text === null ? 'busy' : showAsNamed(text);
  },
  write(value, { version }) {
    const known = value === 'working-elsewhere' && !atLeast(version, 'Exchange2013') ? 'free' : value;
    return [typedPart(uriOf('showAs'), busyWords.find(([word]) => word === known)?.[1] ?? 'Busy')];
  },
};

const intendedShowAs: FieldCodec<EventFields['intendedShowAs']> = extended(
  'intendedShowAs',
  {
    read: (text) => busyWords[Number(integer.read(text) ?? Number.NaN)]?.[0],
    write: (value: OccurrenceFields['showAs']) => String(busyWords.findIndex(([word]) => word === value)),
  },
  null,
);

const body: FieldCodec<Body> = {
  paths: () => fieldUri(uriOf('body')),
  read(shown) {
    const element = shown.typed.get('Body');
    if (element === undefined) return { type: 'text', text: '' };
    return shownBody(attribute(element, 'BodyType') === 'HTML' ? 'html' : 'text', element.text);
  },
  write: ({ type, text }) => [
    {
      path: fieldUri(uriOf('body')),
      element: 'Body',
      xml: `<t:Body BodyType="${type === 'html' ? 'HTML' : 'Text'}">${escapeText(text)}</t:Body>`,
    },
  ],
};

const categories: FieldCodec<readonly string[]> = {
  paths: () => fieldUri(uriOf('categories')),
  read(shown) {
    const element = shown.typed.get('Categories');
    return element === undefined ? [] : children(element, typesNamespace, 'String').map((one) => one.text);
  },
  write: (value) => [
    typedPart(
      uriOf('categories'),
      value.length === 0 ? null : value.map((one) => `<t:String>${escapeText(one)}</t:String>`).join(''),
    ),
  ],
};

/** PidLidReminderTime, the start; PidLidReminderSignalTime, when it rings. [MS-OXORMDR] 2.2.1.3, 2.2.1.4 */
const [reminderTime, signalTime] = [mapiOf('reminder', 2), mapiOf('reminder', 3)];
const [reminderIsSet = '', reminderMinutes = ''] = eventProperties.reminder.ews;
const reminder: FieldCodec<Reminder> = {
  paths: () => eventProperties.reminder.ews.map(fieldUri).join(''),
  read(shown) {
    const isSet = boolean.read(textIn(shown, 'ReminderIsSet') ?? 'false');
    const minutesBefore = integer.read(textIn(shown, 'ReminderMinutesBeforeStart') ?? '0');
    return isSet === undefined || minutesBefore === undefined
      ? undefined
      : { isSet: isSet as boolean, minutesBefore: minutesBefore as number };
  },
  write({ isSet, minutesBefore }, { isOccurrence, signalAt }) {
    const parts = [typedPart(reminderIsSet, String(isSet)), typedPart(reminderMinutes, String(minutesBefore))];
    if (!isSet || isOccurrence || signalAt === null) return parts;
    // Both follow from the start; written so that nothing rings twice and nothing of the past rings at all.
    return [
      ...parts,
      extendedPart(reminderTime, writeTime(signalAt + minutesBefore * 60_000)),
      extendedPart(signalTime, writeTime(signalAt)),
    ];
  },
};

const attendees: FieldCodec<readonly Attendee[]> = {
  paths: () => eventProperties.attendees.ews.map(fieldUri).join(''),
  read: (shown) =>
    attendeeLists.flatMap(([element, role]) => {
      const list = shown.typed.get(element);
      return list === undefined ? [] : readAttendees(list, role);
    }),
  write: (value) =>
    attendeeLists.map(([element, role]) => {
      const some = value.filter((attendee) => attendee.role === role);
      return typedPart(`calendar:${element}`, some.length === 0 ? null : writeAttendees(some));
    }),
};

const recurrence: FieldCodec<Recurrence | null> = {
  paths: () => fieldUri(uriOf('recurrence')),
  read(shown) {
    const element = shown.typed.get('Recurrence');
    return element === undefined ? null : readRecurrence(element);
  },
  write: (value, { version }) => [
    {
      path: fieldUri(uriOf('recurrence')),
      element: 'Recurrence',
      xml: value === null ? null : writeRecurrence(value, version),
    },
  ],
};

const [organizerName, organizerAddress, organizerSmtp] = [
  mapiOf('organizer', 0),
  mapiOf('organizer', 1),
  mapiOf('organizer', 2),
];
const organizer: FieldCodec<Person | null> = {
  paths: () => fieldUri(uriOf('organizer')),
  read(shown) {
    const element = shown.typed.get('Organizer');
    const mailbox = element === undefined ? null : child(element, typesNamespace, 'Mailbox');
    return mailbox === null ? null : readPerson(mailbox);
  },
  /** The typed element is the server's own; these are unproven, and what they make of the item is read back. */
  write: (value) =>
    value === null
      ? []
      : [
          ...(value.name === '' ? [] : [extendedPart(organizerName, value.name)]),
          ...(value.address === '' ? [] : [extendedPart(organizerAddress, value.address)]),
          ...(value.address.includes('@') ? [extendedPart(organizerSmtp, value.address)] : []),
        ],
};

/** PidLidAppointmentTimeZoneDefinitionStartDisplay and …EndDisplay, [MS-OXOCAL] 2.2.1.41, 2.2.1.42. */
const [startDefinition, endDefinition] = [mapiOf('when', 3), mapiOf('when', 4)];
const [startUri = '', endUri = '', allDayUri = '', startZoneUri = '', endZoneUri = ''] = eventProperties.when.ews;
const meetingZoneUri = 'calendar:MeetingTimeZone';
const when: FieldCodec<When> = {
  paths: (version) =>
    [startUri, endUri, allDayUri, ...(knowsZones(version) ? [startZoneUri, endZoneUri] : [meetingZoneUri])]
      .map(fieldUri)
      .join('') + (knowsZones(version) ? '' : [startDefinition, endDefinition].map(extendedFieldUri).join('')),
  read(shown) {
    const [start, end] = [readTime(textIn(shown, 'Start') ?? ''), readTime(textIn(shown, 'End') ?? '')];
    const isAllDay = boolean.read(textIn(shown, 'IsAllDayEvent') ?? 'false');
    if (start === undefined || end === undefined || isAllDay === undefined) return undefined;
    const year = new Date(start).getUTCFullYear();
    const startZone = readZone(shown, 'StartTimeZone', year);
    const endZone = readZone(shown, 'EndTimeZone', year) ?? startZone;
    return { start, end, isAllDay: isAllDay as boolean, startZone, endZone };
  },
  write({ start, end, isAllDay, startZone, endZone }, { version }) {
    const parts = [
      typedPart(startUri, writeTime(start)),
      typedPart(endUri, writeTime(end)),
      typedPart(allDayUri, String(isAllDay)),
    ];
    if (!knowsZones(version)) {
      if (startZone === null) return parts;
      const year = new Date(start).getUTCFullYear();
      const definitions = [
        ...definitionPart(startDefinition, startZone, year),
        ...definitionPart(endDefinition, endZone ?? startZone, year),
      ];
      // The typed zone is that of both ends, so it is left out where they differ; no series has two.
      const differ = endZone !== null && !isDeepStrictEqual(startZone, endZone) && definitions.length === 2;
      const meeting = {
        path: fieldUri(meetingZoneUri),
        element: 'MeetingTimeZone',
        xml: writeMeetingZone(startZone, year),
      };
      return [...parts, ...(differ ? [] : [meeting]), ...definitions];
    }
    return [...parts, ...zonePart('StartTimeZone', startZone), ...zonePart('EndTimeZone', endZone ?? startZone)];
  },
};

const zonePart = (name: 'StartTimeZone' | 'EndTimeZone', zone: Zone | null): readonly Part[] =>
  zone === null ? [] : [{ path: fieldUri(`calendar:${name}`), element: name, xml: writeZoneDefinition(name, zone) }];

/** Outlook's own form of a zone, which servers without typed zones keep. Nothing for a zone whose rules nobody knows. */
function definitionPart(property: MapiProperty, zone: Zone, year: number): readonly Part[] {
  const bytes = writeDefinitionBlob(zone, year, false);
  return bytes === null ? [] : [extendedPart(property, bytes.toString('base64'))];
}

/** Before 2010 the typed fields of an item have one zone, with rules of one year. */
const knowsZones = (version: SchemaVersion): boolean => atLeast(version, 'Exchange2010');

/** Sides that spell out the rules of a year and sides that give the name alone show the same zone. */
function readZone(shown: ShownItem, name: 'StartTimeZone' | 'EndTimeZone', year: number): Zone | null {
  const zone = writtenZone(shown, name);
  return zone && simplifyZone(zone, { first: year, last: year });
}

function writtenZone(shown: ShownItem, name: 'StartTimeZone' | 'EndTimeZone'): Zone | null {
  const definition = shown.typed.get(name);
  if (definition !== undefined) return readZoneDefinition(definition);
  const blob = propertyIn(shown, name === 'StartTimeZone' ? startDefinition : endDefinition);
  const zone = blob === null ? null : zoneOfBlob(Buffer.from(blob, 'base64'));
  if (zone !== null) return zone;
  const meeting = shown.typed.get('MeetingTimeZone');
  return meeting === undefined ? null : readMeetingZone(meeting);
}

/** Null: no definition that can be read; the typed field has to do. */
function zoneOfBlob(bytes: Buffer): Zone | null {
  try {
    return readDefinitionBlob(bytes).zone;
  } catch (error) {
    if (error instanceof BlobError) return null;
    throw error;
  }
}

const responseForm: Form = {
  read: (text) => responseOfNumber(Number(integer.read(text) ?? Number.NaN)),
  write: (value: MeetingResponse) => String(responseNumber(value)),
};
const instantForm = formOf('time');

const codecs: { readonly [F in PlainField]: FieldCodec<EventFields[F]> } = {
  subject: typed('subject', plainText, ''),
  location: typed('location', plainText, ''),
  when,
  body,
  reminder,
  showAs,
  sensitivity: typed('sensitivity', choice('normal', 'personal', 'private', 'confidential'), 'normal'),
  importance: typed('importance', choice('low', 'normal', 'high'), 'normal'),
  categories,
  attendees,
  myResponse: readOnly('myResponse', responseForm, responseNamed, 'unknown'),
  myResponseAt: readOnly<Instant | null>('myResponseAt', instantForm, readTime, null),
  recurrence,
  organizer,
  responseRequested: typed('responseRequested', boolean, true),
  allowNewTimeProposal: typed('allowNewTimeProposal', boolean, true),
  onlineMeetingUrl: extended('onlineMeetingUrl', plainText, null),
  stateFlags: readOnly('stateFlags', integer, integer.read as (text: string) => number | undefined, 0),
  invited: readOnly('invited', boolean, boolean.read as (text: string) => boolean | undefined, false),
  sequence: readOnly('sequence', integer, integer.read as (text: string) => number | undefined, 0),
  ownerCriticalChangeAt: extended('ownerCriticalChangeAt', instantForm, null),
  attendeeCriticalChangeAt: extended('attendeeCriticalChangeAt', instantForm, null),
  intendedShowAs,
};
const plainFields = eventFields.filter((field): field is PlainField => field !== 'attachments');
const codecOf = (field: PlainField): FieldCodec<unknown> => codecs[field] as FieldCodec<unknown>;

/** Fields that an occurrence may have for itself, attachments apart. */
export const occurrencePlainFields = plainFields.filter(
  (field): field is PlainField & keyof OccurrenceFields => row(field).occurrence === true,
);

/** Paths of all fields, for a read of items. */
export const eventPaths = (version: SchemaVersion): string =>
  plainFields.map((field) => codecOf(field).paths(version)).join('');

export interface ReadFields {
  readonly fields: PlainFields;
  /** What could not be read, as it came. */
  readonly extras: readonly RawProperty[];
  /** Fields without which the item means something else. */
  readonly unreadable: readonly PlainField[];
}

/** Without these an event would be another one. */
const indispensable: ReadonlySet<PlainField> = new Set(['when', 'recurrence']);

/** What fields are that cannot be read. */
const unreadFields: Partial<PlainFields> = {
  subject: '',
  location: '',
  showAs: 'busy',
  sensitivity: 'normal',
  importance: 'normal',
  reminder: { isSet: false, minutesBefore: 0 },
  myResponse: 'unknown',
  responseRequested: true,
  allowNewTimeProposal: true,
  stateFlags: 0,
  invited: false,
  sequence: 0,
};

export function readFields(shown: ShownItem): ReadFields {
  const fields: Record<string, unknown> = {};
  const extras: RawProperty[] = [];
  const unreadable: PlainField[] = [];
  for (const field of plainFields) {
    const value = codecOf(field).read(shown);
    const repairs = repairsOf(shown, field);
    if (value === undefined || repairs.length > 0)
      extras.push({ property: mapiOf(field), values: [...rawOf(shown, field), ...repairs] });
    if (value === undefined && indispensable.has(field)) unreadable.push(field);
    fields[field] = value ?? (value === null ? null : (unreadFields[field] ?? null));
  }
  return { fields: fields as unknown as PlainFields, extras, unreadable };
}

const shownElements = (shown: ShownItem, field: PlainField): readonly XmlElement[] =>
  row(field).ews.flatMap((uri) => shown.typed.get(elementOf(uri)) ?? []);

/** What stands in the elements and properties of a field. */
const rawOf = (shown: ShownItem, field: PlainField): readonly string[] => [
  ...shownElements(shown, field).map((element) => element.text),
  ...row(field).mapi.flatMap((property) => shown.extended.get(propertyKey(property)) ?? []),
];

/** Characters that XML forbids and the server sent nevertheless, as they were written. */
const repairsOf = (shown: ShownItem, field: PlainField): readonly string[] =>
  shownElements(shown, field).flatMap((element) => element.repairs.map((repair) => repair.raw));

/** Properties of the fields given. `organizer` is written in a create only. */
export function writeParts(fields: Partial<EventFields>, terms: WriteTerms): readonly Part[] {
  return plainFields.flatMap((field) => {
    const value = fields[field];
    return value === undefined ? [] : codecOf(field).write(value, terms);
  });
}

/** Order of the elements in ItemType and CalendarItemType, as far as they are written. */
const schemaOrder = [
  'ItemClass',
  'Subject',
  'Sensitivity',
  'Body',
  'Categories',
  'Importance',
  'ReminderIsSet',
  'ReminderMinutesBeforeStart',
  'ExtendedProperty',
  'UID',
  'Start',
  'End',
  'IsAllDayEvent',
  'LegacyFreeBusyStatus',
  'Location',
  'IsResponseRequested',
  'RequiredAttendees',
  'OptionalAttendees',
  'Resources',
  'Recurrence',
  'MeetingTimeZone',
  'StartTimeZone',
  'EndTimeZone',
  'AllowNewTimeProposal',
];

/** `t:CalendarItem` of a create. */
export const writeEvent = (parts: readonly Part[]): string => writeItem('CalendarItem', parts, schemaOrder);

/** `t:Updates` of an update. */
export const writeEventUpdates = (parts: readonly Part[]): string => writeUpdates('CalendarItem', parts);
