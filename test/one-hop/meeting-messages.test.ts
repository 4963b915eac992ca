/** Messages that are more than mail arrive as what they are, and nothing happens because of them there. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Finding } from '#jobs/verify/report.ts';
import { must } from '#kit/assert.ts';
import { isFault } from '#kit/fault.ts';
import { meetingKey } from '#lab/meetings/meeting-keys.ts';
import { cleanIdOf, findMeeting, flag, isMeetingMessage, withProperties } from '#lab/meetings/meeting-view.ts';
import { OutlookClient } from '#lab/meetings/outlook.ts';
import { Person } from '#lab/meetings/person.ts';
import type { LabVersion } from '#lab/seams.ts';
import type { Item, ItemContent } from '#lab/world/item.ts';
import type { Mailbox } from '#lab/world/mailbox.ts';
import { key, lidKey, nameKey, type Property, type PropertyKey, tagKey } from '#lab/world/property.ts';
import { contentOfMime } from '#lab/world/read-message.ts';
import { windowsZone } from '#lab/world/zone.ts';
import { rowOfClass } from '#model/class-properties.ts';
import type { ItemId } from '#model/ids.ts';
import { propertySets } from '#model/property-row.ts';
import { OneHop } from './one-hop.fixture.ts';

const hour = 3_600_000;
const [ana, ben, cara, room] = [0, 1, 2, 3];
const inboxOf = (box: Mailbox): readonly Item[] => [...box.folder('inbox').items()];
const classOf = ({ content }: Item): string => String(content.properties.get(key.itemClass)?.value);

const text = (value: string): Property => ({ type: 'String', value });
const integer = (value: number): Property => ({ type: 'Integer', value });
const time = (value: number): Property => ({ type: 'SystemTime', value });
const binary = (value: string): Property => ({ type: 'Binary', value });

/** Mail with a class of its own and properties that no MIME says. */
function deliver(
  box: Mailbox,
  mime: string,
  itemClass: string,
  properties: readonly (readonly [PropertyKey, Property])[],
) {
  const read = contentOfMime(Buffer.from(mime.replaceAll('\n', '\r\n')));
  const content: ItemContent = {
    ...read,
    properties: new Map([...read.properties, [key.itemClass, text(itemClass)], ...properties]),
  };
  box.create(box.folder('inbox'), { content, messageFlags: 0, delivered: true }, box.server);
}

const report = `From: Exchange <postmaster@source.test>
To: Ana <ana@source.test>
Subject: Read: plan
Message-ID: <receipt@source.test>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=disposition-notification; boundary=b

--b
Content-Type: text/plain

It was read.
--b
Content-Type: message/disposition-notification

Final-Recipient: rfc822;ben@source.test
Disposition: automatic-action/MDN-sent-automatically; displayed
--b--
`;

/** Graph has no role for some folders of later versions, so their names may be taken. */
const isOfItem = ({ kind }: Finding): boolean => kind !== 'folder';

/** Everything that these people had and did before anybody was migrated. */
function live(hop: OneHop): void {
  const { meetings } = hop.lab;
  const nowMs = hop.clock.nowMs();
  const start = Math.ceil(nowMs / hour) * hour + 48 * hour;
  const zone = must(windowsZone('W. Europe Standard Time'), 'a zone');
  const [boxA, boxB] = [hop.source(ana), hop.source(ben)];
  const [a, b] = [new Person(meetings, boxA), new Person(meetings, boxB)];
  const invited = [boxB, hop.source(cara), hop.source(room)].map(({ address }) => ({ address }));
  const series = a.book({
    subject: 'Weekly',
    startMs: start,
    endMs: start + hour,
    zone,
    location: 'Room 1',
    attendees: invited,
    recurrence: {
      pattern: { kind: 'weekly', interval: 1, days: [new Date(start).getUTCDay()], firstDay: 1 },
      range: { kind: 'count', count: 5 },
    },
  });
  const once = a.book({
    subject: 'Once',
    startMs: start + 3 * hour,
    endMs: start + 4 * hour,
    zone,
    attendees: invited,
  });
  for (const request of inboxOf(boxB).filter(isMeetingMessage)) b.answer(request, 'AcceptItem', { body: 'Gladly' });
  hop.clock.advance(hour);
  a.change(series, { location: 'Room 2' });
  a.remove(once);
  const um = '4442858e-a9e3-4e80-b900-317a210cc15b';
  deliver(boxA, report, 'REPORT.IPM.Note.IPNRN', [
    [tagKey(0x0049), text('plan')],
    [tagKey(0x004e), time(nowMs - hour)],
    [tagKey(0x0031), binary(Buffer.from('a report tag').toString('base64'))],
    [tagKey(0x1001), text('It was read.')],
  ]);
  deliver(
    boxA,
    'From: <+49301234@um.test>\nTo: Ana <ana@source.test>\nSubject: Voice mail (12 s)\n\nx\n',
    'IPM.Note.Microsoft.Voicemail.UM.CA',
    [
      [tagKey(0x6801), integer(12)],
      [tagKey(0x6802), text('+49301234')],
      [nameKey(um, 'UMAudioNotes'), text('call back')],
    ],
  );
  deliver(boxA, 'From: <ben@source.test>\nSubject: Task Request: paint\n\nx\n', 'IPM.TaskRequest', [
    [lidKey('00062008-0000-0000-c000-000000000046', 0x8519), binary('AAECAwQFBgc=')],
  ]);
}

const hops = [
  ['2003', 'online'],
  ['2010', 'online'],
  ['2010', '2016'],
  ['online', '2016'],
] as const satisfies readonly (readonly [LabVersion, LabVersion])[];

describe.each(hops)('messages that are more than mail, from %s to %s', (from, to) => {
  let hop: OneHop;
  let sentBefore = 0;
  beforeAll(async () => {
    hop = await OneHop.open({
      mailboxes: 4,
      organizations: [
        { name: 'source', version: from },
        { name: 'target', version: to },
      ],
    });
    live(hop);
    // Where requests are accepted by machine nobody may take one that was migrated for a new one.
    hop.lab.meetings.configure(hop.target(room).address, { isResource: true, automateProcessing: 'AutoAccept' });
    hop.lab.meetings.configure(hop.target(room).address, { processExternalMeetingMessages: true });
    sentBefore = hop.lab.outbox.length;
    for (const n of hop.people) for (const kind of ['mail', 'calendar'] as const) await hop.settle(n, kind);
  }, 120_000);
  afterAll(() => hop.close());

  const classes: readonly (readonly [number, readonly string[]])[] = [
    [
      ana,
      [
        'IPM.Schedule.Meeting.Resp.Pos',
        'IPM.Schedule.Meeting.Resp.Pos',
        'REPORT.IPM.Note.IPNRN',
        'IPM.Note.Microsoft.Voicemail.UM.CA',
        'IPM.TaskRequest',
      ],
    ],
    // The first requests went when newer ones came.
    [ben, ['IPM.Schedule.Meeting.Request', 'IPM.Schedule.Meeting.Canceled']],
  ];
  test.each(classes)('of person %i keep their class', (n, expected) => {
    expect(inboxOf(hop.source(n)).map(classOf).sort()).toEqual([...expected].sort());
    expect(inboxOf(hop.target(n)).map(classOf).sort()).toEqual([...expected].sort());
  });

  test('keep every property that their class has, by what each server shows', async () => {
    let compared = 0;
    const kinds = new Set<string>();
    for (const n of hop.people) {
      const call = () => ({ signal: new AbortController().signal, deadlineMs: hop.clock.monotonicMs() + 600_000 });
      const [left, right] = [hop.left.mailbox(hop.source(n).address), hop.right.mailbox(hop.target(n).address)];
      const folder = must((await left.roles(call())).get('inbox'), 'an inbox');
      const links = new Map<ItemId, ItemId>();
      const { changes } = await left.changes(folder, null, call());
      const heads = changes.flatMap((change) => (change.kind === 'upsert' ? [change.head] : []));
      for (const { leftId, rightId } of await hop.store.linksById(
        hop.pair(n),
        'left',
        heads.map(({ id }) => id),
      ))
        links.set(leftId, rightId);
      for (const { id, facts } of heads) {
        const row = must(rowOfClass(facts.itemClass), `what ${facts.itemClass} has`);
        const wanted = row.properties.map(({ property }) => property);
        const rightId = must(links.get(id), 'a copy');
        const [l, r] = [
          (await left.properties([id], wanted, call())).get(id),
          (await right.properties([rightId], wanted, call())).get(rightId),
        ];
        if (l === undefined || r === undefined || isFault(l) || isFault(r)) throw new Error('it cannot be read');
        expect(l.length).toBeGreaterThan(0);
        // A text of nothing is none.
        const sorted = (some: typeof l) =>
          some.flatMap((one) => (one.values.join('') === '' ? [] : [JSON.stringify(one)])).sort();
        expect(sorted(r)).toEqual(sorted(l));
        compared += l.length;
        kinds.add(row.title);
      }
    }
    expect(kinds.size).toBe(4);
    // Two dozen of each message about a meeting.
    expect(compared).toBeGreaterThan(200);
  });

  test('are equal under verify, which compares these properties too', async () => {
    for (const n of hop.people) {
      const { missing, surplus, findings } = await hop.verify(n);
      expect({ n, missing, surplus, ofItems: findings.filter(isOfItem) }).toEqual({
        n,
        missing: 0,
        surplus: 0,
        ofItems: [],
      });
    }
  });

  test('changed by a client on the source arrive changed, in place of the earlier copy, and no mail leaves', async () => {
    const [from, to] = [hop.source(ben), hop.target(ben)];
    const requestIn = (box: Mailbox) =>
      must(
        inboxOf(box).find((one) => classOf(one) === 'IPM.Schedule.Meeting.Request'),
        'a request',
      );
    const meetingType = lidKey(propertySets.meeting, 0x0026);
    const item = requestIn(from);
    const before = inboxOf(to).length;
    // Out of date ([MS-OXOCAL] 2.2.6.5): a client marks the request that a newer one replaces.
    from.update(item, withProperties(item.content, { [meetingType]: integer(0x80000) }), from.server);
    hop.clock.advance(hour);
    await hop.settle(ben, 'mail');
    hop.lab.meetings.runDue();
    expect(requestIn(to).content.properties.get(meetingType)?.value).toBe(0x80000);
    expect(inboxOf(to)).toHaveLength(before);
    expect(hop.lab.outbox.length).toBe(sentBefore);
    const { missing, surplus, findings } = await hop.verify(ben);
    expect({ missing, surplus, ofItems: findings.filter(isOfItem) }).toEqual({ missing: 0, surplus: 0, ofItems: [] });
  });

  test('a property that a copy lost is found', async () => {
    const box = hop.target(ana);
    const item = must(
      inboxOf(box).find((one) => classOf(one).includes('Voicemail')),
      'a voice message',
    );
    const before = item.content;
    box.update(item, withProperties(before, { [tagKey(0x6801)]: integer(13), [tagKey(0x6802)]: null }), box.server);
    const { findings } = await hop.verify(ana);
    expect(
      findings
        .filter(isOfItem)
        .map(({ property }) => property)
        .sort(),
    ).toEqual(['PidTagSenderTelephoneNumber', 'PidTagVoiceMessageDuration']);
    box.update(item, before, box.server);
  });

  test('are no delivery: no machine answers them, and no mail leaves', () => {
    hop.lab.meetings.runDue();
    expect(hop.lab.outbox.length).toBe(sentBefore);
  });

  test('a client that looks at what is unprocessed finds the meetings they are about, and tells nobody', () => {
    for (const n of hop.people) {
      const box = hop.target(n);
      const requests = inboxOf(box).filter(isMeetingMessage);
      const before = [...box.folder('calendar').items()].length;
      for (const item of requests) {
        // What its organizer called off is in nobody's calendar but the attendees'.
        const found = findMeeting(box, must(cleanIdOf(item.content), 'an identity'));
        if (n !== ana) expect(found).toHaveLength(1);
        box.update(item, withProperties(item.content, { [meetingKey.processed]: flag(false) }), box.server);
      }
      expect(new OutlookClient(hop.lab.meetings, box).sniff()).toHaveLength(requests.length);
      expect([...box.folder('calendar').items()].length).toBe(before);
    }
    hop.lab.meetings.runDue();
    expect(hop.lab.outbox.length).toBe(sentBefore);
  });
});
