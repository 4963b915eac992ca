import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import fc from 'fast-check';
import { simpleParser } from 'mailparser';
import { describe, expect, test } from 'vitest';
import { canonicalContent, differences, withoutState } from './mime-canonical.ts';
import { reference } from './reference.fixture.ts';

const MailComposer = createRequire(import.meta.url)('nodemailer/lib/mail-composer') as new (
  mail: object,
) => { compile(): { build(): Promise<Buffer> } };

/** A message as a person thinks of it, and the choices a program has when it writes it down. */
interface Message {
  readonly subject: string;
  readonly to: readonly { readonly name: string; readonly address: string }[];
  readonly date: number;
  readonly plain: string;
  readonly html: string;
  readonly file: { readonly name: string; readonly bytes: Uint8Array };
  readonly extra: readonly string[];
}
interface Style {
  readonly boundary: string;
  readonly encoding: 'base64' | 'quoted-printable' | '8bit';
  readonly charset: 'utf-8' | 'utf-16le';
  readonly words: 'b' | 'q';
  readonly fold: boolean;
  readonly reversed: boolean;
  readonly parameter: 'rfc2231' | 'rfc2047' | 'continued';
  readonly zoneHours: number;
  readonly comments: boolean;
  readonly lineEnd: '\r\n' | '\n';
}

const isPlain = (text: string): boolean => /^[\w .]*$/.test(text) && text.trim() === text;
const percent = (text: string): string =>
  [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');

function word(text: string, style: Style): string {
  // Cut between characters, as RFC 2047 asks, so that no word is longer than 75.
  const pieces: string[] = [];
  const characters = [...text];
  for (let i = 0; i < characters.length; i += 8) pieces.push(characters.slice(i, i + 8).join(''));
  const encode = (piece: string): string =>
    style.words === 'b'
      ? `=?utf-8?B?${Buffer.from(piece).toString('base64')}?=`
      : `=?UTF-8?q?${percent(piece).replaceAll('%', '=').toUpperCase().replace(/=20/g, '_')}?=`;
  return pieces.map(encode).join(style.fold ? `${style.lineEnd} ` : ' ');
}
const phrase = (text: string, style: Style): string =>
  isPlain(text) && text !== '' ? (style.words === 'b' ? `"${text}"` : text) : word(text, style);

function encodeText(text: string, style: Style): string {
  const bytes = Buffer.from(
    text.replace(/\n/g, style.charset === 'utf-8' && style.encoding !== 'base64' ? style.lineEnd : '\r\n'),
    style.charset,
  );
  if (style.encoding === 'base64' || style.charset === 'utf-16le')
    return (bytes.toString('base64').match(/.{1,76}/g) ?? []).join(style.lineEnd);
  if (style.encoding === '8bit') return bytes.toString('latin1');
  return bytes
    .toString('latin1')
    .split(style.lineEnd)
    .map((line) =>
      (
        line
          .replace(/[^\w ]/g, (c) => `=${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
          .replace(/ $/, '=20')
          .match(/(?:=..|[^=]){1,60}/g) ?? []
      ).join(`=${style.lineEnd}`),
    )
    .join(style.lineEnd);
}

function fileName(key: string, name: string, style: Style): string {
  if (style.parameter === 'rfc2231') return `; ${key}*=utf-8''${percent(name)}`;
  if (style.parameter === 'rfc2047') return `; ${key}="${word(name, { ...style, fold: false })}"`;
  const encoded = percent(name);
  const cut = Math.floor(encoded.length / 6) * 3;
  return `; ${key}*1*=${encoded.slice(cut)}; ${key}*0*=UTF-8''${encoded.slice(0, cut)}`;
}

function date(ms: number, style: Style): string {
  const shifted = new Date(ms + style.zoneHours * 3_600_000).toUTCString().replace(' GMT', '');
  const zone = `${style.zoneHours < 0 ? '-' : '+'}${String(Math.abs(style.zoneHours)).padStart(2, '0')}00`;
  return style.comments ? `${shifted.replace(/^\w+, /, '')} ${zone} (somewhere)` : `${shifted} ${zone}`;
}

function render(message: Message, style: Style): Buffer {
  const end = style.lineEnd;
  const headers = [
    `Subject: ${isPlain(message.subject) ? message.subject : word(message.subject, style)}`,
    `To: ${message.to.map(({ name, address }) => (style.comments && isPlain(name) && name !== '' ? `${address} (${name})` : name === '' ? address : `${phrase(name, style)} <${address}>`)).join(style.fold ? `,${end}\t` : ', ')}`,
    `Date: ${date(message.date, style)}`,
    'Message-ID: <id@x.example>',
    `${style.fold ? 'content-type' : 'Content-Type'}: multipart/mixed;${style.fold ? `${end} ` : ' '}boundary="${style.boundary}"`,
    'MIME-Version: 1.0',
  ];
  if (style.reversed) headers.reverse();
  headers.push(...message.extra.map((value) => `X-Extra: ${value}`));
  const transfer = style.charset === 'utf-16le' ? 'base64' : style.encoding;
  const text = (type: string, content: string): string =>
    style.reversed
      ? `Content-Transfer-Encoding: ${transfer}${end}Content-Type: ${type}; format=fixed; charset=${style.charset}${end}${end}${encodeText(content, style)}`
      : `Content-Type: ${type}; charset="${style.charset}"${end}Content-Transfer-Encoding: ${transfer.toUpperCase()}${end}${end}${encodeText(content, style)}`;
  const inner = `${style.boundary}i`;
  const parts = [
    `Content-Type: multipart/alternative; boundary=${inner}${end}${end}--${inner}${end}${text('text/plain', message.plain)}${end}--${inner}${end}${text('text/html', message.html)}${end}--${inner}--`,
    `Content-Type: application/x-data${fileName('name', message.file.name, style)}${end}Content-Disposition: attachment${fileName('filename', message.file.name, style)}${end}Content-Transfer-Encoding: base64${end}${end}${Buffer.from(message.file.bytes).toString('base64')}`,
  ];
  return Buffer.from(
    `${headers.join(end)}${end}${end}${parts.map((part) => `--${style.boundary}${end}${part}${end}`).join('')}--${style.boundary}--${end}`,
    'latin1',
  );
}

const visible = fc
  .string({
    unit: fc.constantFrom('a', 'B', '7', ' ', 'ä', '€', '😀', '日', ',', '"', '<', '=', '?', '(', '.'),
    minLength: 1,
    maxLength: 40,
  })
  .map((text) => `s${text.replace(/\s+/g, ' ')}e`);
const lines = fc
  .array(fc.oneof(visible, fc.constantFrom('', '--', 'From x', '.', ' indented', 'trailing ')), { maxLength: 5 })
  .map((list) => `begin\n${list.join('\n')}\nend`);
const message: fc.Arbitrary<Message> = fc.record({
  subject: visible,
  to: fc.array(
    fc.record({
      name: fc.oneof(visible, fc.constant(''), fc.constant('Jane Roe')),
      address: fc.constantFrom('a@x.example', 'b.c@y.example', 'd+e@z.example'),
    }),
    { maxLength: 3 },
  ),
  date: fc.integer({ min: 0, max: 2_000_000_000 }).map((seconds) => seconds * 1000),
  plain: lines,
  html: lines.map((text) => `<p>${text}</p>`),
  file: fc.record({ name: visible, bytes: fc.uint8Array({ maxLength: 50 }) }),
  extra: fc.array(fc.constantFrom('one', 'two'), { maxLength: 2 }),
});
const style: fc.Arbitrary<Style> = fc.record({
  boundary: fc.constantFrom('b1', '=_next-part.2', 'xyz'),
  encoding: fc.constantFrom('base64', 'quoted-printable', '8bit'),
  charset: fc.constantFrom('utf-8', 'utf-8', 'utf-16le'),
  words: fc.constantFrom('b', 'q'),
  fold: fc.boolean(),
  reversed: fc.boolean(),
  parameter: fc.constantFrom('rfc2231', 'rfc2047', 'continued'),
  zoneHours: fc.integer({ min: -11, max: 12 }),
  comments: fc.boolean(),
  lineEnd: fc.constantFrom('\r\n', '\n'),
});

describe('two renderings of one message', () => {
  test('say the same', () => {
    fc.assert(
      fc.property(message, style, style, (one, left, right) => {
        const [a, b] = [canonicalContent(render(one, left)), canonicalContent(render(one, right))];
        expect(differences(a, b)).toEqual([]);
        expect([a.subject, a.date, a.bodies.map((body) => body.text), a.attachments[0]?.fileName]).toEqual([
          one.subject,
          one.date,
          [one.plain, one.html],
          one.file.name,
        ]);
        expect(a.to).toEqual(one.to);
      }),
      { numRuns: 400 },
    );
  });

  const changes: readonly (readonly [path: string, change: (one: Message) => Message])[] = [
    ['subject', (one) => ({ ...one, subject: `${one.subject}x` })],
    ['to.length', (one) => ({ ...one, to: [...one.to, { name: '', address: 'new@x.example' }] })],
    ['date', (one) => ({ ...one, date: one.date + 1000 })],
    ['bodies[0].text', (one) => ({ ...one, plain: one.plain.replace('begin', 'begun') })],
    ['bodies[1].text', (one) => ({ ...one, html: one.html.replace('<p>', '<p >') })],
    ['attachments[0].fileName', (one) => ({ ...one, file: { ...one.file, name: `${one.file.name}.txt` } })],
    [
      'attachments[0].sha256',
      (one) => ({ ...one, file: { ...one.file, bytes: Uint8Array.from([...one.file.bytes, 1]) } }),
    ],
    ['headers.x-extra.length', (one) => ({ ...one, extra: [...one.extra, 'three'] })],
  ];
  test.each(changes)('that differ in %s are told apart', (path, change) => {
    fc.assert(
      fc.property(message, style, style, (one, left, right) => {
        const found = differences(canonicalContent(render(one, left)), canonicalContent(render(change(one), right)));
        expect(found.map((difference) => difference.path)).toContain(path);
        expect(found.filter((difference) => !difference.path.startsWith(path.replace(/\.\w+$/, '')))).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });
});

describe('details', () => {
  const content = (text: string) => canonicalContent(Buffer.from(text.replace(/\n/g, '\r\n')));
  test('no words of a message get into a difference', () => {
    const found = differences(
      content('Subject: secret one\nTo: a@b.c\n\nprivate'),
      content('Subject: secret two\n\npublic'),
    );
    expect(found.map((one) => one.path)).toEqual(['subject', 'to.length', 'bodies[0].text']);
    expect(JSON.stringify(found)).not.toMatch(/secret|private|public|a@b/);
  });
  test('alternatives and sequences are not the same', () => {
    const both = (kind: string) =>
      content(`Content-Type: multipart/${kind}; boundary=a\n\n--a\n\nx\n--a\n\ny\n--a--\n`);
    expect(differences(both('alternative'), both('mixed')).map((one) => one.path)).toEqual(['bodies[1].group']);
  });
  test('an attached message is compared by what it says', () => {
    const outer = (inner: string) =>
      content(`Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: message/rfc822\n\n${inner}\n--a--\n`);
    expect(differences(outer('Subject: =?utf-8?q?=41?=\nX: 1\n\nhi'), outer('X: 1\nSubject: A\n\nhi'))).toEqual([]);
    expect(differences(outer('Subject: A\n\nhi'), outer('Subject: A\n\nho')).map((one) => one.path)).toEqual([
      'attachments[0].message.bodies[0].text',
    ]);
  });
  test('what is signed is compared by its bytes', () => {
    const signed = (header: string) =>
      content(
        `Content-Type: multipart/signed; boundary=a\n\n--a\n${header}\n\nhi\n--a\nContent-Type: application/pgp-signature\n\nS\n--a--\n`,
      );
    expect(
      differences(signed('Content-Type: text/plain'), signed('Content-Type:  text/plain')).map((one) => one.path),
    ).toEqual(['signed[0]']);
  });
  test('line ends of what travelled as lines do not matter, those of binary content do', () => {
    const attached = (encoding: string, body: string) =>
      content(`Content-Type: application/x-y; name=n\nContent-Transfer-Encoding: ${encoding}\n\n${body}`);
    const base64 = (text: string) => attached('base64', Buffer.from(text).toString('base64'));
    expect(differences(attached('7bit', 'a\nb'), base64('a\nb'))).toEqual([]);
    expect(differences(attached('7bit', 'a\nb'), base64('a\r\nb'))).toEqual([]);
    expect(differences(base64('a\nb'), base64('a\r\nb')).map((one) => one.path)).toEqual([
      'attachments[0].sha256',
      'attachments[0].sizeBytes',
    ]);
    expect(differences(attached('7bit', 'a\nb'), base64('a\nc')).map((one) => one.path)).toEqual([
      'attachments[0].sha256OfLines',
    ]);
  });
  test('HTML whose charset was changed with its declaration', () => {
    const html = (charset: string, bytes: string) =>
      canonicalContent(
        Buffer.from(`Content-Type: text/html; charset=${charset}\n\n<meta charset="${charset}">${bytes}`, 'latin1'),
      );
    expect(differences(html('iso-8859-1', '\xe4'), html('utf-8', '\xc3\xa4'))).toEqual([]);
  });
});

const samples = reference('peers/samples/eml');
describe.skipIf(samples === null)('the samples', () => {
  const files =
    samples === null
      ? []
      : readdirSync(samples, { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map((entry) => join(entry.parentPath, entry.name));

  test('say the same with CR LF and with LF', () => {
    expect(files.length).toBe(172);
    let compared = 0;
    for (const file of files) {
      const text = readFileSync(file, 'latin1');
      // A bare CR next to a line end would become one, and what is declared binary has no lines.
      if (/\r(?!\n)|encoding: binary/i.test(text)) continue;
      compared++;
      const lf = text.replace(/\r\n/g, '\n');
      const one = canonicalContent(Buffer.from(lf, 'latin1'));
      expect(differences(one, canonicalContent(Buffer.from(lf.replace(/\n/g, '\r\n'), 'latin1'))), file).toEqual([]);
    }
    expect(compared).toBeGreaterThan(150);
  });

  test('an added character in a body or a subject is seen in each', () => {
    for (const file of files) {
      const one = canonicalContent(readFileSync(file));
      for (const [n, body] of one.bodies.entries()) {
        const changed = {
          ...one,
          bodies: one.bodies.map((other, m) => (m === n ? { ...body, text: `${body.text}.` } : other)),
        };
        expect(differences(one, changed).map((difference) => difference.path)).toEqual([`bodies[${n}].text`]);
      }
    }
  });

  test('rebuilt by another library: what that library keeps is the same', async () => {
    let compared = 0;
    for (const file of files) {
      const bytes = readFileSync(file);
      const parsed = await simpleParser(bytes, {
        skipHtmlToText: true,
        skipTextToHtml: true,
        skipTextLinks: true,
        skipImageLinks: true,
      });
      const before = canonicalContent(bytes);
      // That library reads UTF-7 and unnamed 8-bit headers in its own ways; compare where both read the same subject.
      if ((parsed.subject ?? '') !== (before.subject ?? '')) continue;
      const rebuilt = await new MailComposer({
        subject: parsed.subject ?? '',
        text: before.bodies.length === 1 && before.bodies[0]?.type === 'text/plain' ? before.bodies[0].text : '-',
        attachments: parsed.attachments.map((one) => ({
          content: one.content,
          filename: one.filename ?? false,
          contentType: one.contentType,
        })),
        ...(before.date === null ? {} : { date: new Date(before.date) }),
        ...(before.messageId === null ? {} : { messageId: `<${before.messageId}>` }),
      })
        .compile()
        .build();
      const after = canonicalContent(rebuilt);
      const paths = differences(
        { ...before, subject: before.subject ?? '' },
        { ...after, subject: after.subject ?? '' },
      ).map((one) => one.path);
      expect(
        paths.filter(
          (path) =>
            path === 'subject' ||
            (path === 'date' && before.date !== null) ||
            (path === 'messageId' && before.messageId !== null),
        ),
        file,
      ).toEqual([]);
      if (before.bodies.length === 1 && before.bodies[0]?.type === 'text/plain') {
        expect(after.bodies[0]?.text, file).toBe(before.bodies[0].text);
        compared++;
      }
    }
    expect(compared).toBeGreaterThan(50);
  });
});

test('importance and sensitivity are no part of what somebody wrote', () => {
  const read = (head: string) => withoutState(canonicalContent(Buffer.from(`${head}Subject: x\r\n\r\nHello\r\n`)));
  const given = read('Importance: high\r\nX-Priority: 1\r\nSensitivity: private\r\nX-Mailer: y\r\n');
  expect(differences(given, read('X-Mailer: y\r\n'))).toEqual([]);
  expect(differences(given, read('Importance: high\r\n')).map(({ path }) => path)).toEqual(['headers.x-mailer.length']);
});
