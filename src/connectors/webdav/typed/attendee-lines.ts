import { decodeCharset } from '#formats/text/charset.ts';
import { parseAddressText } from '#formats/text/mime-header.ts';
import { type MimePart, splitMime } from '#formats/text/mime-split.ts';
import type { Attendee, MeetingResponse, Person } from '#model/appointment.ts';
import type { Day } from '#model/wall-time.ts';

/**
 * Attendees of a meeting. WebDAV shows no table of recipients: they stand in the header fields of the item, and with what they answered
 * only in the calendar that GET puts into its MIME (RFC 5545 section 3.8.4.1).
 */

const responses: Readonly<Record<string, MeetingResponse>> = {
  ACCEPTED: 'accept',
  TENTATIVE: 'tentative',
  DECLINED: 'decline',
  'NEEDS-ACTION': 'none',
};
/** Lines and people that are read; whatever has more is none of these servers' making. */
const linesMax = 20_000;
const peopleMax = 5_000;

/** Of the header fields `to`, `cc` and `bcc` of an item, by which Exchange tells roles. */
export function attendeesOfHeaders(to: string, cc: string, bcc: string): readonly Attendee[] {
  const people = (text: string, role: Attendee['role']) =>
    parseAddressText(text)
      .slice(0, peopleMax)
      .map(
        ({ name, address }): Attendee => ({
          name: name || address,
          address,
          role,
          response: 'unknown',
          respondedAt: null,
        }),
      );
  return [...people(to, 'required'), ...people(cc, 'optional'), ...people(bcc, 'resource')];
}

/** Who is asked to come, as what, and what was answered. */
export interface AttendeesInMime {
  readonly ofItem: readonly Attendee[];
  /** Of modified occurrences, by the day of the pattern. */
  readonly ofDays: ReadonlyMap<Day, readonly Attendee[]>;
}

/** Of the calendar in an item's MIME: its first event is the item itself, those with a RECURRENCE-ID are modified occurrences. */
export function attendeesOfMime(mime: Buffer): AttendeesInMime {
  const part = calendarPart(splitMime(mime));
  const text = part === null ? '' : decodeCharset(part.body(), part.contentType.parameters.get('charset') ?? 'utf-8');
  let ofItem: readonly Attendee[] | null = null;
  const ofDays = new Map<Day, readonly Attendee[]>();
  let event: { readonly attendees: Attendee[]; day: Day | null } | null = null;
  let people = 0;
  for (const line of text.replace(/\r?\n[ \t]/g, '').split(/\r?\n/, linesMax)) {
    if (/^BEGIN:VEVENT\s*$/i.test(line)) event = { attendees: [], day: null };
    if (event === null) continue;
    // By the clock of the series, on which its days are counted.
    const [, year, month, day] = /^RECURRENCE-ID(?:;[^:]*)?:(\d{4})(\d\d)(\d\d)/i.exec(line) ?? [];
    if (day !== undefined) event.day = `${year}-${month}-${day}` as Day;
    const attendee = /^ATTENDEE[;:]/i.test(line) && people < peopleMax ? attendeeIn(line) : null;
    if (attendee !== null) {
      event.attendees.push(attendee);
      people++;
    }
    if (!/^END:VEVENT\s*$/i.test(line)) continue;
    if (event.day !== null) ofDays.set(event.day, event.attendees);
    else ofItem ??= event.attendees;
    event = null;
  }
  return { ofItem: ofItem ?? [], ofDays };
}

/** `ATTENDEE;ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED;CN="Ben":mailto:ben@example.com` */
function attendeeIn(line: string): Attendee | null {
  const parameters = new Map<string, string>();
  let at = 'ATTENDEE'.length;
  const parameter = /;([A-Za-z0-9-]+)=("[^"]*"|[^;:,"]*)/y;
  for (parameter.lastIndex = at; ; at = parameter.lastIndex) {
    const match = parameter.exec(line);
    if (match === null) break;
    parameters.set((match[1] ?? '').toUpperCase(), (match[2] ?? '').replace(/^"|"$/g, ''));
  }
  if (line[at] !== ':') return null;
  const address = line
    .slice(at + 1)
    .trim()
    .replace(/^mailto:/i, '');
  const type = parameters.get('CUTYPE')?.toUpperCase() ?? '';
  const role = parameters.get('ROLE')?.toUpperCase() ?? '';
  return {
    name: parameters.get('CN') ?? address,
    address,
    role:
      type === 'RESOURCE' || type === 'ROOM' || role === 'NON-PARTICIPANT'
        ? 'resource'
        : role === 'OPT-PARTICIPANT'
          ? 'optional'
          : 'required',
    response: responses[parameters.get('PARTSTAT')?.toUpperCase() ?? ''] ?? 'unknown',
    respondedAt: null,
  };
}

function calendarPart(part: MimePart): MimePart | null {
  if (part.contentType.value === 'text/calendar') return part;
  for (const child of part.children) {
    const found = calendarPart(child);
    if (found !== null) return found;
  }
  return null;
}

/**
 * What the calendar says, and whom only the header fields name. Where both name somebody the name is that of the header field: those of a
 * calendar have no quotation marks (RFC 5545 section 3.2).
 */
export function together(inCalendar: readonly Attendee[], named: readonly Attendee[]): readonly Attendee[] {
  // People without an address are told apart by what they are called.
  const keyOf = ({ name, address }: Attendee) => (address === '' ? `"${name}"` : address).toLowerCase();
  const known = new Set(inCalendar.map(keyOf));
  const names = new Map(named.filter(({ name, address }) => name !== address).map((one) => [keyOf(one), one.name]));
  return [
    ...inCalendar.map((one) => ({ ...one, name: names.get(keyOf(one)) ?? one.name })),
    ...named.filter((one) => !known.has(keyOf(one))),
  ];
}

/** Header fields that make people attendees of a role. */
export function headersOfAttendees(attendees: readonly Attendee[]): Readonly<Record<'to' | 'cc' | 'bcc', string>> {
  const list = (role: Attendee['role']) =>
    attendees
      .filter((one) => one.role === role)
      .map(mailbox)
      .join(', ');
  return { to: list('required'), cc: list('optional'), bcc: list('resource') };
}

const mailbox = ({ name, address }: Person): string =>
  address === '' ? quoted(name) : name === '' ? `<${address}>` : `${quoted(name)} <${address}>`;
const quoted = (name: string): string => `"${name.replace(/["\\]/g, '\\$&')}"`;
