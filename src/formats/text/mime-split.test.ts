import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeHeader, parseAddresses, parseAddressText, parseMailDate, parseParameters } from './mime-header.ts';
import { type MimePart, splitMime } from './mime-split.ts';
import { decodeQuotedPrintable } from './quoted-printable.ts';
import { reference } from './reference.fixture.ts';

const mail = (text: string): MimePart => splitMime(Buffer.from(text.replace(/\n/g, '\r\n'), 'latin1'));
const shape = (part: MimePart): unknown =>
  part.children.length === 0 ? part.contentType.value : [part.contentType.value, ...part.children.map(shape)];

describe('structure', () => {
  test('nested parts, an attached message, preamble and epilogue', () => {
    const part = mail(
      'Content-Type: multipart/mixed; boundary="a"\n\npreamble\n--a\n\nfirst\n--a\nContent-Type: multipart/alternative; boundary=ab\n\n--ab\n\nx\n--ab\nContent-Type: text/html\n\n<p>\n--ab--\n--a\nContent-Type: message/rfc822\n\nSubject: inner\n\nhi\n--a--\nepilogue\n',
    );
    expect(shape(part)).toEqual([
      'multipart/mixed',
      'text/plain',
      ['multipart/alternative', 'text/plain', 'text/html'],
      ['message/rfc822', 'text/plain'],
    ]);
    expect(part.children[0]?.body().toString()).toBe('first');
    expect(part.children[2]?.children[0]?.headers[0]).toEqual({ name: 'Subject', rawValue: ' inner' });
    expect(part.defects).toEqual([]);
  });
  test('a boundary that begins like another one', () => {
    expect(
      shape(
        mail(
          'Content-Type: multipart/mixed; boundary=ab\n\n--ab\nContent-Type: multipart/mixed; boundary=a\n\n--a\n\nx\n--a--\n--ab\n\ny\n--ab--\n',
        ),
      ),
    ).toEqual(['multipart/mixed', ['multipart/mixed', 'text/plain'], 'text/plain']);
  });
  test('what is missing is said, and what is there is read', () => {
    const open = mail('Content-Type: multipart/mixed; boundary=a\n\n--a\n\nx\n--a\n\ny\n');
    expect([open.children.map((part) => part.body().toString()), open.defects]).toEqual([
      ['x', 'y\r\n'],
      ['no-terminator'],
    ]);
    expect(mail('Content-Type: multipart/mixed\n\nx').defects).toEqual(['no-boundary']);
    expect(mail('Content-Type: multipart/mixed; boundary=zz\n\nx').defects).toEqual(['no-boundary']);
    expect(mail('A: b\nnot a header\nC: d\n\nx').headers.map((header) => header.name)).toEqual(['A', '', 'C']);
    expect(mail('just text\n').rawBody.toString()).toBe('just text\r\n');
    expect(mail('From x@y Mon\nA: b\n\nx').headers.length).toBe(1);
    expect(mail('').headers).toEqual([]);
  });
  test('nesting without end is split up to the limit', () => {
    let text = 'x';
    for (let i = 0; i < 500; i++) text = `Content-Type: message/rfc822\n\n${text}`;
    let depth = 0;
    for (let part: MimePart | undefined = splitMime(Buffer.from(text)); part !== undefined; part = part.children[0]) {
      depth++;
      if (part.children.length === 0) expect(part.defects).toEqual(['limit']);
    }
    expect(depth).toBe(65);
    const many = `Content-Type: multipart/mixed; boundary=a\n\n${'--a\n\nx\n'.repeat(50)}`;
    const limited = splitMime(Buffer.from(many), { partsMax: 10 });
    expect([limited.children.length, limited.defects]).toEqual([9, ['no-terminator', 'limit']]);
  });
  test('raw headers keep their bytes, folding included', () => {
    const part = mail('Subject: a\n b\n\tc\nX:\xe9\n\n');
    expect(part.headers).toEqual([
      { name: 'Subject', rawValue: ' a\r\n b\r\n\tc' },
      { name: 'X', rawValue: '\xe9' },
    ]);
  });

  const samples = reference('peers/samples/eml');
  test.skipIf(samples === null)('every sample is split, and nothing of it is lost', () => {
    const files = readdirSync(samples ?? '', { recursive: true, encoding: 'utf8', withFileTypes: true }).filter(
      (entry) => entry.isFile(),
    );
    expect(files.length).toBe(172);
    for (const file of files) {
      const bytes = readFileSync(join(file.parentPath, file.name));
      const visit = (part: MimePart): void => {
        expect(part.raw.subarray(part.raw.length - part.rawBody.length).equals(part.rawBody), file.name).toBe(true);
        part.body();
        for (const child of part.children) visit(child);
      };
      const message = splitMime(bytes);
      expect(message.raw.length).toBe(bytes.length);
      visit(message);
    }
  });
  test('random bytes never fail', () => {
    const line = fc.constantFrom(
      'Content-Type: multipart/mixed; boundary=a',
      'Content-Type: message/rfc822',
      '--a',
      '--a--',
      '',
      ' x',
      'Content-Transfer-Encoding: base64',
      ':',
      '=?utf-8?q?',
      '\0',
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 40 }), fc.constantFrom('\n', '\r\n', '\r'), (lines, end) => {
        const visit = (part: MimePart): void => {
          part.body();
          part.children.forEach(visit);
        };
        visit(splitMime(Buffer.from(lines.join(end))));
      }),
    );
  });
});

describe('headers', () => {
  test.each([
    ['=?iso-8859-1?Q?Andr=E9?=', 'André'],
    ['=?UTF-8?B?w6Q=?= =?utf-8?q?_b?=', 'ä b'],
    ['=?utf-8?B?w6Q=?=\r\n =?utf-8?Q?=C3?=\r\n\t=?utf-8?Q?=A4?= x', 'ää x'],
    ['a =?utf-8*en?q?b?= c', 'a b c'],
    ['=?windows-1252?q?=80=99?=', '€™'],
    ['=?iso-2022-jp?B?GyRCRnxLXBsoQg==?=', '日本'],
    ['=?gb2312?B?1tDOxA==?=', '中文'],
    ['=?nonsense?q?a?=', 'a'],
    ['caf\xe9', 'café'],
    ['caf\xc3\xa9', 'café'],
    ['no =?encoded word', 'no =?encoded word'],
  ])('%j reads %j', (raw, text) => expect(decodeHeader(raw)).toBe(text));

  test.each<[string, string, Record<string, string>]>([
    ['text/plain; charset=utf-8', 'text/plain', { charset: 'utf-8' }],
    [' Text/PLAIN (c;x=1) ; Charset="a;b\\"c" ; x=y z;', 'text/plain', { charset: 'a;b"c', x: 'y z' }],
    ["a/b; name*0*=utf-8''%e2%82; name*1*=%ac; name*2=.txt", 'a/b', { name: '€.txt' }],
    ['attachment; filename="x.txt"; filename*=iso-8859-1\'de\'%E4.txt', 'attachment', { filename: 'ä.txt' }],
    ['attachment; filename="=?utf-8?B?w6Q=?=.txt"', 'attachment', { filename: 'ä.txt' }],
    ['a/b; name*0="long"; name*1="er"', 'a/b', { name: 'longer' }],
    ['a/b; boundary="open', 'a/b', { boundary: 'open' }],
  ])('%j', (raw, value, parameters) => {
    const parsed = parseParameters(raw);
    expect([parsed.value, Object.fromEntries(parsed.parameters)]).toEqual([value, parameters]);
  });

  test.each<[string, readonly (readonly [string, string])[]]>([
    ['a@B.Example', [['', 'a@b.example']]],
    [
      '"Doe, John" <j@x.y>, Jane Roe <r@x.y>',
      [
        ['Doe, John', 'j@x.y'],
        ['Jane Roe', 'r@x.y'],
      ],
    ],
    ['=?utf-8?Q?M=C3=BCller=2C_A?= <m@x.y>', [['Müller, A', 'm@x.y']]],
    ['j@x.y (John (the) Doe)', [['John (the) Doe', 'j@x.y']]],
    [
      'Team: a@x.y, "B" <b@x.y>;, c@x.y',
      [
        ['', 'a@x.y'],
        ['B', 'b@x.y'],
        ['', 'c@x.y'],
      ],
    ],
    ['undisclosed-recipients:;', []],
    ['"a@x.y" <A@x.y>', [['', 'A@x.y']]],
    ['<@r1,@r2:u@x.y>', [['', 'u@x.y']]],
    ['"quoted local"@x.y', [['', '"quoted local"@x.y']]],
    ['"plain"@x.y', [['', 'plain@x.y']]],
    ['Name Only', [['Name Only', '']]],
  ])('addresses %j', (raw, expected) =>
    expect(parseAddresses(raw).map((one) => [one.name, one.address])).toEqual(expected));

  test('addresses in a text of characters are not taken for bytes', () => {
    const names = (text: string) => parseAddressText(text).map(({ name }) => name);
    expect(names('"O’Hara, Pat" <p@x.y>, "Сергей" <s@x.y>, Ã¼ <u@x.y>')).toEqual(['O’Hara, Pat', 'Сергей', 'Ã¼']);
    expect(names('=?utf-8?Q?M=C3=BCller?= 会 <m@x.y>')).toEqual(['Müller 会']);
  });

  test.each<[string, string | null]>([
    ['Fri, 21 Nov 1997 09:55:06 -0600', '1997-11-21T15:55:06.000Z'],
    ['21 Nov 97 09:55:06 GMT', '1997-11-21T09:55:06.000Z'],
    ['Tue, 1 Jul 2003 10:52:37 +0200 (CEST)', '2003-07-01T08:52:37.000Z'],
    ['Fri, 21 Nov 1997 09(comment):   55  :  06 -0600', '1997-11-21T15:55:06.000Z'],
    ['yesterday', null],
  ])('date %j', (raw, expected) => {
    const ms = parseMailDate(raw);
    expect(ms === null ? null : new Date(ms).toISOString()).toBe(expected);
  });

  test('quoted-printable', () => {
    expect(decodeQuotedPrintable(Buffer.from('a=3Db =\r\nc  \r\nd=\ne=zz=E4=e4')).toString('latin1')).toBe(
      'a=b c\r\nde=zz\xe4\xe4',
    );
  });
});
