import type { EwsVersion } from '../seams.ts';
import type { EwsBench, Reply } from './ews.fixture.ts';

/** Requests about appointments, for tests and for the table of refusals. */

/** Berlin, as the version says it. */
export const berlin = (version: EwsVersion): string =>
  version === '2007'
    ? '<t:MeetingTimeZone TimeZoneName="W. Europe Standard Time"/>'
    : '<t:StartTimeZone Id="W. Europe Standard Time"/><t:EndTimeZone Id="W. Europe Standard Time"/>';

export const createAppointment = (
  fields: string,
  attributes = ' SendMeetingInvitations="SendToNone"',
  folder = '<t:DistinguishedFolderId Id="calendar"/>',
): string =>
  `<m:CreateItem${attributes}><m:SavedItemFolderId>${folder}</m:SavedItemFolderId><m:Items><t:CalendarItem>${fields}</t:CalendarItem></m:Items></m:CreateItem>`;

export const getItems = (ids: string, paths = '', base = 'AllProperties'): string =>
  `<m:GetItem><m:ItemShape><t:BaseShape>${base}</t:BaseShape>${paths === '' ? '' : `<t:AdditionalProperties>${paths}</t:AdditionalProperties>`}</m:ItemShape><m:ItemIds>${ids}</m:ItemIds></m:GetItem>`;

export const field = (uri: string): string => `<t:FieldURI FieldURI="${uri}"/>`;
export const meetingProperty = (lid: number, type: string): string =>
  `<t:ExtendedFieldURI DistinguishedPropertySetId="Meeting" PropertyId="${lid}" PropertyType="${type}"/>`;
export const appointmentProperty = (lid: number, type: string): string =>
  `<t:ExtendedFieldURI DistinguishedPropertySetId="Appointment" PropertyId="${lid}" PropertyType="${type}"/>`;
export const extended = (path: string, value: string): string =>
  `<t:ExtendedProperty>${path}<t:Value>${value}</t:Value></t:ExtendedProperty>`;

export const itemId = (id: string): string => `<t:ItemId Id="${id}"/>`;

export const updateAppointment = (
  id: string,
  changes: readonly (readonly [uri: string, field: string])[],
  attributes = ' ConflictResolution="AlwaysOverwrite" SendMeetingInvitationsOrCancellations="SendToNone"',
): string =>
  `<m:UpdateItem${attributes}><m:ItemChanges><t:ItemChange>${id}<t:Updates>${changes
    .map(
      ([uri, xml]) =>
        `<t:SetItemField>${uri.startsWith('<') ? uri : field(uri)}<t:CalendarItem>${xml}</t:CalendarItem></t:SetItemField>`,
    )
    .join('')}</t:Updates></t:ItemChange></m:ItemChanges></m:UpdateItem>`;

export const deleteItem = (id: string, attributes = ' SendMeetingCancellations="SendToNone"'): string =>
  `<m:DeleteItem DeleteType="HardDelete"${attributes}><m:ItemIds>${id}</m:ItemIds></m:DeleteItem>`;

export const view = (from: string, to: string, attributes = ''): string =>
  `<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:AdditionalProperties>${field('item:Subject')}${field('calendar:Start')}${field('calendar:End')}${field('calendar:CalendarItemType')}</t:AdditionalProperties></m:ItemShape><m:CalendarView${attributes} StartDate="${from}" EndDate="${to}"/><m:ParentFolderIds><t:DistinguishedFolderId Id="calendar"/></m:ParentFolderIds></m:FindItem>`;

/** `2031-03-27T08:00:00Z weekly` of each item of a view. */
export const shown = (reply: Reply): readonly string[] =>
  reply
    .all('CalendarItem')
    .map((item) =>
      ['Start', 'Subject'].map((name) => item.children.find((inner) => inner.name === name)?.text ?? '').join(' '),
    );

export const idOf = (reply: Reply, name = 'ItemId'): string => reply.one(name).attributes.get('Id') ?? '';

/** Makes a request that has to succeed. */
export async function ok(ews: EwsBench, body: string, options: Parameters<EwsBench['call']>[1] = {}): Promise<Reply> {
  const reply = await ews.call(body, options);
  if (reply.codes.some((code) => code !== 'NoError')) throw new Error(`${reply.text.slice(0, 1500)}\n for ${body}`);
  return reply;
}

/** Every Thursday at nine in Berlin, six times, over the change to daylight saving on 30 March 2031. */
export const thursdays = (version: EwsVersion, more = ''): string =>
  createAppointment(
    `<t:Subject>weekly</t:Subject><t:Body BodyType="Text">agenda</t:Body>${more}<t:Start>2031-03-13T08:00:00Z</t:Start><t:End>2031-03-13T09:00:00Z</t:End><t:Location>Room 1</t:Location><t:Recurrence><t:WeeklyRecurrence><t:Interval>1</t:Interval><t:DaysOfWeek>Thursday</t:DaysOfWeek></t:WeeklyRecurrence><t:NumberedRecurrence><t:StartDate>2031-03-13</t:StartDate><t:NumberOfOccurrences>6</t:NumberOfOccurrences></t:NumberedRecurrence></t:Recurrence>${berlin(version)}`,
  );
