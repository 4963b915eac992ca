import { describe, expect, test } from 'vitest';
import { must } from '#kit/assert.ts';
import { textOf } from '../mapi/message.ts';
import { messageOfAppointment } from '../mapi/message-of-appointment.ts';
import { calendarKey } from '../world/calendar-keys.ts';
import type { Item } from '../world/item.ts';
import { appointmentOf } from '../world/make-appointment.ts';
import { windowsZone } from '../world/zone.ts';
import { itemNames } from './url-names.ts';
import { Dav, readMultistatus } from './webdav.fixture.ts';

const one = (text: string) => must(readMultistatus(text)[0], 'a response');
const pathOf = (dav: Dav, item: Item): string => {
  const { folder } = item;
  return `${dav.base}/${encodeURIComponent(folder.name)}/${encodeURIComponent(itemNames(folder).of(item))}`;
};
const rfc822 = { translate: 'f', 'content-type': 'message/rfc822' };
const berlin = must(windowsZone('W. Europe Standard Time'), 'a zone');

function series(dav: Dav): Item {
  const calendar = dav.mailbox.folder('calendar');
  const { displayName: name, address, guid } = dav.mailbox;
  const content = appointmentOf({
    subject: 'weekly',
    startMs: Date.UTC(2031, 2, 13, 8),
    endMs: Date.UTC(2031, 2, 13, 9),
    zone: berlin,
    organizer: { name, address },
    idFor: [guid, 1, 0],
    recurrence: {
      pattern: { kind: 'weekly', interval: 1, days: [4], firstDay: 1 },
      range: { kind: 'count', count: 6 },
      startDay: '2031-03-13',
    },
  });
  return dav.mailbox.create(calendar, { content, messageFlags: 1 }, dav.mailbox.server);
}

describe('contacts, tasks and notes are what their properties say', () => {
  test('a contact as DavMail writes it, digits at the beginning of names and all', async () => {
    const dav = new Dav({ items: 0 });
    const path = `${dav.base}/Contacts/c1.EML`;
    const made = await dav.proppatch(
      path,
      '<e:outlookmessageclass>IPM.Contact</e:outlookmessageclass><k:cn>Bob B</k:cn><k:givenName>Bob</k:givenName><k:sn>B</k:sn><k:street>1 &amp; 2</k:street><g:32900>bob@target.test</g:32900><g:32899>bob@target.test</g:32899><g:32898>SMTP</g:32898><k:bday dt:dt="dateTime.tz">1970-05-06T00:00:00.000Z</k:bday><e:keywords-utf8 dt:dt="mv.string"><v>Red</v><v>Blue</v></e:keywords-utf8><o:0x8506 dt:dt="boolean">true</o:0x8506>',
      '<k:o/>',
      { 'if-none-match': '*' },
    );
    expect(one(made.text)).toMatchObject({ status: 'HTTP/1.1 201 Created', refused: [] });
    const found = await dav.propfind(
      path,
      '<k:cn/><k:sn/><k:street/><k:bday/><k:o/><g:_x0033_2900/><e:keywords-utf8/><D:contentclass/><o:_x0030_x8506/><t:x3a11001e/>',
    );
    expect(found.text).toMatch(/<(\w):32900>bob@target\.test<\/\1:32900>/);
    expect(one(found.text).found).toEqual({
      cn: 'Bob B',
      sn: 'B',
      street: '1 & 2',
      bday: '1970-05-06T00:00:00.000Z',
      _x0033_2900: 'bob@target.test',
      'keywords-utf8': ['Red', 'Blue'],
      contentclass: 'urn:content-classes:person',
      _x0030_x8506: '1',
      x3a11001e: 'B',
    });
    expect(one(found.text).missing).toEqual(['o']);
    const changed = await dav.proppatch(path, '<k:sn>Müller-Łuk</k:sn>', '<k:street/>');
    expect(changed.status).toBe(207);
    const again = one((await dav.propfind(path, '<k:sn/><k:street/><t:x3a11001e/><k:cn/>')).text);
    expect(again.found).toEqual({ sn: 'Müller-Łuk', x3a11001e: 'Müller-?uk', cn: 'Bob B' });
  });

  test('a task and a note', async () => {
    const dav = new Dav({ items: 0 });
    const task = `${dav.base}/Tasks/t.EML`;
    await dav.proppatch(
      task,
      '<D:contentclass>urn:content-classes:task</D:contentclass><e:outlookmessageclass>IPM.Task</e:outlookmessageclass><h:subject>Call</h:subject><s:0x8102 dt:dt="float">0.25</s:0x8102><s:0x8101 dt:dt="int">1</s:0x8101><s:0x8105 dt:dt="dateTime.tz">2031-01-02T00:00:00.000Z</s:0x8105>',
    );
    const [made] = [...dav.mailbox.folder('tasks').items()];
    expect(made?.content.typed.get('PercentComplete')).toContain('>25<');
    const sql = `SELECT "urn:schemas:httpmail:subject", "http://schemas.microsoft.com/mapi/id/{00062003-0000-0000-c000-000000000046}/0x8102" as done FROM "" WHERE "http://schemas.microsoft.com/mapi/id/{00062003-0000-0000-c000-000000000046}/0x810f" is null AND "http://schemas.microsoft.com/exchange/outlookmessageclass" = 'IPM.Task'`;
    expect(one((await dav.search(`${dav.base}/Tasks`, sql)).text).found).toEqual({ subject: 'Call', done: '0.25' });
    await dav.proppatch(
      `${dav.base}/Notes/n.EML`,
      '<e:outlookmessageclass>IPM.StickyNote</e:outlookmessageclass><h:textdescription>one\ntwo</h:textdescription>',
    );
    const [note] = [...dav.mailbox.folder('notes').items()];
    expect([note?.itemClass, note?.content.body?.text]).toEqual(['IPM.StickyNote', 'one\ntwo']);
  });
});

describe('appointments', () => {
  test('are told by their properties, with the recurrence blob and the ids', async () => {
    const dav = new Dav({ items: 0 });
    const item = series(dav);
    const path = pathOf(dav, item);
    const { found } = one(
      (
        await dav.propfind(
          path,
          '<c:instancetype/><c:rrule/><c:busystatus/><c:uid/><a:_x0030_x8216/><c:dtstart/><c:timezone/>',
        )
      ).text,
    );
    const message = messageOfAppointment(item);
    expect(found).toMatchObject({
      instancetype: '1',
      busystatus: 'BUSY',
      dtstart: '2031-03-13T08:00:00.000Z',
      _x0030_x8216: textOf(message.properties, calendarKey.recurBlob),
    });
    expect(found['rrule']).toEqual([expect.stringMatching(/^FREQ=WEEKLY;.*COUNT=6/)]);
    expect(found['timezone']).toContain('TZID:W. Europe Standard Time');
    const mime = await dav.ask('GET', path, { headers: { translate: 'f' } });
    expect(mime.text).toMatch(/^Content-class: urn:content-classes:appointment\r\n/);
    expect(mime.text).toContain('Content-Type: text/calendar');
  });

  test('one that another store has is written by its properties, exceptions by attached messages', async () => {
    const dav = new Dav({ items: 0 });
    const item = series(dav);
    const message = messageOfAppointment(item);
    const blob = textOf(message.properties, calendarKey.recurBlob);
    const id = textOf(message.properties, calendarKey.globalObjectId);
    const zone = textOf(message.properties, calendarKey.zoneRecur);
    const copy = `${dav.base}/Calendar/copy.EML`;
    const made = await dav.proppatch(
      copy,
      `<e:outlookmessageclass>IPM.Appointment</e:outlookmessageclass><h:subject>copied</h:subject><c:dtstart dt:dt="dateTime.tz">2031-03-13T08:00:00.000Z</c:dtstart><c:dtend dt:dt="dateTime.tz">2031-03-13T09:00:00.000Z</c:dtend><a:_x0030_x8216 dt:dt="bin.base64">${blob}</a:_x0030_x8216><a:_x0030_x8260 dt:dt="bin.base64">${zone}</a:_x0030_x8260><w:_x0030_x3 xmlns:w="http://schemas.microsoft.com/mapi/id/{6ed8da90-450b-101b-98da-00aa003f1305}/" dt:dt="bin.base64">${id}</w:_x0030_x3><m:to>"Ben" &lt;ben@partner.test&gt;</m:to>`,
    );
    expect(one(made.text).refused).toEqual([]);
    const written = [...dav.mailbox.folder('calendar').items()].find((each) => each.text('0x0037') === 'copied');
    const part = must(written?.content.calendar, 'an appointment');
    expect(part.recurrence).toEqual(item.content.calendar?.recurrence);
    expect(part.startZone.id).toBe('W. Europe Standard Time');
    expect(part.attendees).toMatchObject([{ name: 'Ben', address: 'ben@partner.test', role: 'required' }]);
    expect(textOf(messageOfAppointment(must(written, 'an item')).properties, calendarKey.globalObjectId)).toBe(id);
    expect(one((await dav.propfind(copy, '<m:to/>')).text).found['to']).toBe('"Ben" <ben@partner.test>');
    expect(dav.lab.outbox).toEqual([]);
  });

  test('a changed occurrence is an attachment with properties of its own', async () => {
    const dav = new Dav({ items: 0 });
    const path = `${dav.base}/Calendar/e.EML`;
    const lines = (body: string) => `BEGIN:VEVENT\r\nUID:e1\r\nDTSTAMP:20310101T000000Z\r\n${body}\r\nEND:VEVENT\r\n`;
    const calendar = `BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:PUBLISH\r\n${lines('SUMMARY:daily\r\nDTSTART:20310313T080000Z\r\nDTEND:20310313T090000Z\r\nRRULE:FREQ=DAILY;COUNT=5')}${lines('SUMMARY:moved\r\nRECURRENCE-ID:20310315T080000Z\r\nDTSTART:20310315T120000Z\r\nDTEND:20310315T130000Z')}END:VCALENDAR\r\n`;
    const put = await dav.ask('PUT', path, {
      headers: rfc822,
      body: `Content-class: urn:content-classes:appointment\r\nMIME-Version: 1.0\r\nContent-Type: text/calendar; charset=utf-8\r\n\r\n${calendar}`,
    });
    expect(put.status).toBe(201);
    expect(put.headers['getetag']).toMatch(/^"[0-9a-f]{44}"$/);
    const listed = one((await dav.ask('X-MS-ENUMATTS', path)).text);
    expect(listed.found).toMatchObject({ x37050003: '5', x7ffd0003: '2', x7ff90040: '2031-03-15T08:00:00.000Z' });
    const at = new URL(listed.href).pathname;
    expect(one((await dav.propfind(at, '<h:subject/><a:_x0030_x820d/>')).text).found).toEqual({
      subject: 'moved',
      _x0030_x820d: '2031-03-15T12:00:00.000Z',
    });
    expect((await dav.proppatch(at, '<h:subject>moved again</h:subject>')).status).toBe(207);
    const [item] = [...dav.mailbox.folder('calendar').items()];
    expect(
      item?.content.calendar?.exceptions.map(({ day, properties }) => [day, properties.get('0x0037')?.value]),
    ).toEqual([['2031-03-15', 'moved again']]);
  });
});

test('attachments have addresses of their own, and are written there', async () => {
  const dav = new Dav({ items: 0, typed: { appointment: 6 } });
  const [item] = [...dav.mailbox.folder('calendar').items()];
  const path = pathOf(dav, must(item, 'an appointment'));
  const before = readMultistatus((await dav.ask('X-MS-ENUMATTS', path)).text).length;
  const put = await dav.ask('PUT', `${path}/plan.txt`, { headers: { 'content-type': 'text/plain' }, body: 'Plan' });
  expect(put.status).toBe(201);
  const all = readMultistatus((await dav.ask('X-MS-ENUMATTS', path)).text);
  expect(all).toHaveLength(before + 1);
  const mine = must(
    all.find(({ found }) => found['cn'] === 'plan.txt'),
    'the new one',
  );
  expect(mine.found).toMatchObject({ x3703001f: '.txt', x370e001f: 'text/plain', x37050003: '1', x0e200003: '4' });
  const got = await dav.ask('GET', new URL(mine.href).pathname, { headers: { translate: 'f' } });
  expect([got.text, got.headers['content-type']]).toEqual(['Plan', 'text/plain']);
  expect((await dav.ask('DELETE', `${path}/plan.txt`)).status).toBe(200);
  expect(readMultistatus((await dav.ask('X-MS-ENUMATTS', path)).text)).toHaveLength(before);
});

test('many items are asked, changed, moved and deleted in one request, each with its own answer', async () => {
  const dav = new Dav({ items: 60 });
  const inbox = dav.mailbox.folder('inbox');
  const [a, b] = [...inbox.items()].slice(0, 2).map((item) => encodeURIComponent(itemNames(inbox).of(item)));
  const target = `<D:target><D:href>${a}</D:href><D:href>${dav.origin}${dav.base}/Inbox/${b}</D:href><D:href>nothing.EML</D:href></D:target>`;
  const bulk = (method: string, name: string, inner = '', headers = {}) =>
    dav.ask(method, `${dav.base}/Inbox`, {
      headers,
      body: `<D:${name} xmlns:D="DAV:" xmlns:h="urn:schemas:httpmail:" xmlns:t="http://schemas.microsoft.com/mapi/proptag/">${target}${inner}</D:${name}>`,
    });
  const asked = readMultistatus((await bulk('BPROPFIND', 'propfind', '<D:prop><h:subject/></D:prop>')).text);
  expect(asked.map(({ status, found }) => status ?? 'subject' in found)).toEqual([
    true,
    true,
    'HTTP/1.1 404 Resource Not Found',
  ]);
  const set = '<D:set><D:prop><t:x10900003>2</t:x10900003></D:prop></D:set>';
  await bulk('BPROPPATCH', 'propertyupdate', set);
  expect([...inbox.items()].slice(0, 3).map((item) => item.number('0x1090') === 2)).toEqual([true, true, false]);
  const count = inbox.count;
  const moved = readMultistatus((await bulk('BMOVE', 'move', '', { destination: `${dav.base}/Drafts/` })).text);
  expect(moved.map(({ status }) => status?.split(' ')[1])).toEqual(['201', '201', '404']);
  expect(inbox.count).toBe(count - 2);
  const deleted = await dav.ask('BDELETE', `${dav.base}/Drafts`, {
    body: `<D:delete xmlns:D="DAV:"><D:target><D:href>${a}</D:href></D:target></D:delete>`,
  });
  expect(readMultistatus(deleted.text).map(({ status }) => status)).toEqual(['HTTP/1.1 200 OK']);
});

test('subscriptions are polled, renewed and ended', async () => {
  const dav = new Dav({ items: 0 });
  const subscribe = (type: string, headers = {}) =>
    dav.ask('SUBSCRIBE', `${dav.base}/Inbox`, {
      headers: { 'notification-type': type, 'subscription-lifetime': '600', ...headers },
    });
  const arrivals = String((await subscribe('update/newmember')).headers['subscription-id']);
  const changes = String((await subscribe('update')).headers['subscription-id']);
  const poll = async (ids: string) =>
    readMultistatus((await dav.ask('POLL', `${dav.base}/Inbox`, { headers: { 'subscription-id': ids } })).text).map(
      ({ status }) => status?.split(' ')[1],
    );
  expect(await poll(`${arrivals},${changes}`)).toEqual(['204']);
  await dav.ask('PUT', `${dav.base}/Inbox/x.EML`, { headers: rfc822, body: 'Subject: x\r\n\r\n' });
  expect(await poll(arrivals)).toEqual(['200']);
  await dav.proppatch(`${dav.base}/Inbox/x.EML`, '<h:read>1</h:read>');
  expect(await poll(arrivals)).toEqual(['204']);
  expect(await poll(changes)).toEqual(['200']);
  const renewed = await subscribe('update', { 'subscription-id': changes });
  expect(renewed.headers['subscription-lifetime']).toBe('600');
  expect((await dav.ask('UNSUBSCRIBE', `${dav.base}/Inbox`, { headers: { 'subscription-id': arrivals } })).status).toBe(
    200,
  );
  expect(await poll(`${arrivals},${changes}`)).toEqual(['412', '204']);
  const elsewhere = await dav.ask('POLL', `${dav.base}/Drafts`, { headers: { 'subscription-id': changes } });
  expect(readMultistatus(elsewhere.text).map(({ status }) => status?.split(' ')[1])).toEqual(['412']);
});

describe('mail leaves', () => {
  const message = (to: string) => `From: <anna.adler@source.test>\r\nTo: <${to}>\r\nSubject: hello\r\n\r\nHi\r\n`;

  test('by a move to the submission address, with a copy in the sent items', async () => {
    const dav = new Dav({ items: 0 });
    const other = must(dav.organization.mailboxes[1], 'another mailbox').address;
    const path = `${dav.base}/Drafts/d.EML`;
    await dav.ask('PUT', path, { headers: rfc822, body: message(other) });
    expect(dav.lab.outbox).toEqual([]);
    const destination = `${dav.base}/%23%23DavMailSubmissionURI%23%23`;
    expect((await dav.ask('MOVE', path, { headers: { destination } })).status).toBe(201);
    expect(dav.lab.outbox).toMatchObject([{ cause: 'sent-by-person', to: [other], doing: 'person' }]);
    expect([dav.mailbox.folder('drafts').count, dav.mailbox.folder('sentitems').count]).toEqual([0, 1]);
    expect(dav.organization.mailbox(other)?.folder('inbox').count).toBe(1);
  });

  test('by an envelope that is put there, and a copy where it is wanted or nowhere', async () => {
    const dav = new Dav({ items: 0 });
    const other = must(dav.organization.mailboxes[1], 'another mailbox').address;
    const body = `MAIL FROM:<${dav.mailbox.address}>\r\nRCPT TO:<${other}>\r\n\r\n${message('undisclosed@source.test')}`;
    const headers = { 'content-type': 'message/rfc821', saveinsent: 'f' };
    const put = await dav.ask('PUT', `${dav.base}/%23%23DavMailSubmissionURI%23%23/`, { headers, body });
    expect(put.status).toBe(200);
    expect(dav.mailbox.folder('sentitems').count).toBe(0);
    expect(dav.organization.mailbox(other)?.folder('inbox').count).toBe(1);
  });

  test('as a receipt when mail that asks for one is read, unless the wish is taken back first', async () => {
    const dav = new Dav({ items: 0 });
    const write = async (name: string) => {
      const path = `${dav.base}/Inbox/${name}.EML`;
      await dav.proppatch(path, '<t:x0e070003>0</t:x0e070003>');
      await dav.ask('PUT', path, {
        headers: rfc822,
        body: `Disposition-Notification-To: <x@y.test>\r\n${message('a@b.test')}`,
      });
      const item = must(itemNames(dav.mailbox.folder('inbox')).find(`${name}.EML`), 'an item');
      item.receiptPending = true;
      return path;
    };
    await dav.proppatch(await write('quiet'), '<h:read>1</h:read><t:x0029000b>0</t:x0029000b>');
    expect(dav.lab.outbox).toEqual([]);
    await dav.proppatch(await write('loud'), '<h:read>1</h:read>');
    expect(dav.lab.outbox).toMatchObject([{ cause: 'read-receipt' }]);
  });
});

describe('what Outlook Web Access answers', () => {
  test('people are found by alias, name and address', async () => {
    const dav = new Dav();
    const { address, displayName } = dav.mailbox;
    const alias = address.slice(0, address.indexOf('@'));
    const found = await dav.ask('GET', `${dav.base}/?Cmd=galfind&AN=${alias}`);
    expect(found.text).toContain(`<item><AN>${alias}</AN><DN>${displayName}</DN><EM>${address}</EM>`);
    expect((await dav.ask('GET', `${dav.base}/?Cmd=galfind&AN=nobody`)).text).not.toContain('<item>');
    const person = await dav.ask('GET', `${dav.base}/?Cmd=gallookup&ADDR=${address}`);
    expect(person.text).toContain(`<alias>${alias}</alias>`);
  });

  test('free/busy in digits', async () => {
    const dav = new Dav({ items: 0 });
    series(dav);
    const ask = (who: string) =>
      dav.ask(
        'GET',
        `/public/?cmd=freebusy&start=2031-03-13T07:00:00Z&end=2031-03-13T10:00:00Z&interval=30&u=SMTP:${who}`,
      );
    expect((await ask(dav.mailbox.address)).text).toContain('<a:fbdata>002200</a:fbdata>');
    expect((await ask('nobody@source.test')).text).toContain('<a:fbdata>444444</a:fbdata>');
  });

  test('saveappt makes an appointment of the next half hour', async () => {
    const dav = new Dav({ items: 0 });
    const saved = await dav.ask('POST', `${dav.base}/Calendar`, {
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: 'Cmd=saveappt&FORMTYPE=appointment',
    });
    const url = /<span id="itemHREF">([^<]*)</.exec(saved.text)?.[1] ?? '';
    const got = await dav.ask('GET', new URL(url).pathname, { headers: { translate: 'f' } });
    expect(got.text).toMatch(/BEGIN:VTIMEZONE[\s\S]*END:VTIMEZONE/);
  });
});

test('items of the same subject have names of their own, and names that no path has are written otherwise', async () => {
  const dav = new Dav({ items: 0 });
  const inbox = dav.mailbox.folder('inbox');
  const write = (subject: string) =>
    dav.mailbox.create(
      inbox,
      {
        content: { ...appointmentless, properties: new Map([['0x0037', { type: 'String', value: subject }]]) },
        messageFlags: 0,
      },
      dav.mailbox.server,
    );
  const items = ['a/b?', 'a/b?', 'A/B?', ''].map(write);
  expect(items.map((item) => itemNames(inbox).of(item))).toEqual([
    'a_xF8FF_b_x003F_.EML',
    'a_xF8FF_b_x003F_-2.EML',
    'A_xF8FF_B_x003F_-3.EML',
    'No Subject.EML',
  ]);
  for (const item of items) {
    const { text } = await dav.propfind(pathOf(dav, item), '<t:x0e230003/><e:permanenturl/>');
    expect(one(text).found['permanenturl']).toContain(`-${item.no.toString(16)}`);
  }
});

const appointmentless = {
  mime: null,
  from: null,
  to: [],
  cc: [],
  bcc: [],
  body: { type: 'Text' as const, text: '' },
  attachments: [],
  typed: new Map(),
};
