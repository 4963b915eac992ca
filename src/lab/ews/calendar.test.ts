import { describe, expect, test } from 'vitest';
import { haveSchemas, validateEnvelope } from '#test/suites/ews-schema.ts';
import { ewsVersions } from '../seams.ts';
import {
  appointmentProperty,
  berlin,
  createAppointment,
  deleteItem,
  extended,
  field,
  getItems,
  idOf,
  itemId,
  meetingProperty,
  ok,
  shown,
  thursdays,
  updateAppointment,
  view,
} from './calendar-requests.ts';
import { EwsBench } from './ews.fixture.ts';

const schemas = haveSchemas();

describe.each(ewsVersions)('calendar of Exchange %s', (version) => {
  const bench = (): EwsBench => {
    const ews = new EwsBench(version);
    if (schemas)
      ews.onEnvelope = (kind, v, bytes) =>
        expect(validateEnvelope(v, bytes), `${kind} ${bytes.toString().slice(0, 3000)}`).toEqual([]);
    return ews;
  };

  test('a single appointment comes back with what the server made of it', async () => {
    const ews = bench();
    const reply = await ok(
      ews,
      createAppointment(
        `<t:Subject>one</t:Subject><t:Body BodyType="HTML">&lt;p&gt;x&lt;/p&gt;</t:Body><t:Start>2031-05-06T10:00:42Z</t:Start><t:End>2031-05-06T11:30:00Z</t:End><t:LegacyFreeBusyStatus>Tentative</t:LegacyFreeBusyStatus><t:Location>Room 1</t:Location>`,
      ),
    );
    const shownNow = await ok(ews, getItems(itemId(idOf(reply))));
    const texts = Object.fromEntries(
      [
        'Start',
        'End',
        'LegacyFreeBusyStatus',
        'Location',
        'CalendarItemType',
        'IsMeeting',
        'MyResponseType',
        'Duration',
        'AppointmentState',
        'MeetingRequestWasSent',
        'IsRecurring',
        'ReminderIsSet',
        'ReminderMinutesBeforeStart',
        'IsDraft',
      ].map((name) => [name, shownNow.one(name).text]),
    );
    expect(texts).toEqual({
      Start: '2031-05-06T10:00:00Z',
      End: '2031-05-06T11:30:00Z',
      LegacyFreeBusyStatus: 'Tentative',
      Location: 'Room 1',
      CalendarItemType: 'Single',
      IsMeeting: 'false',
      MyResponseType: 'Organizer',
      Duration: 'PT1H30M',
      AppointmentState: '0',
      MeetingRequestWasSent: 'false',
      IsRecurring: 'false',
      ReminderIsSet: 'true',
      ReminderMinutesBeforeStart: '15',
      IsDraft: 'false',
    });
    expect(shownNow.all('Body').at(-1)?.text).toContain('<meta http-equiv');
    expect(shownNow.one('Organizer').children[0]?.children.map(({ text }) => text)).toContain(ews.mailbox().address);
  });

  test('a series keeps its wall time over the change of the clock', async () => {
    const ews = bench();
    await ok(ews, thursdays(version));
    expect(shown(await ok(ews, view('2031-03-01T00:00:00Z', '2031-06-01T00:00:00Z')))).toEqual([
      '2031-03-13T08:00:00Z weekly',
      '2031-03-20T08:00:00Z weekly',
      '2031-03-27T08:00:00Z weekly',
      '2031-04-03T07:00:00Z weekly',
      '2031-04-10T07:00:00Z weekly',
      '2031-04-17T07:00:00Z weekly',
    ]);
  });

  test('an occurrence that is updated becomes an exception; what it does not say shows through', async () => {
    const ews = bench();
    const master = idOf(await ok(ews, thursdays(version)));
    const before = (await ok(ews, getItems(itemId(master)))).one('ItemId').attributes.get('ChangeKey');
    const second = `<t:OccurrenceItemId RecurringMasterId="${master}" InstanceIndex="2"/>`;
    await ok(
      ews,
      updateAppointment(second, [
        ['item:Subject', '<t:Subject>moved</t:Subject>'],
        ['calendar:Start', '<t:Start>2031-03-21T12:00:00Z</t:Start>'],
        ['calendar:End', '<t:End>2031-03-21T13:00:00Z</t:End>'],
      ]),
    );
    await ok(ews, deleteItem(`<t:OccurrenceItemId RecurringMasterId="${master}" InstanceIndex="4"/>`));
    const read = await ok(ews, getItems(itemId(master)));
    expect(read.one('ItemId').attributes.get('ChangeKey')).not.toBe(before);
    expect(
      read
        .one('ModifiedOccurrences')
        .children[0]?.children.slice(1)
        .map(({ text }) => text),
    ).toEqual(['2031-03-21T12:00:00Z', '2031-03-21T13:00:00Z', '2031-03-20T08:00:00Z']);
    expect(read.one('DeletedOccurrences').children[0]?.children[0]?.text).toBe('2031-04-03T07:00:00Z');
    await ok(ews, updateAppointment(itemId(master), [['calendar:Location', '<t:Location>Room 2</t:Location>']]));
    const exception = await ok(ews, getItems(second));
    expect([exception.one('Subject').text, exception.one('Location').text]).toEqual(['moved', 'Room 2']);
    expect(exception.one('CalendarItemType').text).toBe('Exception');
    expect(exception.one('OriginalStart').text).toBe('2031-03-20T08:00:00Z');
    expect(shown(await ok(ews, view('2031-03-18T00:00:00Z', '2031-04-11T00:00:00Z')))).toEqual([
      '2031-03-21T12:00:00Z moved',
      '2031-03-27T08:00:00Z weekly',
      '2031-04-10T07:00:00Z weekly',
    ]);
    const gone = await ews.call(getItems(`<t:OccurrenceItemId RecurringMasterId="${master}" InstanceIndex="4"/>`));
    expect(gone.codes).toEqual(['ErrorCalendarOccurrenceIsDeletedFromRecurrence']);
  });

  test('attachments and attendees of an exception are its own', async () => {
    const ews = bench();
    const master = idOf(await ok(ews, thursdays(version)));
    const third = `<t:OccurrenceItemId RecurringMasterId="${master}" InstanceIndex="3"/>`;
    const id = idOf(await ok(ews, getItems(third, '', 'IdOnly')));
    const attached = await ok(
      ews,
      `<m:CreateAttachment><m:ParentItemId Id="${id}"/><m:Attachments><t:FileAttachment><t:Name>a.txt</t:Name><t:Content>aGVsbG8=</t:Content></t:FileAttachment></m:Attachments></m:CreateAttachment>`,
    );
    await ok(
      ews,
      updateAppointment(third, [
        [
          'calendar:RequiredAttendees',
          '<t:RequiredAttendees><t:Attendee><t:Mailbox><t:EmailAddress>a@x.test</t:EmailAddress></t:Mailbox></t:Attendee></t:RequiredAttendees>',
        ],
      ]),
    );
    const file = await ok(
      ews,
      `<m:GetAttachment><m:AttachmentIds><t:AttachmentId Id="${idOf(attached, 'AttachmentId')}"/></m:AttachmentIds></m:GetAttachment>`,
    );
    expect(file.one('Content').text).toBe('aGVsbG8=');
    const exception = await ok(ews, getItems(third));
    expect(exception.all('FileAttachment')).toHaveLength(1);
    expect(exception.all('Attendee')).toHaveLength(1);
    const read = await ok(ews, getItems(itemId(master)));
    expect([read.all('FileAttachment'), read.all('Attendee')]).toEqual([[], []]);
  });

  test.each([
    ['a new pattern', 'recurrence'],
    ['another time', 'time'],
  ])('%s wipes exceptions and deletions with all they had', async (_what, how) => {
    const ews = bench();
    const master = idOf(await ok(ews, thursdays(version)));
    const at = (index: number): string =>
      `<t:OccurrenceItemId RecurringMasterId="${master}" InstanceIndex="${index}"/>`;
    await ok(ews, updateAppointment(at(2), [['item:Subject', '<t:Subject>special</t:Subject>']]));
    await ok(ews, deleteItem(at(3)));
    await ok(
      ews,
      updateAppointment(
        itemId(master),
        how === 'recurrence'
          ? [
              [
                'calendar:Recurrence',
                '<t:Recurrence><t:DailyRecurrence><t:Interval>2</t:Interval></t:DailyRecurrence><t:NumberedRecurrence><t:StartDate>2031-03-13</t:StartDate><t:NumberOfOccurrences>3</t:NumberOfOccurrences></t:NumberedRecurrence></t:Recurrence>',
              ],
            ]
          : [
              ['calendar:Start', '<t:Start>2031-03-13T10:00:00Z</t:Start>'],
              ['calendar:End', '<t:End>2031-03-13T11:00:00Z</t:End>'],
            ],
      ),
    );
    const read = await ok(ews, getItems(itemId(master)));
    expect([...read.all('ModifiedOccurrences'), ...read.all('DeletedOccurrences')]).toEqual([]);
    expect(shown(await ok(ews, view('2031-03-10T00:00:00Z', '2031-03-22T00:00:00Z')))).toEqual(
      how === 'recurrence'
        ? ['2031-03-13T08:00:00Z weekly', '2031-03-15T08:00:00Z weekly', '2031-03-17T08:00:00Z weekly']
        : ['2031-03-13T10:00:00Z weekly', '2031-03-20T10:00:00Z weekly'],
    );
  });

  test('identity: UID and global object ids say the same, at creation and never after', async () => {
    const ews = bench();
    const uid =
      '040000008200E00074C5B7101A82E00800000000FB7128DC464BD40100000000000000001000000000112233445566778899AABBCCDDEEFF';
    const clean = Buffer.from(uid, 'hex').toString('base64');
    const paths = meetingProperty(3, 'Binary') + meetingProperty(35, 'Binary');
    const times = '<t:Start>2031-05-06T10:00:00Z</t:Start><t:End>2031-05-06T11:00:00Z</t:End>';
    const ways = [
      extended(meetingProperty(35, 'Binary'), clean) + times,
      extended(meetingProperty(3, 'Binary'), clean) + times,
      `<t:UID>${uid}</t:UID>${times}`,
    ];
    for (const way of ways) {
      const id = idOf(await ok(ews, createAppointment(way)));
      const read = await ok(ews, getItems(itemId(id), paths));
      expect(read.one('UID').text).toBe(uid);
      expect(read.all('Value').map(({ text }) => text)).toEqual([clean, clean]);
      const refused = await ews.call(updateAppointment(itemId(id), [['calendar:UID', '<t:UID>other</t:UID>']]));
      expect(refused.codes).toEqual(['ErrorInvalidPropertySet']);
    }
    // Whoever says both that do not belong together gets both.
    const wrong = Buffer.from(uid, 'hex').reverse().toString('base64');
    const both = extended(meetingProperty(3, 'Binary'), clean) + extended(meetingProperty(35, 'Binary'), wrong);
    const apart = idOf(await ok(ews, createAppointment(`${both}<t:UID>${uid}</t:UID>${times}`)));
    const said = await ok(ews, getItems(itemId(apart), paths));
    expect(said.all('Value').map(({ text }) => text)).toEqual([clean, wrong]);
    const foreign = idOf(await ok(ews, createAppointment(`<t:UID>abc-123@peer.test</t:UID>${times}`)));
    const read = await ok(ews, getItems(itemId(foreign), paths));
    expect(read.one('UID').text).toBe('abc-123@peer.test');
    expect(
      Buffer.from(read.all('Value')[0]?.text ?? '', 'base64')
        .subarray(40, 48)
        .toString(),
    ).toBe('vCal-Uid');
    const master = idOf(await ok(ews, thursdays(version)));
    const second = await ok(
      ews,
      getItems(`<t:OccurrenceItemId RecurringMasterId="${master}" InstanceIndex="2"/>`, paths),
    );
    const [full, cleaned] = second.all('Value').map(({ text }) => Buffer.from(text, 'base64'));
    expect(full?.subarray(16, 20).toString('hex')).toBe('07ef0314');
    expect(cleaned?.subarray(16, 20).toString('hex')).toBe('00000000');
  });

  test('the owner is the organizer, whatever a request says, and nobody is invited by SendToNone', async () => {
    const ews = bench();
    const fields = `${extended('<t:ExtendedFieldURI PropertyTag="0x0042" PropertyType="String"/>', 'Somebody Else')}${extended(
      appointmentProperty(0x8217, 'Integer'),
      '3',
    )}${extended(appointmentProperty(0x8218, 'Integer'), '3')}<t:Start>2031-05-06T10:00:00Z</t:Start><t:End>2031-05-06T11:00:00Z</t:End><t:RequiredAttendees><t:Attendee><t:Mailbox><t:EmailAddress>a@x.test</t:EmailAddress></t:Mailbox><t:ResponseType>Accept</t:ResponseType></t:Attendee></t:RequiredAttendees>`;
    const id = idOf(await ok(ews, createAppointment(fields)));
    const read = await ok(ews, getItems(itemId(id), appointmentProperty(0x8229, 'Boolean')));
    expect(read.one('Organizer').children[0]?.children.map(({ text }) => text)).toContain(ews.mailbox().address);
    expect(read.one('AppointmentState').text).toBe('3');
    expect(read.one('MyResponseType').text).toBe('Accept');
    expect(read.one('Value').text).toBe('false');
    expect(read.one('ResponseType').text).toBe('Unknown');
    expect(ews.world.outbox).toEqual([]);
  });

  test('a feed shows masters, without what only GetItem tells', async () => {
    const ews = bench();
    const master = idOf(await ok(ews, thursdays(version)));
    await ok(
      ews,
      updateAppointment(`<t:OccurrenceItemId RecurringMasterId="${master}" InstanceIndex="2"/>`, [
        ['item:Subject', '<t:Subject>special</t:Subject>'],
      ]),
    );
    const feed = await ok(
      ews,
      `<m:SyncFolderItems><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape><m:SyncFolderId><t:DistinguishedFolderId Id="calendar"/></m:SyncFolderId><m:MaxChangesReturned>100</m:MaxChangesReturned></m:SyncFolderItems>`,
    );
    expect(feed.all('CalendarItem')).toHaveLength(1);
    expect(feed.one('CalendarItemType').text).toBe('RecurringMaster');
    for (const name of ['Body', 'Recurrence', 'ModifiedOccurrences', 'DeletedOccurrences'])
      expect(feed.text, name).not.toContain(`<t:${name}`);
  });

  test('an all-day appointment covers whole days of its zone', async () => {
    const ews = bench();
    const id = idOf(
      await ok(
        ews,
        createAppointment(
          `<t:Start>2031-06-03T09:00:00+02:00</t:Start><t:End>2031-06-04T09:00:00+02:00</t:End><t:IsAllDayEvent>true</t:IsAllDayEvent>${berlin(version)}`,
        ),
      ),
    );
    const read = await ok(ews, getItems(itemId(id)));
    expect([read.one('Start').text, read.one('End').text, read.one('Duration').text]).toEqual([
      '2031-06-02T22:00:00Z',
      '2031-06-04T22:00:00Z',
      'P2D',
    ]);
  });

  test('a moved occurrence neither crosses its neighbours nor lies on their day', async () => {
    const ews = bench();
    const master = idOf(await ok(ews, thursdays(version)));
    const second = `<t:OccurrenceItemId RecurringMasterId="${master}" InstanceIndex="2"/>`;
    for (const day of ['2031-03-27', '2031-03-28', '2031-03-13', '2031-03-12']) {
      const reply = await ews.call(
        updateAppointment(second, [
          ['calendar:Start', `<t:Start>${day}T15:00:00Z</t:Start>`],
          ['calendar:End', `<t:End>${day}T16:00:00Z</t:End>`],
        ]),
      );
      expect(reply.codes, day).toEqual(['ErrorOccurrenceCrossingBoundary']);
    }
  });

  test('time zones of clients: a definition that is nobody’s is kept, with daylight saving of its own', async () => {
    const ews = bench();
    const zone =
      version === '2007'
        ? '<t:MeetingTimeZone TimeZoneName="Mine"><t:BaseOffset>PT180M</t:BaseOffset><t:Standard TimeZoneName="S"><t:Offset>PT0M</t:Offset><t:RelativeYearlyRecurrence><t:DaysOfWeek>Sunday</t:DaysOfWeek><t:DayOfWeekIndex>Third</t:DayOfWeekIndex><t:Month>March</t:Month></t:RelativeYearlyRecurrence><t:Time>00:00:00</t:Time></t:Standard><t:Daylight TimeZoneName="D"><t:Offset>-PT60M</t:Offset><t:RelativeYearlyRecurrence><t:DaysOfWeek>Sunday</t:DaysOfWeek><t:DayOfWeekIndex>First</t:DayOfWeekIndex><t:Month>October</t:Month></t:RelativeYearlyRecurrence><t:Time>00:00:00</t:Time></t:Daylight></t:MeetingTimeZone>'
        : '<t:StartTimeZone Id="Mine" Name="Mine"><t:Periods><t:Period Bias="PT3H" Name="Standard" Id="S"/><t:Period Bias="PT2H" Name="Daylight" Id="D"/></t:Periods><t:TransitionsGroups><t:TransitionsGroup Id="0"><t:RecurringDayTransition><t:To Kind="Period">D</t:To><t:TimeOffset>PT0H</t:TimeOffset><t:Month>10</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek><t:Occurrence>1</t:Occurrence></t:RecurringDayTransition><t:RecurringDayTransition><t:To Kind="Period">S</t:To><t:TimeOffset>PT0H</t:TimeOffset><t:Month>3</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek><t:Occurrence>3</t:Occurrence></t:RecurringDayTransition></t:TransitionsGroup></t:TransitionsGroups><t:Transitions><t:Transition><t:To Kind="Group">0</t:To></t:Transition></t:Transitions></t:StartTimeZone>';
    const id = idOf(
      await ok(
        ews,
        createAppointment(
          `<t:Subject>far</t:Subject><t:Start>2031-03-14T10:00:00Z</t:Start><t:End>2031-03-14T11:00:00Z</t:End><t:Recurrence><t:DailyRecurrence><t:Interval>1</t:Interval></t:DailyRecurrence><t:NumberedRecurrence><t:StartDate>2031-03-14</t:StartDate><t:NumberOfOccurrences>4</t:NumberOfOccurrences></t:NumberedRecurrence></t:Recurrence>${zone}`,
        ),
      ),
    );
    expect(
      shown(await ok(ews, view('2031-03-01T00:00:00Z', '2031-04-01T00:00:00Z'))).map((one) => one.slice(8, 16)),
    ).toEqual(['14T10:00', '15T10:00', '16T11:00', '17T11:00']);
    const uri = version === '2007' ? 'calendar:MeetingTimeZone' : 'calendar:StartTimeZone';
    const read = await ok(ews, getItems(itemId(id), field(uri), 'IdOnly'));
    const [found] = read.all(version === '2007' ? 'MeetingTimeZone' : 'StartTimeZone');
    expect(found?.attributes.get(version === '2007' ? 'TimeZoneName' : 'Id')).toBe('Mine');
    expect(found?.children.length).toBeGreaterThan(1);
  });
});

describe.each(ewsVersions)('PidLidAppointmentRecur of Exchange %s', (version) => {
  const recur = appointmentProperty(0x8216, 'Binary');
  const blobOf = async (ews: EwsBench, id: string): Promise<string> =>
    (await ok(ews, getItems(itemId(id), recur, 'IdOnly'))).all('Value').at(-1)?.text ?? '';
  const march = view('2031-03-01T00:00:00Z', '2031-05-05T00:00:00Z');

  test('shows the series with its exceptions, and makes another one the same', async () => {
    const ews = new EwsBench(version);
    const master = idOf(await ok(ews, thursdays(version)));
    const at = (index: number): string =>
      `<t:OccurrenceItemId RecurringMasterId="${master}" InstanceIndex="${index}"/>`;
    await ok(ews, updateAppointment(at(2), [['item:Subject', '<t:Subject>special</t:Subject>']]));
    await ok(ews, deleteItem(at(3)));
    const before = shown(await ok(ews, march));
    expect(before).toHaveLength(5);
    const blob = await blobOf(ews, master);
    const copy = idOf(
      await ok(
        ews,
        createAppointment(
          `<t:Subject>weekly</t:Subject>${extended(recur, blob)}<t:Start>2031-03-13T08:00:00Z</t:Start><t:End>2031-03-13T09:00:00Z</t:End>${berlin(version)}`,
        ),
      ),
    );
    expect(await blobOf(ews, copy)).toBe(blob);
    await ok(ews, deleteItem(itemId(master)));
    expect(shown(await ok(ews, march))).toEqual(before);
  });

  test('bytes that are no series are refused; a single appointment has none', async () => {
    const ews = new EwsBench(version);
    const times = '<t:Start>2031-03-13T08:00:00Z</t:Start><t:End>2031-03-13T09:00:00Z</t:End>';
    const refused = await ews.call(createAppointment(`<t:Subject>x</t:Subject>${extended(recur, 'AAAA')}${times}`));
    expect(refused.codes).toEqual(['ErrorCalendarInvalidRecurrence']);
    expect(await blobOf(ews, idOf(await ok(ews, createAppointment(`<t:Subject>x</t:Subject>${times}`))))).toBe('');
  });
});

describe.each(ewsVersions.filter((one) => one !== '2007'))('streams of Exchange %s', (version) => {
  test('that are no streams, or break off, are refused', async () => {
    const ews = new EwsBench(version);
    const single = idOf(await ok(ews, thursdays(version)));
    const exported = await ok(ews, `<m:ExportItems><m:ItemIds>${itemId(single)}</m:ItemIds></m:ExportItems>`);
    const whole = Buffer.from(exported.one('Data').text, 'base64');
    const folder = idOf(
      await ok(
        ews,
        '<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:FolderIds><t:DistinguishedFolderId Id="calendar"/></m:FolderIds></m:GetFolder>',
      ),
      'FolderId',
    );
    const upload = async (bytes: Buffer): Promise<readonly string[]> =>
      (
        await ews.call(
          `<m:UploadItems><m:Items><t:Item CreateAction="CreateNew"><t:ParentFolderId Id="${folder}"/><t:Data>${bytes.toString('base64')}</t:Data></t:Item></m:Items></m:UploadItems>`,
        )
      ).codes;
    expect(await upload(whole)).toEqual(['NoError']);
    for (const bytes of [
      Buffer.alloc(0),
      Buffer.from('no stream at all'),
      whole.subarray(0, -1),
      whole.subarray(0, 200),
    ])
      expect(await upload(bytes)).toEqual(['ErrorCorruptData']);
  });

  test('carry a series whole: exceptions, deletions, zones, attachments, organizer', async () => {
    const ews = new EwsBench(version);
    const master = idOf(await ok(ews, thursdays(version)));
    const at = (index: number): string =>
      `<t:OccurrenceItemId RecurringMasterId="${master}" InstanceIndex="${index}"/>`;
    await ok(ews, updateAppointment(at(2), [['item:Subject', '<t:Subject>special</t:Subject>']]));
    await ok(ews, deleteItem(at(3)));
    const exported = await ok(ews, `<m:ExportItems><m:ItemIds>${itemId(master)}</m:ItemIds></m:ExportItems>`);
    const folder = idOf(
      await ok(
        ews,
        '<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:FolderIds><t:DistinguishedFolderId Id="calendar"/></m:FolderIds></m:GetFolder>',
        { as: 1 },
      ),
      'FolderId',
    );
    const uploaded = await ok(
      ews,
      `<m:UploadItems><m:Items><t:Item CreateAction="CreateNew"><t:ParentFolderId Id="${folder}"/><t:Data>${exported.one('Data').text}</t:Data></t:Item></m:Items></m:UploadItems>`,
      { as: 1 },
    );
    const read = await ok(ews, getItems(itemId(idOf(uploaded))), { as: 1 });
    expect(read.one('Organizer').children[0]?.children.map(({ text }) => text)).toContain(ews.mailbox(0).address);
    expect(shown(await ok(ews, view('2031-03-01T00:00:00Z', '2031-04-05T00:00:00Z'), { as: 1 }))).toEqual(
      shown(await ok(ews, view('2031-03-01T00:00:00Z', '2031-04-05T00:00:00Z'))),
    );
    expect(read.one('UID').text).toBe((await ok(ews, getItems(itemId(master)))).one('UID').text);
  });
});

describe.each(ewsVersions)('iCalendar of Exchange %s', (version) => {
  const exported = async (ews: EwsBench, id: string): Promise<string> =>
    Buffer.from(
      (
        await ok(
          ews,
          `<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape><t:IncludeMimeContent>true</t:IncludeMimeContent></m:ItemShape><m:ItemIds>${itemId(id)}</m:ItemIds></m:GetItem>`,
        )
      ).one('MimeContent').text,
      'base64',
    )
      .toString()
      .replaceAll('\r\n ', '');

  test('shows a series with its exceptions; taken in again it has lost attendees and exceptions', async () => {
    const ews = new EwsBench(version);
    const attendees =
      '<t:RequiredAttendees><t:Attendee><t:Mailbox><t:EmailAddress>a@x.test</t:EmailAddress></t:Mailbox></t:Attendee></t:RequiredAttendees>';
    const master = idOf(await ok(ews, thursdays(version)));
    await ok(ews, updateAppointment(itemId(master), [['calendar:RequiredAttendees', attendees]]));
    await ok(
      ews,
      updateAppointment(`<t:OccurrenceItemId RecurringMasterId="${master}" InstanceIndex="2"/>`, [
        ['item:Subject', '<t:Subject>special</t:Subject>'],
      ]),
    );
    const text = await exported(ews, master);
    for (const line of [
      'RRULE:FREQ=WEEKLY;COUNT=6;INTERVAL=1;BYDAY=TH',
      'DTSTART;TZID=W. Europe Standard Time:20310313T090000',
      'ATTENDEE;ROLE=REQ-PARTICIPANT',
      'RECURRENCE-ID;TZID=W. Europe Standard Time:20310320T090000',
      'SUMMARY;LANGUAGE=en-US:special',
      'TZOFFSETTO:+0200',
    ])
      expect(text).toContain(line);
    const again = idOf(
      await ok(ews, createAppointment(`<t:MimeContent>${Buffer.from(text).toString('base64')}</t:MimeContent>`)),
    );
    const read = await ok(ews, getItems(itemId(again)));
    expect([...read.all('Attendee'), ...read.all('ModifiedOccurrences')]).toEqual([]);
    expect([read.one('Subject').text, read.one('IsMeeting').text, read.one('Location').text]).toEqual([
      'weekly',
      'false',
      'Room 1',
    ]);
    expect([read.one('NumberOfOccurrences').text, read.one('DaysOfWeek').text]).toEqual(['6', 'Thursday']);
  });
});

test('occurrences of a series within spans of time, from 2013 on', async () => {
  const ews = new EwsBench('2016');
  const master = idOf(await ok(ews, thursdays('2016')));
  const ranges = (attributes: string): string =>
    getItems(
      `<t:RecurringMasterItemIdRanges Id="${master}"><t:Ranges><t:Range ${attributes}/></t:Ranges></t:RecurringMasterItemIdRanges>`,
    );
  const span = await ok(ews, ranges('Start="2031-03-20T00:00:00Z" End="2031-04-04T00:00:00Z"'));
  expect(shown(span).map((one) => one.slice(0, 10))).toEqual(['2031-03-20', '2031-03-27', '2031-04-03']);
  const two = await ok(ews, ranges('Start="2031-03-20T00:00:00Z" End="2032-01-01T00:00:00Z" Count="2"'));
  expect(shown(two).map((one) => one.slice(0, 10))).toEqual(['2031-03-20', '2031-03-27']);
});
