import type { Attendee, Person } from '#model/appointment.ts';
import type { MapiProperty } from '#model/property-row.ts';
import type { MapiMessage, MapiPropertyValue } from '../mapi/mapi-message.ts';
import { responses } from './event-fields.ts';
import { addressTypeOf, entryIdOf, isLegacyName, searchKeyOf } from './people.ts';
import { type Get, isNumber, isText, valuesOf } from './property-values.ts';

type RecipientRow = MapiMessage['recipients'][number];

/** Columns of the recipient table of a calendar item ([MS-OXOCAL] 2.2.4.10, [MS-OXCMSG] 2.2.1.47). */
const columns = {
  kind: { tag: 0x0c15, type: 'integer' },
  name: { tag: 0x3001, type: 'string' },
  addressType: { tag: 0x3002, type: 'string' },
  address: { tag: 0x3003, type: 'string' },
  smtp: { tag: 0x39fe, type: 'string' },
  shownName: { tag: 0x5ff6, type: 'string' },
  entryId: { tag: 0x0fff, type: 'binary' },
  searchKey: { tag: 0x300b, type: 'binary' },
  objectType: { tag: 0x0ffe, type: 'integer' },
  displayType: { tag: 0x3900, type: 'integer' },
  flags: { tag: 0x5ffd, type: 'integer' },
  response: { tag: 0x5fff, type: 'integer' },
  respondedAt: { tag: 0x5ffb, type: 'time' },
} as const satisfies Record<string, MapiProperty>;

const roles = ['required', 'optional', 'resource'] as const;
/** PidTagRecipientFlags: is sent to, is the organizer. */
const [sendable, organizerFlag] = [0x1, 0x2];

interface Row {
  readonly person: Person;
  readonly role: Attendee['role'];
  readonly isOrganizer: boolean;
  /** Null: no attendee, only the organizer’s row. */
  readonly attendee: Attendee | null;
}

const sameAddress = (a: Person, b: Person): boolean =>
  a.address !== '' ? a.address.toLowerCase() === b.address.toLowerCase() : b.address === '' && a.name === b.name;

/** Attendees with their answers, and a row for an organizer who is none of them ([MS-OXOCAL] 2.2.4.10.1). */
export function writeRecipients(attendees: readonly Attendee[], organizer: Person | null): readonly RecipientRow[] {
  const rows: Row[] = attendees.map((attendee) => ({
    person: attendee,
    role: attendee.role,
    isOrganizer: attendee.response === 'organizer',
    attendee,
  }));
  const isMissing =
    organizer !== null && !rows.some(({ person, isOrganizer }) => isOrganizer || sameAddress(person, organizer));
  if (isMissing) rows.unshift({ person: organizer, role: 'required', isOrganizer: true, attendee: null });
  return rows.map(recipientRow);
}

function recipientRow({ person, role, isOrganizer, attendee }: Row): RecipientRow {
  const { name, address } = person;
  const isSmtp = addressTypeOf(address) === 'SMTP';
  const values: readonly (readonly [MapiProperty, MapiPropertyValue['value']])[] = [
    [columns.kind, roles.indexOf(role) + 1],
    [columns.name, name],
    [columns.shownName, name],
    ...(address === ''
      ? []
      : ([
          [columns.addressType, addressTypeOf(address)],
          [columns.address, address],
          ...(isSmtp ? ([[columns.smtp, address]] as const) : []),
          [columns.entryId, entryIdOf(person)],
          [columns.searchKey, searchKeyOf(person)],
        ] as const)),
    [columns.objectType, 6],
    [columns.displayType, 0],
    [columns.flags, isOrganizer ? sendable | organizerFlag : sendable],
    ...(attendee === null ? [] : ([[columns.response, responses.indexOf(attendee.response)]] as const)),
    ...(attendee === null || attendee.respondedAt === null
      ? []
      : ([[columns.respondedAt, attendee.respondedAt]] as const)),
  ];
  return values.map(([property, value]) => ({ property, value }));
}

/**
 * The organizer as the table knows him: where the properties of the message name a legacy name only, the row may have an address that
 * means something elsewhere.
 */
export function organizerWithAddress(organizer: Person | null, rows: readonly RecipientRow[]): Person | null {
  if (organizer === null || organizer.name === '' || !isLegacyName(organizer.address)) return organizer;
  const row = rows.map(valuesOf).find((get) => isOrganizerRow(get) && get(columns.name) === organizer.name);
  const smtp = row?.(columns.smtp);
  return isText(smtp) && smtp !== '' ? { ...organizer, address: smtp } : organizer;
}

function isOrganizerRow(get: Get): boolean {
  const flags = get(columns.flags);
  return isNumber(flags) && (flags & organizerFlag) !== 0;
}

/** @returns the attendees; a row that only names the organizer is none of them */
export function readRecipients(rows: readonly RecipientRow[]): readonly Attendee[] {
  return rows.flatMap((row) => {
    const attendee = readRow(row);
    return attendee === null ? [] : [attendee];
  });
}

function readRow(row: RecipientRow): Attendee | null {
  const get = valuesOf(row);
  const text = (property: MapiProperty) => {
    const value = get(property);
    return isText(value) ? value : '';
  };
  const number = (property: MapiProperty) => {
    const value = get(property);
    return isNumber(value) ? value : null;
  };
  const response = number(columns.response);
  const isOrganizer = isOrganizerRow(get);
  // Outlook gives one to every appointment, and says that no answer is expected of it. [MS-OXOCAL] 2.2.1.11
  if (isOrganizer && (response === null || response === responses.indexOf('unknown'))) return null;
  return {
    name: text(columns.name) || text(columns.shownName),
    address: text(columns.smtp) || text(columns.address),
    // The bits above are of other states of the row ([MS-OXCMSG] 2.2.1.47.2).
    role: roles[((number(columns.kind) ?? 1) & 0xf) - 1] ?? 'required',
    response: isOrganizer ? 'organizer' : (responses[response ?? 0] ?? 'unknown'),
    respondedAt: number(columns.respondedAt),
  };
}
