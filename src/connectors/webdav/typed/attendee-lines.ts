import { decodeCharset } from '#formats/text/charset.ts';
import { decodeHeader, parseAddresses } from '#formats/text/mime-header.ts';
import { type MimePart, splitMime } from '#formats/text/mime-split.ts';
import type { Attendee, MeetingResponse, Person } from '#model/appointment.ts';

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
    parseAddresses(text)
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

/**
 * Of the first event in the calendar of an item's MIME, which is the item itself: who is asked to come, as what, and what was answered.
 */
export function attendeesOfMime(mime: Buffer): readonly Attendee[] {
  const part = calendarPart(splitMime(mime));
  if (part === null) return [];
  const text = decodeCharset(part.body(), part.contentType.parameters.get('charset') ?? 'utf-8');
  const found: Attendee[] = [];
  for (const line of text.replace(/\r?\n[ \t]/g, '').split(/\r?\n/, linesMax)) {
    if (/^END:VEVENT\s*$/i.test(line) || found.length >= peopleMax) break;
    const attendee = /^ATTENDEE[;:]/i.test(line) ? attendeeIn(line) : null;
    if (attendee !== null) found.push(attendee);
  }
  return found;
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
const quoted = (name: string): string => `"${decodeHeader(name).replace(/["\\]/g, '\\$&')}"`;
