import { describe, expect, test } from 'vitest';
import { SteppingClock } from '#kit/stepping-clock.ts';
import { haveSchemas, validateEnvelope } from '#test/suites/ews-schema.ts';
import { EwsBench, type Reply } from '../ews/ews.fixture.ts';
import { ewsVersions } from '../seams.ts';
import { calendarRightsOf } from '../world/calendar-rights.ts';
import { windowsZone } from '../world/zone.ts';
import { isDelegatesCopy } from './attendant.ts';
import { Meetings } from './meetings.ts';
import { Person } from './person.ts';

function bench(version: (typeof ewsVersions)[number]) {
  const ews = new EwsBench(version, {
    clock: new SteppingClock(Date.UTC(2026, 2, 2, 8)),
    organizations: [
      { name: 'contoso', version, domain: 'contoso.test' },
      { name: 'fabrikam', version: '2016', domain: 'fabrikam.test' },
    ],
  });
  ews.onEnvelope = (kind, of, bytes) => {
    if (haveSchemas()) expect(validateEnvelope(of, bytes), `${kind} ${bytes.toString().slice(0, 3000)}`).toEqual([]);
  };
  const meetings = new Meetings(ews.world);
  const person = (at: number): Person => new Person(meetings, ews.mailbox(at));
  const away = ews.world.organization('fabrikam');
  const stranger = away.mailbox(away.mailboxes[0]?.address ?? '');
  if (stranger === null) throw new Error('no mailbox');
  return { ews, meetings, person, stranger };
}

/** Berlin, as Availability wants zones. */
const berlin =
  '<t:TimeZone><t:Bias>-60</t:Bias><t:StandardTime><t:Bias>0</t:Bias><t:Time>03:00:00</t:Time><t:DayOrder>5</t:DayOrder><t:Month>10</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek></t:StandardTime><t:DaylightTime><t:Bias>-60</t:Bias><t:Time>02:00:00</t:Time><t:DayOrder>5</t:DayOrder><t:Month>3</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek></t:DaylightTime></t:TimeZone>';
const ask = (
  addresses: readonly string[],
  from: string,
  to: string,
  view: string,
  minutes = 60,
  zone = berlin,
): string =>
  `<m:GetUserAvailabilityRequest>${zone}<m:MailboxDataArray>${addresses
    .map(
      (address) =>
        `<t:MailboxData><t:Email><t:Address>${address}</t:Address></t:Email><t:AttendeeType>Required</t:AttendeeType></t:MailboxData>`,
    )
    .join(
      '',
    )}</m:MailboxDataArray><t:FreeBusyViewOptions><t:TimeWindow><t:StartTime>${from}</t:StartTime><t:EndTime>${to}</t:EndTime></t:TimeWindow><t:MergedFreeBusyIntervalInMinutes>${minutes}</t:MergedFreeBusyIntervalInMinutes><t:RequestedView>${view}</t:RequestedView></t:FreeBusyViewOptions></m:GetUserAvailabilityRequest>`;
const day = (view: string, ...addresses: readonly string[]): string =>
  ask(addresses, '2026-03-09T00:00:00', '2026-03-10T00:00:00', view);
const texts = (reply: Reply, name: string): readonly string[] => reply.all(name).map(({ text }) => text);

describe.each(ewsVersions)('free/busy, %s', (version) => {
  test('shows the owner everything, and others only when', async () => {
    const { ews, person } = bench(version);
    person(0).book({
      subject: 'Dentist',
      startMs: Date.UTC(2026, 2, 9, 9, 30),
      endMs: Date.UTC(2026, 2, 9, 10, 30),
      location: 'Town',
    });
    person(0).book({
      subject: 'Maybe',
      startMs: Date.UTC(2026, 2, 9, 13),
      endMs: Date.UTC(2026, 2, 9, 14),
      busyStatus: 1,
    });
    const { address } = ews.mailbox(0);
    const own = await ews.call(day('DetailedMerged', address));
    expect(own.codes).toEqual(['NoError']);
    expect(texts(own, 'FreeBusyViewType')).toEqual(['DetailedMerged']);
    // 10:30 to 11:30 in Berlin: both hours are touched.
    expect(texts(own, 'MergedFreeBusy')).toEqual(['000000000022001000000000']);
    expect(texts(own, 'StartTime')).toEqual(['2026-03-09T10:30:00', '2026-03-09T14:00:00']);
    expect(texts(own, 'BusyType')).toEqual(['Busy', 'Tentative']);
    expect(texts(own, 'Subject')).toEqual(['Dentist', 'Maybe']);
    expect(texts(own, 'StartTimeInMinutes')).toEqual(['480']);
    const other = await ews.call(day('Detailed', address), { as: 1 });
    expect(texts(other, 'FreeBusyViewType')).toEqual(['FreeBusy']);
    expect(texts(other, 'EndTime')).toEqual(['2026-03-09T11:30:00', '2026-03-09T15:00:00']);
    expect(other.all('CalendarEventDetails')).toEqual([]);
    const merged = await ews.call(day('MergedOnly', address, ews.mailbox(1).address), { as: 1 });
    expect(texts(merged, 'MergedFreeBusy')).toEqual(['000000000022001000000000', '0'.repeat(24)]);
    expect(merged.all('CalendarEvent')).toEqual([]);
  });

  test('expands series over a change of the clock', async () => {
    const { ews, person } = bench(version);
    const zone = windowsZone('W. Europe Standard Time') ?? undefined;
    person(0).book({
      subject: 'Week',
      startMs: Date.UTC(2026, 2, 23, 8),
      endMs: Date.UTC(2026, 2, 23, 9),
      ...(zone === undefined ? {} : { zone }),
      recurrence: { pattern: { kind: 'weekly', interval: 1, days: [1], firstDay: 1 }, range: { kind: 'endless' } },
    });
    const reply = await ews.call(
      ask([ews.mailbox(0).address], '2026-03-20T00:00:00', '2026-04-10T00:00:00', 'FreeBusy'),
    );
    expect(texts(reply, 'StartTime')).toEqual(['2026-03-23T09:00:00', '2026-03-30T09:00:00', '2026-04-06T09:00:00']);
  });

  test('is opaque over organizations, and follows redirection', async () => {
    const { ews, meetings, stranger } = bench(version);
    new Person(meetings, stranger).book({
      subject: 'Secret',
      startMs: Date.UTC(2026, 2, 9, 11),
      endMs: Date.UTC(2026, 2, 9, 12),
    });
    calendarRightsOf(stranger.organization).setDefault(stranger.address, 'Reviewer');
    const far = await ews.call(day('DetailedMerged', stranger.address));
    expect(texts(far, 'FreeBusyViewType')).toEqual(['FreeBusyMerged']);
    expect(texts(far, 'MergedFreeBusy')).toEqual(['000000000000200000000000']);
    expect(far.all('WorkingHours')).toEqual([]);
    expect(far.text).not.toContain('Secret');
    ews.organization.mailFlow.setTargetAddress(ews.mailbox(2).address, stranger.address);
    const redirected = await ews.call(day('MergedOnly', ews.mailbox(2).address));
    expect(texts(redirected, 'MergedFreeBusy')).toEqual(['000000000000200000000000']);
  });

  test('keeps private appointments to themselves', async () => {
    const { ews, person } = bench(version);
    const { address } = ews.mailbox(0);
    person(0).book({
      subject: 'Private',
      startMs: Date.UTC(2026, 2, 9, 9),
      endMs: Date.UTC(2026, 2, 9, 10),
      sensitivity: 2,
    });
    calendarRightsOf(ews.organization).add(address, {
      address: ews.mailbox(1).address,
      level: 'Reviewer',
      receivesCopies: false,
      seesPrivate: false,
    });
    const seen = await ews.call(day('Detailed', address), { as: 1 });
    expect(texts(seen, 'FreeBusyViewType')).toEqual(['Detailed']);
    expect(texts(seen, 'IsPrivate')).toEqual(['true']);
    expect(seen.text).not.toContain('<t:Subject>');
  });

  test('refuses what Exchange refuses', async () => {
    const { ews } = bench(version);
    const { address } = ews.mailbox(0);
    const least = version === '2007' || version === '2010' ? 6 : 5;
    const cases: readonly (readonly [string, string])[] = [
      [ask([address], '2026-03-10T00:00:00', '2026-03-09T00:00:00', 'FreeBusy'), 'ErrorInvalidTimeInterval'],
      [ask([address], '2026-03-10T00:00:00', '2026-06-09T00:00:00', 'FreeBusy'), 'ErrorTimeIntervalTooBig'],
      [
        ask([address], '2026-03-09T00:00:00', '2026-03-10T00:00:00', 'MergedOnly', least - 1),
        'ErrorInvalidMergedFreeBusyInterval',
      ],
      [day('None', address), 'ErrorInvalidFreeBusyViewType'],
      // In 2007 the schema wants one.
      ...(version === '2007'
        ? []
        : [
            [
              ask([address], '2026-03-09T00:00:00', '2026-03-10T00:00:00', 'FreeBusy', 30, ''),
              'ErrorTimeZone',
            ] as const,
          ]),
    ];
    for (const [body, code] of cases) {
      const reply = await ews.call(body);
      expect([reply.status, reply.codes]).toEqual([500, [code]]);
    }
    const unknown = await ews.call(day('FreeBusy', 'nobody@contoso.test', address));
    expect(unknown.codes).toEqual(['ErrorMailRecipientNotFound', 'NoError']);
    calendarRightsOf(ews.organization).setDefault(address, 'None');
    expect((await ews.call(day('FreeBusy', address), { as: 1 })).codes).toEqual(['ErrorNoFreeBusyAccess']);
  });
});

describe.each(ewsVersions)('delegates, %s', (version) => {
  const add = (owner: string, delegate: string, level = 'Editor', copies = true): string =>
    `<m:AddDelegate><m:Mailbox><t:EmailAddress>${owner}</t:EmailAddress></m:Mailbox><m:DelegateUsers><t:DelegateUser><t:UserId><t:PrimarySmtpAddress>${delegate}</t:PrimarySmtpAddress></t:UserId><t:DelegatePermissions><t:CalendarFolderPermissionLevel>${level}</t:CalendarFolderPermissionLevel></t:DelegatePermissions><t:ReceiveCopiesOfMeetingMessages>${copies}</t:ReceiveCopiesOfMeetingMessages><t:ViewPrivateItems>false</t:ViewPrivateItems></t:DelegateUser></m:DelegateUsers><m:DeliverMeetingRequests>DelegatesAndMe</m:DeliverMeetingRequests></m:AddDelegate>`;

  test('are added once, listed, removed', async () => {
    const { ews } = bench(version);
    const [owner, delegate] = [ews.mailbox(0).address, ews.mailbox(1).address];
    expect((await ews.call(add(owner, delegate))).codes).toEqual(['NoError', 'NoError']);
    expect((await ews.call(add(owner, delegate))).codes).toEqual(['NoError', 'ErrorDelegateAlreadyExists']);
    expect((await ews.call(add(owner, owner))).codes).toEqual(['NoError', 'ErrorDelegateCannotAddOwner']);
    expect((await ews.call(add(owner, 'nobody@contoso.test'))).codes).toEqual(['NoError', 'ErrorDelegateNoUser']);
    const list = await ews.call(
      `<m:GetDelegate IncludePermissions="true"><m:Mailbox><t:EmailAddress>${owner}</t:EmailAddress></m:Mailbox></m:GetDelegate>`,
    );
    expect(texts(list, 'PrimarySmtpAddress')).toEqual([delegate]);
    expect(texts(list, 'DeliverMeetingRequests')).toEqual(['DelegatesAndMe']);
    const remove = `<m:RemoveDelegate><m:Mailbox><t:EmailAddress>${owner}</t:EmailAddress></m:Mailbox><m:UserIds><t:UserId><t:PrimarySmtpAddress>${delegate}</t:PrimarySmtpAddress></t:UserId></m:UserIds></m:RemoveDelegate>`;
    expect((await ews.call(remove)).codes).toEqual(['NoError', 'NoError']);
    expect((await ews.call(remove)).codes).toEqual(['NoError', 'ErrorNotDelegate']);
  });

  test('receive copies of requests, which do nothing to their own calendars', async () => {
    const { ews, person } = bench(version);
    const [owner, delegate] = [ews.mailbox(0), ews.mailbox(1)];
    await ews.call(add(owner.address, delegate.address));
    person(2).book({
      subject: 'Plan',
      startMs: Date.UTC(2026, 2, 9, 9),
      endMs: Date.UTC(2026, 2, 9, 10),
      attendees: [{ address: owner.address }],
    });
    const [copy] = [...delegate.folder('inbox').items()];
    expect(copy !== undefined && isDelegatesCopy(copy)).toBe(true);
    expect(delegate.folder('calendar').count).toBe(0);
    expect(owner.folder('calendar').count).toBe(1);
    expect(ews.world.outbox.map(({ cause }) => cause)).toEqual(['meeting-request', 'meeting-copy']);
    const read = await ews.call(
      '<m:FindItem Traversal="Shallow"><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape><m:ParentFolderIds><t:DistinguishedFolderId Id="inbox"/></m:ParentFolderIds></m:FindItem>',
      { as: 1 },
    );
    expect(texts(read, 'IsDelegated')).toEqual(['true']);
  });
});
