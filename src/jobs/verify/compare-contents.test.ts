import { describe, expect, test } from 'vitest';
import { compareContents } from './compare-contents.ts';

const message = (parts: readonly string[], kind = 'mixed') =>
  Buffer.from(
    `Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/${kind}; boundary=b\r\n\r\n${parts.map((part) => `--b\r\n${part}\r\n`).join('')}--b--\r\n`,
  );
const part = (type: string, content: string, more = '') => `Content-Type: ${type}\r\n${more}\r\n${content}`;
const file = (name: string) => `Content-Disposition: attachment; filename="${name}"\r\n`;
const text = part('text/plain', 'Hello');
const calendar = 'BEGIN:VCALENDAR\r\nEND:VCALENDAR';
const names = (left: Buffer, right: Buffer) =>
  compareContents({ mime: left, bcc: [] }, { mime: right, bcc: [] }).map(({ path }) => path);

test('a text for which an item has no place may be a file with the same words', () => {
  const left = message([text, part('text/calendar', calendar)], 'alternative');
  const asFile = (content: string) => message([text, part('text/calendar', content, file('ATT00001.ics'))]);
  expect(names(left, asFile(calendar))).toEqual([]);
  expect(names(left, asFile(`${calendar}x`))).not.toEqual([]);
  expect(names(left, message([text]))).not.toEqual([]);
  // The first text has its place.
  expect(names(message([text, text]), message([part('text/plain', 'Hello', file('a.txt'))]))).not.toEqual([]);
});

test('a file without a name may get one that is made up, and none loses its own', () => {
  const unnamed = message([text, part('application/pdf', 'abc', 'Content-Disposition: attachment\r\n')]);
  const named = (name: string) => message([text, part('application/pdf', 'abc', file(name))]);
  expect(names(unnamed, named('ATT00001.pdf'))).toEqual([]);
  expect(names(unnamed, named('report.pdf'))).toEqual(['attachments[0].fileName']);
  expect(names(named('ATT00001.pdf'), unnamed)).toEqual(['attachments[0].fileName']);
});

test('a message among files may be named by its subject, without what names of files must not have', () => {
  const inner = (subject: string) => `Subject: ${subject}\r\n\r\nHello`;
  const attached = (subject: string, more = '') => message([text, part('message/rfc822', inner(subject), more)]);
  expect(names(attached('What?  No: name'), attached('What?  No: name', file('What No name')))).toEqual([]);
  expect(names(attached('One'), attached('One', file('Two')))).toEqual(['attachments[0].fileName']);
});

test('a file may be said to be inline and be attached, unless the HTML shows it', () => {
  const picture = (disposition: string) =>
    part('image/png', 'abc', `Content-ID: <one@x>\r\nContent-Disposition: ${disposition}; filename=a.png\r\n`);
  const html = (content: string) => part('text/html', content);
  const with_ = (content: string, disposition: string) => message([html(content), picture(disposition)]);
  expect(names(with_('Hello', 'inline'), with_('Hello', 'attachment'))).toEqual([]);
  expect(names(with_('Hello', 'attachment'), with_('Hello', 'inline'))).toEqual(['attachments[0].inline']);
  const shows = '<img src="cid:one@x">';
  expect(names(with_(shows, 'inline'), with_(shows, 'attachment'))).toEqual(['attachments[0].inline']);
});

test.each([
  ['escaped, as RFC 2392 has it', '<img src="cid:one%40x">'],
  ['with a character by its number', '<img src="cid:one&#64;x">'],
  ['in capitals', "<IMG SRC='CID:ONE@X'>"],
  ['by the name of the file', '<td background="a.png">'],
])('the HTML may name a picture %s', (_how, html) => {
  const picture = (disposition: string) =>
    part('image/png', 'abc', `Content-ID: <one@x>\r\nContent-Disposition: ${disposition}; filename=a.png\r\n`);
  const mail = (disposition: string) => message([part('text/html', html), picture(disposition)], 'related');
  expect(names(mail('inline'), mail('attachment'))).toEqual(['attachments[0].inline']);
});

test('a text that became a file of another type is lost to whoever opens it', () => {
  const left = message([text, part('text/calendar', calendar)], 'alternative');
  const copy = message([text, part('application/octet-stream', calendar, file('ATT00001.bin'))]);
  expect(names(left, copy)).not.toEqual([]);
});

test('texts keep their groups, in whatever order they come', () => {
  const html = part('text/html', '<p>Hello</p>');
  expect(names(message([html, text], 'alternative'), message([text, html], 'alternative'))).toEqual([]);
  expect(names(message([html, text], 'alternative'), message([text, html]))).toEqual(['bodies[1].group']);
  const named = part('text/html', '<p>Hello</p>', file('ATT00001.htm'));
  // The alternative has its place; a text after it has none.
  expect(names(message([text, html], 'alternative'), message([text, named]))).not.toEqual([]);
  expect(names(message([text, html]), message([text, named]))).toEqual([]);
});

test('an empty subject may stand where there is none, and a date where nobody can read it; neither is lost', () => {
  const head = (lines: string) => Buffer.from(`${lines}\r\n\r\nHello\r\n`);
  const full = 'Subject: \r\nDate: Mon, 06 Jan 2025 10:00:00 +0000';
  expect(names(head('From: a@x.test'), head(`From: a@x.test\r\n${full}`))).toEqual([]);
  expect(names(head('From: a@x.test\r\nDate: some day'), head(`From: a@x.test\r\n${full}`))).toEqual([]);
  expect(names(head(`From: a@x.test\r\n${full}`), head('From: a@x.test'))).toEqual(['subject', 'date']);
  expect(names(head('From: a@x.test'), head('From: a@x.test\r\nSubject: y'))).toEqual(['subject']);
});

describe('times that the MIME does not say', () => {
  const [sentAt, receivedAt] = [Date.UTC(2025, 0, 6, 10), Date.UTC(2025, 0, 6, 10, 5)];
  const mail = (date: string | null) =>
    Buffer.from(`Subject: x\r\n${date === null ? '' : `Date: ${date}\r\n`}\r\nHello\r\n`);
  const facts = { sentAt, receivedAt, createdAt: null, messageFlags: 1 };
  const zero = Date.UTC(1601, 0, 1);
  const seen = (left: string | null, right: string | null, more: Partial<typeof facts> = {}) =>
    compareContents(
      {
        mime: mail(left),
        bcc: [],
        item: { facts: { ...facts, ...more }, state: { importance: 'normal', sensitivity: 'normal' } },
      },
      { mime: mail(right), bcc: [] },
    ).map(({ path }) => path);
  const [atTen, atFive, in1601] = [sentAt, receivedAt, zero].map((ms) => new Date(ms).toUTCString()) as [
    string,
    string,
    string,
  ];

  test('the copy shows the time of sending where the source has no date, or one that nobody can read', () => {
    expect(seen(null, atTen)).toEqual([]);
    expect(seen('some day', atTen)).toEqual([]);
    expect(seen(null, null)).toEqual([]);
    expect(seen('some day', in1601)).toEqual(['date']);
    expect(seen(null, atFive)).toEqual(['date']);
  });

  test('or the nearest that the item has; of a draft, and where it has none, any', () => {
    expect(seen(null, atFive, { sentAt: null as never })).toEqual([]);
    expect(seen(null, in1601, { messageFlags: 8 })).toEqual([]);
    expect(seen(null, in1601, { sentAt: null as never, receivedAt: null as never })).toEqual([]);
  });

  test('an item whose property says another time than its MIME: the copy may show either, and no third', () => {
    expect(seen(atTen, in1601, { sentAt: zero })).toEqual([]);
    expect(seen(atTen, atTen, { sentAt: zero })).toEqual([]);
    expect(seen(atTen, atFive, { sentAt: zero })).toEqual(['date']);
    expect(seen(atTen, in1601)).toEqual(['date']);
    expect(seen(atTen, null, { sentAt: zero })).toEqual(['date']);
  });
});

describe('importance that a person changed', () => {
  const mail = (lines: readonly string[]) =>
    Buffer.from(`Subject: x\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\nHello\r\n`);
  const seen = (
    importance: 'low' | 'normal' | 'high',
    left: readonly string[],
    right: readonly string[],
    sensitivity: 'normal' | 'private' = 'normal',
  ) => {
    const facts = { sentAt: null, receivedAt: null, createdAt: null, messageFlags: 1 };
    const item = { facts, state: { importance, sensitivity } };
    return compareContents({ mime: mail(left), bcc: [], item }, { mime: mail(right), bcc: [] }).map(({ path }) => path);
  };

  test('is what the copy may show, or what the MIME of the source says', () => {
    expect(seen('low', ['Importance: High'], ['Importance: Low'])).toEqual([]);
    expect(seen('low', ['Importance: High'], ['Importance: high'])).toEqual(['headers.importance[0]']);
    expect(seen('low', ['Importance: High'], ['Importance: High'])).toEqual([]);
    expect(seen('normal', ['Importance: High', 'X-Priority: 1'], [])).toEqual([]);
    expect(
      seen('low', ['X-Priority: 1 (Highest)', 'Priority: urgent'], ['X-Priority: 5', 'Priority: non-urgent']),
    ).toEqual([]);
    expect(seen('normal', ['Sensitivity: personal'], ['Sensitivity: private'], 'private')).toEqual([]);
  });

  test('and nothing else', () => {
    expect(seen('high', ['Importance: High'], ['Importance: Low'])).toEqual(['headers.importance[0]']);
    expect(seen('high', ['Importance: High'], [])).not.toEqual([]);
    expect(seen('normal', ['Sensitivity: private'], [], 'private')).not.toEqual([]);
  });
});

test('what was signed within a message may be kept as a file', () => {
  const signed = (content: string) =>
    `multipart/signed; boundary=s\r\n\r\n--s\r\nContent-Type: text/plain\r\n\r\n${content}\r\n--s\r\nContent-Type: application/pgp-signature\r\nContent-Disposition: attachment; filename=a.sig\r\n\r\nabc\r\n--s--`;
  const left = message([`Content-Type: ${signed('Hello')}`]);
  const apart = (copy: string) =>
    message([
      text,
      part('application/pgp-signature', 'abc', file('a.sig')),
      part(
        'application/octet-stream',
        Buffer.from(`Content-Type:${copy}\r\n`).toString('base64'),
        `Content-Transfer-Encoding: base64\r\n${file('smime.p7m')}`,
      ),
    ]);
  expect(names(left, apart(` ${signed('Hello')}`))).toEqual([]);
  expect(names(left, apart(` ${signed('Hullo')}`))).not.toEqual([]);
  // The signature is part of what is kept.
  expect(names(left, apart(` ${signed('Hello').replace('abc', 'abd')}`))).not.toEqual([]);
});
