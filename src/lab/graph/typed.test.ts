import { beforeAll, describe, expect, test } from 'vitest';
import { letSend } from '#test/no-mail/labs.ts';
import { GraphBench, type JsonObject } from './graph.fixture.ts';

const berlin = 'W. Europe Standard Time';
const zoned = (dateTime: string, timeZone = berlin) => ({ dateTime, timeZone });

const settingsWriter = { clientId: 'aaaaaaaa-0000-4000-8000-000000000001', secret: 'writes settings' };

let graph: GraphBench;
beforeAll(() => {
  const { clientId, secret } = settingsWriter;
  const applications = [{ clientId, secrets: [secret], certificates: [], roles: ['MailboxSettings.ReadWrite'] }];
  graph = new GraphBench({ applications }, { typed: { appointment: 60, contact: 30, task: 30, note: 10 } });
  letSend(graph.lab);
});

describe('contacts', () => {
  const full = {
    givenName: 'Ada',
    surname: 'Lovelace',
    companyName: 'Engines & Söhne',
    emailAddresses: [
      { name: 'Ada', address: 'ada@x.test' },
      { name: 'Work', address: 'ada@work.test' },
    ],
    businessPhones: ['+1', '+2'],
    mobilePhone: '+3',
    homeAddress: { street: 'One Way', city: 'London', postalCode: 'W1', countryOrRegion: 'UK' },
    birthday: '1815-12-10T00:00:00Z',
    children: ['A', 'B'],
    categories: ['Red'],
    personalNotes: 'first programmer',
  };

  test('keep what they are given, and MAPI says the same', async () => {
    const made = await graph.ok('POST', `${graph.user}/contacts`, { json: full });
    const { homeAddress, ...rest } = full;
    expect(made.json).toMatchObject({ ...rest, homeAddress, displayName: 'Ada Lovelace', fileAs: 'Lovelace, Ada' });
    const expand = encodeURIComponent(
      "singleValueExtendedProperties($filter=id eq 'String 0x3A06' or id eq 'String {00062004-0000-0000-C000-000000000046} Id 0x8093')",
    );
    const read = await graph.ok('GET', `${graph.user}/contacts/${made.json['id']}?$select=id&$expand=${expand}`);
    expect(read.json['singleValueExtendedProperties']).toEqual([
      { id: 'String 0x3A06', value: 'Ada' },
      { id: 'String {00062004-0000-0000-C000-000000000046} Id 0x8093', value: 'ada@work.test' },
    ]);
    const changed = await graph.ok('PATCH', `${graph.user}/contacts/${made.json['id']}`, {
      json: { emailAddresses: [], nickName: 'Countess' },
    });
    expect(changed.json).toMatchObject({ emailAddresses: [], nickName: 'Countess', mobilePhone: '+3' });
  });

  test('are told of by their feed, in folders of their own, too', async () => {
    const folder = await graph.ok('POST', `${graph.user}/contactFolders`, { json: { displayName: 'Friends' } });
    const path = `${graph.user}/contactFolders/${folder.json['id']}/contacts`;
    const empty = await graph.all(`${path}/delta`);
    expect(empty.entries).toEqual([]);
    const made = await graph.ok('POST', path, { json: { displayName: 'X' } });
    const first = await graph.all(empty.delta ?? '');
    expect(first.entries).toEqual([expect.objectContaining({ id: made.json['id'], displayName: 'X' })]);
    await graph.ok('DELETE', `${graph.user}/contacts/${made.json['id']}`);
    expect((await graph.all(first.delta ?? '')).entries).toEqual([
      expect.objectContaining({ id: made.json['id'], '@removed': { reason: 'deleted' } }),
    ]);
    expect((await graph.all(`${graph.user}/contacts?$top=50`)).entries.length).toBe(
      graph.mailbox.folder('contacts').count,
    );
  });
});

describe('tasks', () => {
  test('are written, completed and told of', async () => {
    const lists = await graph.all(`${graph.user}/todo/lists`);
    const [list] = lists.entries.filter(({ wellknownListName }) => wellknownListName === 'defaultList');
    const path = `${graph.user}/todo/lists/${list?.['id']}/tasks`;
    const before = await graph.all(`${path}/delta`, { headers: { prefer: 'odata.maxpagesize=50' } });
    expect(before.entries.length).toBe(graph.mailbox.folder('tasks').count);
    const made = await graph.ok('POST', path, {
      json: { title: 'Do it', dueDateTime: zoned('2031-05-01T00:00:00', 'UTC'), importance: 'high' },
    });
    expect(made.json).toMatchObject({ title: 'Do it', status: 'notStarted', importance: 'high' });
    await graph.ok('PATCH', `${path}/${made.json['id']}`, { json: { status: 'completed' } });
    const after = await graph.all(before.delta ?? '');
    expect(after.entries).toEqual([
      expect.objectContaining({ status: 'completed', dueDateTime: zoned('2031-05-01T00:00:00.0000000', 'UTC') }),
    ]);
    expect((await graph.call('PATCH', `${path}/${made.json['id']}`, { json: { recurrence: {} } })).status).toBe(400);
  });
});

const weekly = {
  subject: 'weekly',
  body: { contentType: 'text', content: 'agenda' },
  start: zoned('2031-03-13T09:00:00'),
  end: zoned('2031-03-13T10:00:00'),
  location: { displayName: 'Room 1' },
  recurrence: {
    pattern: { type: 'weekly', interval: 1, daysOfWeek: ['thursday'], firstDayOfWeek: 'monday' },
    range: { type: 'numbered', startDate: '2031-03-13', numberOfOccurrences: 6 },
  },
};
const window = 'startDateTime=2031-03-01T00:00:00Z&endDateTime=2031-05-01T00:00:00Z';
const starts = (entries: readonly JsonObject[]): readonly unknown[] =>
  entries.map(({ start }) => (start as { readonly dateTime: string }).dateTime.slice(0, 16));

describe('events', () => {
  test('that are plain send nothing, and repeat over the change to daylight saving', async () => {
    const sent = graph.lab.outbox.length;
    const calendar = await graph.ok('POST', `${graph.user}/calendars`, { json: { name: 'Plain' } });
    const path = `${graph.user}/calendars/${calendar.json['id']}`;
    const feed = await graph.all(`${path}/events/delta`);
    const viewFeed = await graph.all(`${path}/calendarView/delta?${window}`);
    expect([feed.entries, viewFeed.entries]).toEqual([[], []]);
    const made = await graph.ok('POST', `${path}/events`, { json: weekly });
    expect(made.json).toMatchObject({ type: 'seriesMaster', isOrganizer: true, originalStartTimeZone: berlin });
    const event = `${graph.user}/events/${made.json['id']}`;
    const view = await graph.all(`${path}/calendarView?${window}`);
    expect(starts(view.entries)).toEqual([
      '2031-03-13T08:00',
      '2031-03-20T08:00',
      '2031-03-27T08:00',
      '2031-04-03T07:00',
      '2031-04-10T07:00',
      '2031-04-17T07:00',
    ]);
    const [, second, third] = (await graph.all(`${event}/instances?${window}`)).entries;
    await graph.ok('PATCH', `${graph.user}/events/${second?.['id']}`, {
      json: { start: zoned('2031-03-20T14:00:00'), end: zoned('2031-03-20T15:00:00'), subject: 'moved' },
    });
    await graph.ok('DELETE', `${graph.user}/events/${third?.['id']}`);
    const read = await graph.ok('GET', `${event}?$select=subject,cancelledOccurrences&$expand=exceptionOccurrences`);
    expect(read.json['cancelledOccurrences']).toEqual([`OID.${made.json['id']}.2031-03-27`]);
    expect(read.json['exceptionOccurrences']).toEqual([
      expect.objectContaining({ subject: 'moved', type: 'exception' }),
    ]);
    const inZone = await graph.ok('GET', `${graph.user}/events/${second?.['id']}`, {
      headers: { prefer: `outlook.timezone="${berlin}"` },
    });
    expect(inZone.json['start']).toEqual({ dateTime: '2031-03-20T14:00:00.0000000', timeZone: berlin });
    // Without a window the series, with one everything inside.
    expect((await graph.all(feed.delta ?? '')).entries.map(({ type }) => type)).toEqual(['seriesMaster']);
    const changes = (await graph.all(viewFeed.delta ?? '')).entries;
    expect(changes.map(({ type }) => type)).toEqual([
      'seriesMaster',
      'occurrence',
      'exception',
      'occurrence',
      'occurrence',
      'occurrence',
      undefined,
    ]);
    expect(changes[6]).toMatchObject({ id: third?.['id'], '@removed': { reason: 'deleted' } });
    // A new pattern wipes what was changed.
    await graph.ok('PATCH', event, {
      json: { recurrence: { ...weekly.recurrence, pattern: { ...weekly.recurrence.pattern, interval: 2 } } },
    });
    const after = await graph.ok('GET', `${event}?$select=cancelledOccurrences&$expand=exceptionOccurrences`);
    expect([after.json['cancelledOccurrences'], after.json['exceptionOccurrences']]).toEqual([[], []]);
    expect(graph.lab.outbox.length).toBe(sent);
  });

  test('with attendees send mail when they are made, changed and deleted', async () => {
    const sent = (): readonly string[] => graph.lab.outbox.slice(known).map(({ cause }) => cause);
    let known = graph.lab.outbox.length;
    const attendees = [{ emailAddress: { address: 'guest@partner.test', name: 'Guest' }, type: 'required' }];
    const made = await graph.ok('POST', `${graph.user}/events`, { json: { ...weekly, recurrence: null, attendees } });
    expect(sent()).toEqual(['meeting-request']);
    known = graph.lab.outbox.length;
    await graph.ok('PATCH', `${graph.user}/events/${made.json['id']}`, { json: { location: { displayName: 'R2' } } });
    expect(sent()).toEqual(['meeting-update']);
    known = graph.lab.outbox.length;
    await graph.ok('DELETE', `${graph.user}/events/${made.json['id']}`);
    expect(sent()).toEqual(['meeting-cancellation']);
    expect(graph.lab.outbox.every(({ doing }) => doing === 'api')).toBe(true);
  });

  test('that are imported send nothing, and a meeting goes away silently under a plain appointment', async () => {
    const sent = graph.lab.outbox.length;
    const meetings = [...graph.mailbox.folder('calendar').items()].filter(
      ({ content }) => (content.calendar?.attendees.length ?? 0) > 0,
    );
    expect(meetings.length).toBeGreaterThan(2);
    const settings = await graph.ok('GET', `${graph.user}/settings/exchange`);
    const mailboxId = String(settings.json['primaryMailboxId']);
    const session = await graph.ok('POST', `/v1.0/admin/exchange/mailboxes/${mailboxId}/createImportSession`);
    const listed = await graph.all(`${graph.user}/events?$top=1000`);
    const meeting = listed.entries.find(
      ({ attendees, isOrganizer }) => (attendees as readonly unknown[]).length > 0 && isOrganizer === true,
    );
    const plain = await graph.ok('POST', `${graph.user}/events`, { json: { ...weekly, subject: 'plain' } });
    const exported = await graph.ok('POST', `/v1.0/admin/exchange/mailboxes/${mailboxId}/exportItems`, {
      json: { ItemIds: [meeting?.['id'], plain.json['id']] },
    });
    const copy = await graph.ok('POST', String(session.json['importUrl']), {
      json: { FolderId: 'deleteditems', Mode: 'create', Data: exported.value[0]?.['data'] },
    });
    const copied = await graph.ok('GET', `${graph.user}/events/${copy.json['itemId']}`);
    expect(copied.json).toMatchObject({
      iCalUId: meeting?.['iCalUId'],
      attendees: meeting?.['attendees'],
      organizer: meeting?.['organizer'],
      isOrganizer: true,
    });
    await graph.ok('POST', String(session.json['importUrl']), {
      json: {
        FolderId: (await graph.ok('GET', `${graph.user}/calendar`)).json['id'],
        Mode: 'update',
        Data: exported.value[1]?.['data'],
        ItemId: meeting?.['id'],
        ChangeKey: meeting?.['changeKey'],
      },
    });
    expect((await graph.ok('GET', `${graph.user}/events/${meeting?.['id']}`)).json['attendees']).toEqual([]);
    await graph.ok('DELETE', `${graph.user}/events/${meeting?.['id']}`);
    expect(graph.lab.outbox.length).toBe(sent);
  });

  test('are seen by who asks when people are free', async () => {
    await graph.ok('POST', `${graph.user}/events`, {
      json: { subject: 'busy', start: zoned('2032-01-05T10:00:00', 'UTC'), end: zoned('2032-01-05T11:00:00', 'UTC') },
    });
    const reply = await graph.ok('POST', `${graph.user}/calendar/getSchedule`, {
      json: {
        schedules: [graph.address, 'nobody@target.test'],
        startTime: zoned('2032-01-05T09:00:00', 'UTC'),
        endTime: zoned('2032-01-05T12:00:00', 'UTC'),
        availabilityViewInterval: 60,
      },
    });
    expect(reply.value[0]).toMatchObject({ availabilityView: '020', scheduleItems: [{ subject: 'busy' }] });
    expect(reply.value[1]).toMatchObject({ error: { responseCode: 'ErrorMailRecipientNotFound' } });
  });
});

test('settings of a mailbox are read and kept', async () => {
  const change = { json: { timeZone: 'Tokyo Standard Time' } };
  expect((await graph.call('PATCH', `${graph.user}/mailboxSettings`, change)).code).toBe('ErrorAccessDenied');
  await graph.ok('PATCH', `${graph.user}/mailboxSettings`, { ...change, token: await graph.token(settingsWriter) });
  const read = await graph.ok('GET', `${graph.user}/mailboxSettings?$select=timeZone,userPurpose`);
  expect(read.json).toMatchObject({ timeZone: 'Tokyo Standard Time', userPurpose: 'user' });
});

test('items of all kinds are found by the import and export API, notes too', async () => {
  const settings = await graph.ok('GET', `${graph.user}/settings/exchange`);
  const root = `/v1.0/admin/exchange/mailboxes/${settings.json['primaryMailboxId']}/folders`;
  const folders = await graph.all(root);
  const notes = folders.entries.find(({ type }) => type === 'IPF.StickyNote');
  const items = await graph.all(`${root}/${notes?.['id']}/items?$top=50`);
  expect(items.entries.length).toBe(graph.mailbox.folder('notes').count);
  expect(items.entries.every(({ type }) => type === 'IPM.StickyNote')).toBe(true);
  const made = await graph.ok('POST', root, { json: { displayName: 'More notes', type: 'IPF.StickyNote' } });
  expect(made.json['type']).toBe('IPF.StickyNote');
  expect((await graph.all(`${root}/delta`)).entries.map(({ id }) => id)).toContain(made.json['id']);
});
