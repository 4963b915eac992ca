import type { EventFields, MeetingResponse, OccurrenceFields, Person, When } from '#model/appointment.ts';
import { eventProperties } from '#model/event-properties.ts';
import type { Instant } from '#model/mail.ts';
import { type MapiProperty, propertySets } from '#model/property-row.ts';
import type { Zone, ZoneRule } from '#model/zone.ts';
import { busyStatuses } from '../mapi/appointment-recur.ts';
import { BlobError } from '../mapi/byte-reader.ts';
import type { MapiValue } from '../mapi/mapi-message.ts';
import { readTimeZoneStruct, readZoneDefinition, writeZoneDefinition } from '../mapi/zone-blobs.ts';
import { simplifyZone } from '../zones/simplify-zone.ts';
import type { PropertyEdit } from './message-stream.ts';
import { decodeText } from './stream-property.ts';

/** Reads a property of a message; undefined: it has none. */
export type Get = (property: MapiProperty) => MapiValue | undefined;

const { appointment, common } = propertySets;
const rows = eventProperties;

/** Properties that follow from fields and stand in no row of their own. */
export const derived = {
  messageClass: { tag: 0x001a, type: 'string' },
  messageFlags: { tag: 0x0e07, type: 'integer' },
  startDate: { tag: 0x0060, type: 'time' },
  endDate: { tag: 0x0061, type: 'time' },
  replyRequested: { tag: 0x0c17, type: 'boolean' },
  internetCodePage: { tag: 0x3fde, type: 'integer' },
  nativeBody: { tag: 0x1016, type: 'integer' },
  commonStart: { set: common, lid: 0x8516, type: 'time' },
  commonEnd: { set: common, lid: 0x8517, type: 'time' },
  sideEffects: { set: common, lid: 0x8510, type: 'integer' },
  isPrivate: { set: common, lid: 0x8506, type: 'boolean' },
  iconIndex: { tag: 0x1080, type: 'integer' },
  toAttendees: { set: appointment, lid: 0x823b, type: 'string' },
  ccAttendees: { set: appointment, lid: 0x823c, type: 'string' },
  durationMinutes: { set: appointment, lid: 0x8213, type: 'integer' },
} as const satisfies Record<string, MapiProperty>;

const [start, end, isAllDay, startZone, endZone, zoneStruct, zoneText] = rows.when.mapi;
const [textBody, htmlBody] = rows.body.mapi;
const [reminderIsSet, reminderMinutes, reminderTime, reminderSignal] = rows.reminder.mapi;
const utf8CodePage = 65001;
const sensitivities = ['normal', 'personal', 'private', 'confidential'] as const;
const importances = ['low', 'normal', 'high'] as const;
/** PidLidResponseStatus and PidTagRecipientTrackStatus ([MS-OXOCAL] 2.2.1.11). */
export const responses = [
  'unknown',
  'organizer',
  'tentative',
  'accept',
  'decline',
  'none',
] as const satisfies readonly MeetingResponse[];

const isText = (value: MapiValue | undefined): value is string => typeof value === 'string';
const isNumber = (value: MapiValue | undefined): value is number => typeof value === 'number';

/** A field in one message: what it takes to write it, and what it shows. Undefined: the message does not say. */
interface FieldCodec<T> {
  write(value: T): readonly PropertyEdit[];
  read(get: Get): T | undefined;
}

const text = (property: MapiProperty): FieldCodec<string> => ({
  write: (value) => [{ property, value }],
  read: (get) => {
    const value = get(property);
    return isText(value) ? value : undefined;
  },
});
const flag = (property: MapiProperty): FieldCodec<boolean> => ({
  write: (value) => [{ property, value }],
  read: (get) => {
    const value = get(property);
    return typeof value === 'boolean' ? value : undefined;
  },
});
const integer = (property: MapiProperty): FieldCodec<number> => ({
  write: (value) => [{ property, value }],
  read: (get) => {
    const value = get(property);
    return isNumber(value) ? value : undefined;
  },
});
const word = <T extends string>(property: MapiProperty, words: readonly T[]): FieldCodec<T> => ({
  write: (value) => [{ property, value: words.indexOf(value) }],
  read: (get) => {
    const value = get(property);
    return isNumber(value) ? words[value] : undefined;
  },
});
const time = (property: MapiProperty): FieldCodec<Instant | null> => ({
  write: (value) => [{ property, value }],
  read: (get) => {
    const value = get(property);
    return isNumber(value) ? value : undefined;
  },
});

const not = ({ write, read }: FieldCodec<boolean>): FieldCodec<boolean> => ({
  write: (value) => write(!value),
  read: (get) => {
    const value = read(get);
    return value === undefined ? undefined : !value;
  },
});

const body: FieldCodec<OccurrenceFields['body']> = {
  write: (value) =>
    value.type === 'html'
      ? [
          { property: htmlBody, value: Buffer.from(value.text, 'utf8') },
          { property: derived.internetCodePage, value: utf8CodePage },
          { property: derived.nativeBody, value: 3 },
        ]
      : [
          { property: textBody, value: value.text },
          { property: derived.nativeBody, value: 1 },
        ],
  read: (get) => {
    const [html, plain, page] = [get(htmlBody), get(textBody), get(derived.internetCodePage)];
    if (Buffer.isBuffer(html)) return { type: 'html', text: decodeText(html, isNumber(page) ? page : utf8CodePage) };
    return isText(plain) ? { type: 'text', text: plain } : undefined;
  },
};

const reminder: FieldCodec<OccurrenceFields['reminder']> = {
  write: (value) => [
    { property: reminderIsSet, value: value.isSet },
    { property: reminderMinutes, value: value.minutesBefore },
  ],
  read: (get) => {
    const [isSet, minutes] = [get(reminderIsSet), get(reminderMinutes)];
    if (typeof isSet !== 'boolean' && !isNumber(minutes)) return undefined;
    return { isSet: isSet === true, minutesBefore: isNumber(minutes) ? minutes : 0 };
  },
};

const categories: FieldCodec<readonly string[]> = {
  write: (value) => [{ property: rows.categories.mapi[0], value }],
  read: (get) => {
    const value = get(rows.categories.mapi[0]);
    return Array.isArray(value) ? value.filter(isText) : undefined;
  },
};

/** Fields that an occurrence may have for itself and that one message holds in its properties. */
export const occurrenceCodecs = {
  subject: text(rows.subject.mapi[0]),
  location: text(rows.location.mapi[0]),
  body,
  reminder,
  showAs: word(rows.showAs.mapi[0], busyStatuses),
  sensitivity: word(rows.sensitivity.mapi[0], sensitivities),
  importance: word(rows.importance.mapi[0], importances),
  categories,
  myResponse: word(rows.myResponse.mapi[0], responses),
  myResponseAt: time(rows.myResponseAt.mapi[0]),
} as const satisfies { readonly [F in keyof OccurrenceFields]?: FieldCodec<OccurrenceFields[F]> };

/** Fields of the event as a whole. */
const masterCodecs = {
  responseRequested: flag(rows.responseRequested.mapi[0]),
  allowNewTimeProposal: not(flag(rows.allowNewTimeProposal.mapi[0])),
  onlineMeetingUrl: text(rows.onlineMeetingUrl.mapi[0]),
  stateFlags: integer(rows.stateFlags.mapi[0]),
  invited: flag(rows.invited.mapi[0]),
  sequence: integer(rows.sequence.mapi[0]),
  ownerCriticalChangeAt: time(rows.ownerCriticalChangeAt.mapi[0]),
  attendeeCriticalChangeAt: time(rows.attendeeCriticalChangeAt.mapi[0]),
  intendedShowAs: word(rows.intendedShowAs.mapi[0], busyStatuses),
} as const;

/** What a field is when its properties are not there ([MS-OXOCAL] names no defaults; these are what EWS shows). */
const absent = {
  subject: '',
  location: '',
  body: { type: 'text', text: '' },
  reminder: { isSet: false, minutesBefore: 0 },
  showAs: 'busy',
  sensitivity: 'normal',
  importance: 'normal',
  categories: [],
  myResponse: 'unknown',
  myResponseAt: null,
  responseRequested: false,
  allowNewTimeProposal: true,
  onlineMeetingUrl: null,
  stateFlags: 0,
  invited: false,
  sequence: 0,
  ownerCriticalChangeAt: null,
  attendeeCriticalChangeAt: null,
  intendedShowAs: null,
} as const satisfies Partial<EventFields>;

type PlainField = keyof typeof absent;
export type PlainFields = Pick<EventFields, PlainField>;

/** What all of them have in common: each takes what its field is. */
interface AnyCodec {
  write(value: never): readonly PropertyEdit[];
  read(get: Get): unknown;
}
const allCodecs: { readonly [F in PlainField]: AnyCodec } = { ...occurrenceCodecs, ...masterCodecs };
const plainNames = Object.keys(absent) as readonly PlainField[];

function writeNamed(name: PlainField, value: EventFields[PlainField]): readonly PropertyEdit[] {
  return value === null ? [] : allCodecs[name].write(value as never);
}

/** Properties of the fields given; those that are null are left out, which is how MAPI says it. */
export function writePlainFields(fields: Partial<PlainFields>): readonly PropertyEdit[] {
  return plainNames.flatMap((name) => {
    const value = fields[name];
    return value === undefined ? [] : writeNamed(name, value);
  });
}

export function readPlainFields(get: Get): PlainFields {
  return Object.fromEntries(plainNames.map((name) => [name, allCodecs[name].read(get) ?? absent[name]])) as never;
}

/** Only what the message says, for an exception: the rest is as in the series. */
export function readGivenFields(get: Get): Partial<OccurrenceFields> {
  const names = Object.keys(occurrenceCodecs) as readonly (keyof typeof occurrenceCodecs)[];
  const given = names.flatMap((name) => {
    const value = occurrenceCodecs[name].read(get);
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(given) as Partial<OccurrenceFields>;
}

const yearOf = (instant: Instant): number => new Date(instant).getUTCFullYear();
const zoneBlob = (property: MapiProperty, zone: Zone | null, at: Instant): readonly PropertyEdit[] => {
  const value = zone === null ? null : writeZoneDefinition(zone, yearOf(at), false);
  return value === null ? [] : [{ property, value }];
};

export function writeWhen(when: When): readonly PropertyEdit[] {
  const times = [
    [start, when.start],
    [end, when.end],
    [derived.startDate, when.start],
    [derived.endDate, when.end],
    [derived.commonStart, when.start],
    [derived.commonEnd, when.end],
  ] as const;
  return [
    ...times.map(([property, value]) => ({ property, value })),
    { property: isAllDay, value: when.isAllDay },
    { property: derived.durationMinutes, value: Math.max(0, Math.round((when.end - when.start) / 60_000)) },
  ];
}

/** When a reminder rings: it is the signal time that Outlook looks for. */
export const writeReminderTimes = (rings: {
  readonly start: Instant;
  readonly signal: Instant;
}): readonly PropertyEdit[] => [
  { property: reminderTime, value: rings.start },
  { property: reminderSignal, value: rings.signal },
];

/** Opened rather than acted on from a list: 0x171 for everything in a calendar ([MS-OXCMSG] 2.2.1.16). */
const sideEffects = 0x171;
/** PidTagIconIndex ([MS-OXOCAL] 2.2.1.49): one time, series, meeting, series of meetings. */
const icons = { event: 0x400, series: 0x401, meeting: 0x402, seriesOfMeetings: 0x403 } as const;

/** What lists and old clients go by. */
export function writeAppearance(fields: EventFields): readonly PropertyEdit[] {
  const isMeeting = (fields.stateFlags & 1) !== 0;
  const [single, series] = isMeeting ? [icons.meeting, icons.seriesOfMeetings] : [icons.event, icons.series];
  const names = (roles: readonly string[]) =>
    fields.attendees
      .filter(({ role }) => roles.includes(role))
      .map(({ name, address }) => name || address)
      .join('; ');
  return [
    { property: derived.iconIndex, value: fields.recurrence === null ? single : series },
    { property: derived.sideEffects, value: sideEffects },
    { property: derived.isPrivate, value: fields.sensitivity === 'private' },
    { property: rows.attendees.mapi[0], value: names(['required', 'optional', 'resource']) },
    { property: derived.toAttendees, value: names(['required']) },
    { property: derived.ccAttendees, value: names(['optional']) },
  ];
}

/** A zone of which nothing is known goes as its name alone, in the text that people see. */
export function writeZones(when: When): readonly PropertyEdit[] {
  const edits = [...zoneBlob(startZone, when.startZone, when.start), ...zoneBlob(endZone, when.endZone, when.end)];
  const name = when.startZone?.id ?? '';
  return name === '' ? edits : [...edits, { property: zoneText, value: name }];
}

/** Reads a zone; a definition that is broken is none, and its problem is named. */
function readZone(get: Get, property: MapiProperty, problems: string[]): Zone | null {
  const bytes = get(property);
  if (!Buffer.isBuffer(bytes)) return null;
  try {
    return simplifyZone(readZoneDefinition(bytes).zone);
  } catch (error) {
    if (!(error instanceof BlobError)) throw error;
    problems.push(error.message);
    return null;
  }
}

/** The one rule that old clients write, without a name, and only into series. */
function readOldRule(get: Get, problems: string[]): ZoneRule | null {
  const bytes = get(zoneStruct);
  if (!Buffer.isBuffer(bytes)) return null;
  try {
    return readTimeZoneStruct(bytes);
  } catch (error) {
    if (!(error instanceof BlobError)) throw error;
    problems.push(error.message);
    return null;
  }
}

const sameRule = (a: ZoneRule, b: ZoneRule): boolean =>
  JSON.stringify({ ...a, fromYear: 0 }) === JSON.stringify({ ...b, fromYear: 0 });

/**
 * The zone by which a series repeats. An old client that changes a series knows the single rule only; where the rule in effect is another
 * than that, the single rule is right ([MS-OXOCAL] 2.2.1.41).
 */
function readSeriesZone(get: Get, problems: string[]): Zone | null {
  const rule = readOldRule(get, problems);
  const bytes = get(rows.recurrence.mapi[4]);
  const name = get(zoneText);
  const id = isText(name) ? name : '';
  if (Buffer.isBuffer(bytes)) {
    try {
      const { zone, effectiveRule } = readZoneDefinition(bytes);
      const current = effectiveRule === null ? undefined : zone.rules?.[effectiveRule];
      const isOverruled = rule !== null && current !== undefined && !sameRule(rule, current);
      return simplifyZone(isOverruled ? { id, rules: [rule] } : zone);
    } catch (error) {
      if (!(error instanceof BlobError)) throw error;
      problems.push(error.message);
    }
  }
  if (rule !== null) return simplifyZone({ id, rules: [rule] });
  return id === '' ? null : simplifyZone({ id, rules: null });
}

/** @returns null for a message without a start */
export function readWhen(get: Get, problems: string[]): When | null {
  const [from, to] = [get(start), get(end)];
  if (!isNumber(from)) return null;
  const isSeries = get(rows.recurrence.mapi[0]) !== undefined;
  // A series repeats in a zone of its own properties; what it is shown in ought to be the same.
  const repeats = isSeries ? readSeriesZone(get, problems) : null;
  const shown = repeats ?? readZone(get, startZone, problems);
  return {
    start: from,
    end: isNumber(to) ? to : from,
    isAllDay: get(isAllDay) === true,
    startZone: shown ?? (isSeries ? null : readSeriesZone(get, problems)),
    endZone: readZone(get, endZone, problems),
  };
}

const legacyName = /^\/o=/i;
/** Provider of one-off entry ids ([MS-OXCDATA] 2.2.5.1), and of those in an address book (2.2.5.2). */
const oneOff = Buffer.from('00000000812b1fa4bea310199d6e00dd010f540200000190', 'hex');
const addressBook = Buffer.from('00000000dca740c8c042101ab4b908002b2fe1820100000000000000', 'hex');

export const addressTypeOf = (address: string): string => (legacyName.test(address) ? 'EX' : 'SMTP');

export function entryIdOf(person: Person): Buffer {
  if (legacyName.test(person.address))
    return Buffer.concat([addressBook, Buffer.from(`${person.address}\0`, 'latin1')]);
  const strings = `${person.name}\0SMTP\0${person.address}\0`;
  return Buffer.concat([oneOff, Buffer.from(strings, 'utf16le')]);
}
export const searchKeyOf = (person: Person): Buffer =>
  Buffer.from(`${addressTypeOf(person.address)}:${person.address.toUpperCase()}\0`, 'latin1');

/** The organizer sends for himself: both groups of properties name him ([MS-OXOMSG] 2.2.1.49 to 2.2.1.54, 2.2.1.67 to 2.2.1.71). */
const senderGroups = [
  { name: 0x0042, type: 0x0064, address: 0x0065, smtp: 0x5d02, entryId: 0x0041, searchKey: 0x003b },
  { name: 0x0c1a, type: 0x0c1e, address: 0x0c1f, smtp: 0x5d01, entryId: 0x0c19, searchKey: 0x0c1d },
] as const;

export function writeOrganizer(person: Person | null): readonly PropertyEdit[] {
  if (person === null) return [];
  const { name, address } = person;
  return senderGroups.flatMap((tags): readonly PropertyEdit[] => {
    const shown: PropertyEdit = { property: { tag: tags.name, type: 'string' }, value: name };
    if (address === '') return [shown];
    const smtp: readonly PropertyEdit[] = legacyName.test(address)
      ? []
      : [{ property: { tag: tags.smtp, type: 'string' }, value: address }];
    return [
      shown,
      { property: { tag: tags.type, type: 'string' }, value: addressTypeOf(address) },
      { property: { tag: tags.address, type: 'string' }, value: address },
      ...smtp,
      { property: { tag: tags.entryId, type: 'binary' }, value: entryIdOf(person) },
      { property: { tag: tags.searchKey, type: 'binary' }, value: searchKeyOf(person) },
    ];
  });
}

export function readOrganizer(get: Get): Person | null {
  const [tags] = senderGroups;
  const read = (tag: number) => {
    const value = get({ tag, type: 'string' });
    return isText(value) ? value : '';
  };
  const address = read(tags.smtp) || read(tags.address);
  const name = read(tags.name);
  return name === '' && address === '' ? null : { name, address };
}
