import { describe, expect, test } from 'vitest';
import { SteppingClock } from '#kit/stepping-clock.ts';
import { haveSchemas, validateEnvelope } from '#test/suites/ews-schema.ts';
import { berlin, createAppointment, field, getItems, itemId, updateAppointment } from '../ews/calendar-requests.ts';
import { EwsBench, type Reply } from '../ews/ews.fixture.ts';
import { ewsVersions } from '../seams.ts';
import { Meetings } from './meetings.ts';

function bench(version: (typeof ewsVersions)[number]) {
  const clock = new SteppingClock(Date.UTC(2026, 2, 2, 8));
  const ews = new EwsBench(version, { clock });
  ews.onEnvelope = (kind, of, bytes) => {
    if (haveSchemas()) expect(validateEnvelope(of, bytes), `${kind} ${bytes.toString().slice(0, 3000)}`).toEqual([]);
  };
  return { ews, clock, meetings: new Meetings(ews.world), ana: ews.mailbox(0), ben: ews.mailbox(1) };
}

const attendee = (address: string): string =>
  `<t:RequiredAttendees><t:Attendee><t:Mailbox><t:EmailAddress>${address}</t:EmailAddress></t:Mailbox></t:Attendee></t:RequiredAttendees>`;
const times = (day: string, from = '10:00', to = '11:00'): string =>
  `<t:Start>2026-03-${day}T${from}:00Z</t:Start><t:End>2026-03-${day}T${to}:00Z</t:End>`;
const idOf = (reply: Reply, element = 'ItemId'): string => reply.one(element).attributes.get('Id') ?? '';
const changeKeyOf = (reply: Reply, element = 'ItemId'): string => reply.one(element).attributes.get('ChangeKey') ?? '';
const sendToAll = ' SendMeetingInvitations="SendToAllAndSaveCopy"';
const textOf = (reply: Reply, name: string): string => reply.one(name).text;

const inboxOf = async (ews: EwsBench, as: number): Promise<Reply> =>
  await ews.call(
    '<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape><m:ParentFolderIds><t:DistinguishedFolderId Id="inbox"/></m:ParentFolderIds></m:FindItem>',
    { as },
  );
const answer = (kind: string, reply: Reply, element = 'ItemId'): string =>
  `<m:CreateItem MessageDisposition="SendAndSaveCopy"><m:Items><t:${kind}><t:ReferenceItemId Id="${idOf(reply, element)}" ChangeKey="${changeKeyOf(reply, element)}"/></t:${kind}></m:Items></m:CreateItem>`;

describe.each(ewsVersions)('meetings over EWS, %s', (version) => {
  test('a request is sent, shown, accepted and tracked', async () => {
    const { ews, ben } = bench(version);
    const made = await ews.call(
      createAppointment(
        `<t:Subject>Plan</t:Subject>${times('09')}<t:Location>Room 1</t:Location>${attendee(ben.address)}${berlin(version)}`,
        sendToAll,
      ),
    );
    expect(made.codes).toEqual(['NoError']);
    expect(ews.world.outbox.map(({ cause, doing }) => [cause, doing])).toEqual([['meeting-request', 'person']]);
    const inbox = await inboxOf(ews, 1);
    const request = await ews.call(getItems(itemId(idOf(inbox))), { as: 1 });
    expect(request.one('MeetingRequest').name).toBe('MeetingRequest');
    expect(textOf(request, 'MeetingRequestType')).toBe('NewMeetingRequest');
    expect(textOf(request, 'ResponseType')).toBe('NoResponseReceived');
    expect(textOf(request, 'Start')).toBe('2026-03-09T10:00:00Z');
    expect(textOf(request, 'Location')).toBe('Room 1');
    expect(request.all('AcceptItem')).toHaveLength(1);
    const copy = await ews.call(getItems(itemId(idOf(request, 'AssociatedCalendarItemId'))), { as: 1 });
    expect(textOf(copy, 'MyResponseType')).toBe('NoResponseReceived');
    expect(textOf(copy, 'LegacyFreeBusyStatus')).toBe('Tentative');
    expect(textOf(copy, 'AppointmentState')).toBe('3');
    const accepted = await ews.call(answer('AcceptItem', request), { as: 1 });
    expect(accepted.codes).toEqual(['NoError']);
    const organizers = await ews.call(getItems(itemId(idOf(made))));
    expect(textOf(organizers, 'MeetingRequestWasSent')).toBe('true');
    expect(textOf(organizers, 'ResponseType')).toBe('Accept');
    const answered = await ews.call(getItems(itemId(idOf(await inboxOf(ews, 0)))));
    expect(textOf(answered, 'ItemClass')).toBe('IPM.Schedule.Meeting.Resp.Pos');
    expect(textOf(answered, 'ResponseType')).toBe('Accept');
    // The request is done with.
    expect((await inboxOf(ews, 1)).all('MeetingRequest')).toHaveLength(0);
  });

  test('an update keeps the identity, raises the sequence, and a cancellation leaves a cancelled copy', async () => {
    const { ews, clock, ben } = bench(version);
    const made = await ews.call(
      createAppointment(
        `<t:Subject>Plan</t:Subject>${times('09')}${attendee(ben.address)}${berlin(version)}`,
        sendToAll,
      ),
    );
    clock.advance(3_600_000);
    const current = await ews.call(getItems(itemId(idOf(made))));
    const updated = await ews.call(
      updateAppointment(
        `<t:ItemId Id="${idOf(current)}" ChangeKey="${changeKeyOf(current)}"/>`,
        [
          ['calendar:Start', '<t:Start>2026-03-10T12:00:00Z</t:Start>'],
          ['calendar:End', '<t:End>2026-03-10T13:00:00Z</t:End>'],
        ],
        ' ConflictResolution="AlwaysOverwrite" SendMeetingInvitationsOrCancellations="SendToAllAndSaveCopy"',
      ),
    );
    expect(updated.codes).toEqual(['NoError']);
    const inbox = await inboxOf(ews, 1);
    expect(inbox.all('MeetingRequest')).toHaveLength(1);
    const request = await ews.call(getItems(itemId(idOf(inbox))), { as: 1 });
    expect(textOf(request, 'MeetingRequestType')).toBe('FullUpdate');
    const copyId = idOf(request, 'AssociatedCalendarItemId');
    const copy = await ews.call(getItems(itemId(copyId)), { as: 1 });
    expect(textOf(copy, 'Start')).toBe('2026-03-10T12:00:00Z');
    expect(textOf(copy, 'AppointmentSequenceNumber')).toBe('1');
    const mine = await ews.call(getItems(itemId(idOf(made)), field('calendar:UID')));
    const theirs = await ews.call(getItems(itemId(copyId), field('calendar:UID')), { as: 1 });
    expect(textOf(theirs, 'UID')).toBe(textOf(mine, 'UID'));
    clock.advance(3_600_000);
    const cancelled = await ews.call(answer('CancelCalendarItem', mine));
    expect(cancelled.codes).toEqual(['NoError']);
    const gone = await ews.call(getItems(itemId(copyId)), { as: 1 });
    expect(textOf(gone, 'IsCancelled')).toBe('true');
    expect(textOf(gone, 'Subject')).toBe('Canceled: Plan');
    const cancellation = await ews.call(getItems(itemId(idOf(await inboxOf(ews, 1)))), { as: 1 });
    expect(textOf(cancellation, 'ItemClass')).toBe('IPM.Schedule.Meeting.Canceled');
    const removed = await ews.call(answer('RemoveItem', cancellation), { as: 1 });
    expect(removed.codes).toEqual(['NoError']);
    expect((await ews.call(getItems(itemId(copyId)), { as: 1 })).codes).toEqual(['ErrorItemNotFound']);
  });

  test('an update of one occurrence answers the change key that the series has after it was sent', async () => {
    const { ews, clock, ben } = bench(version);
    const series =
      '<t:Recurrence><t:WeeklyRecurrence><t:Interval>1</t:Interval><t:DaysOfWeek>Monday</t:DaysOfWeek></t:WeeklyRecurrence><t:NumberedRecurrence><t:StartDate>2026-03-09</t:StartDate><t:NumberOfOccurrences>4</t:NumberOfOccurrences></t:NumberedRecurrence></t:Recurrence>';
    const made = await ews.call(
      createAppointment(
        `<t:Subject>Week</t:Subject>${times('09')}${attendee(ben.address)}${series}${berlin(version)}`,
        sendToAll,
      ),
    );
    clock.advance(3_600_000);
    const second = `<t:OccurrenceItemId RecurringMasterId="${idOf(made)}" InstanceIndex="2"/>`;
    const occurrence = await ews.call(getItems(second));
    const attributes =
      ' ConflictResolution="NeverOverwrite" SendMeetingInvitationsOrCancellations="SendToAllAndSaveCopy"';
    const change = (of: Reply, location: string): string =>
      updateAppointment(
        `<t:ItemId Id="${idOf(of)}" ChangeKey="${changeKeyOf(of)}"/>`,
        [['calendar:Location', `<t:Location>${location}</t:Location>`]],
        attributes,
      );
    const first = await ews.call(change(occurrence, 'Room 2'));
    expect(first.codes).toEqual(['NoError']);
    expect((await ews.call(change(first, 'Room 3'))).codes).toEqual(['NoError']);
  });

  test('an account that works for others is told apart from people', async () => {
    const { ews, ana, ben } = bench(version);
    const header = `<t:ExchangeImpersonation><t:ConnectingSID><t:PrimarySmtpAddress>${ana.address}</t:PrimarySmtpAddress></t:ConnectingSID></t:ExchangeImpersonation>`;
    const made = await ews.call(
      createAppointment(
        `<t:Subject>Plan</t:Subject>${times('09')}${attendee(ben.address)}${berlin(version)}`,
        sendToAll,
      ),
      { as: ews.admin, header },
    );
    expect(made.codes).toEqual(['NoError']);
    expect(ews.world.outbox.map(({ cause, doing, through }) => [cause, doing, through])).toEqual([
      ['meeting-request', 'api', null],
    ]);
  });

  test('refuses answers that do not go with the item', async () => {
    const { ews, ben } = bench(version);
    const made = await ews.call(
      createAppointment(
        `<t:Subject>Plan</t:Subject>${times('09')}${attendee(ben.address)}${berlin(version)}`,
        sendToAll,
      ),
    );
    const mine = await ews.call(getItems(itemId(idOf(made))));
    expect((await ews.call(answer('AcceptItem', mine))).codes).toEqual(['ErrorInvalidOperation']);
    expect((await ews.call(answer('RemoveItem', mine))).codes).toEqual(['ErrorInvalidOperation']);
    const request = await ews.call(getItems(itemId(idOf(await inboxOf(ews, 1)))), { as: 1 });
    expect((await ews.call(answer('CancelCalendarItem', request), { as: 1 })).codes).toEqual(['ErrorInvalidOperation']);
  });
});
