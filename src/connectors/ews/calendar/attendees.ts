import { child, children, childText, type XmlElement } from '#formats/text/xml-read.ts';
import { escapeText } from '#formats/text/xml-write.ts';
import type { Attendee, MeetingResponse, Person } from '#model/appointment.ts';
import { readTime, writeTime } from '../ews-time.ts';
import { typesNamespace } from '../namespaces.ts';

/** ResponseTypeType, in the order of PidLidResponseStatus ([MS-OXOCAL] 2.2.1.11), from 0. */
const responses = [
  ['unknown', 'Unknown'],
  ['organizer', 'Organizer'],
  ['tentative', 'Tentative'],
  ['accept', 'Accept'],
  ['decline', 'Decline'],
  ['none', 'NoResponseReceived'],
] as const satisfies readonly (readonly [MeetingResponse, string])[];

export const responseNumber = (response: MeetingResponse): number => responses.findIndex(([word]) => word === response);
export const responseOfNumber = (number: number): MeetingResponse | undefined => responses[number]?.[0];
export const responseNamed = (name: string | null): MeetingResponse | undefined =>
  responses.find(([, known]) => known === (name ?? '').trim())?.[0];
const responseName = (response: MeetingResponse): string => responses[responseNumber(response)]?.[1] ?? 'Unknown';

/** The three lists of a calendar item, in the order of the schema. */
export const attendeeLists = [
  ['RequiredAttendees', 'required'],
  ['OptionalAttendees', 'optional'],
  ['Resources', 'resource'],
] as const satisfies readonly (readonly [string, Attendee['role']])[];

/** `t:Mailbox` of an attendee or organizer. */
export function readPerson(mailbox: XmlElement): Person {
  return {
    name: childText(mailbox, typesNamespace, 'Name') ?? '',
    address: childText(mailbox, typesNamespace, 'EmailAddress') ?? '',
  };
}

/** An address of the old directory form means nothing elsewhere, but as type EX it is at least kept as it is. */
function writePerson({ name, address }: Person): string {
  const nameXml = name === '' ? '' : `<t:Name>${escapeText(name)}</t:Name>`;
  const addressXml = address === '' ? '' : `<t:EmailAddress>${escapeText(address)}</t:EmailAddress>`;
  return `<t:Mailbox>${nameXml}${addressXml}${address.startsWith('/') ? '<t:RoutingType>EX</t:RoutingType>' : ''}</t:Mailbox>`;
}

/** One of the lists. A response that cannot be read is `unknown`. */
export function readAttendees(list: XmlElement, role: Attendee['role']): readonly Attendee[] {
  return children(list, typesNamespace, 'Attendee').map((element) => {
    const mailbox = child(element, typesNamespace, 'Mailbox');
    const respondedAt = childText(element, typesNamespace, 'LastResponseTime');
    return {
      ...(mailbox === null ? { name: '', address: '' } : readPerson(mailbox)),
      role,
      response: responseNamed(childText(element, typesNamespace, 'ResponseType')) ?? 'unknown',
      respondedAt: respondedAt === null ? null : (readTime(respondedAt) ?? null),
    };
  });
}

/** The content of one list. */
export function writeAttendees(attendees: readonly Attendee[]): string {
  return attendees
    .map((attendee) => {
      const { response, respondedAt } = attendee;
      const responded =
        respondedAt === null ? '' : `<t:LastResponseTime>${writeTime(respondedAt)}</t:LastResponseTime>`;
      return `<t:Attendee>${writePerson(attendee)}<t:ResponseType>${responseName(response)}</t:ResponseType>${responded}</t:Attendee>`;
    })
    .join('');
}
