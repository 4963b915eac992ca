import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { payloadBytes } from '#kit/payload.ts';
import { type MapiProperty, propertySets } from '#model/property-row.ts';
import { anyMapiMessage } from '../mapi/any-message.fixture.ts';
import { type MapiMessage, type MapiPropertyValue, mapiValue } from '../mapi/mapi-message.ts';
import { canonicalContent } from '../text/mime-canonical.ts';
import { splitMime } from '../text/mime-split.ts';
import { attachmentTags, mailTags, recipientTags } from './mail-tags.ts';
import { messageOfMime } from './message-of-mime.ts';
import { mimeOfMessage } from './mime-of-message.ts';
import { type MimeShape, readShape, shapeProperty, writeShape } from './mime-shape.ts';
import { hasSamples, sampleMails } from './samples.fixture.ts';

const mail = (...lines: readonly string[]): MapiMessage => messageOfMime(Buffer.from(lines.join('\r\n')));
const value = (message: MapiMessage, property: MapiProperty) => mapiValue(message.properties, property);
const columns = (rows: readonly (readonly MapiPropertyValue[])[], ...wanted: readonly MapiProperty[]) =>
  rows.map((row) => wanted.map((one) => mapiValue(row, one)));
const written = (message: MapiMessage): Promise<Buffer> => payloadBytes(mimeOfMessage(message));

describe('headers', () => {
  test.each([
    ['Re: plan', 'Re: ', 'plan'],
    ['RE: AW: plan', 'RE: ', 'AW: plan'],
    ['plan', '', 'plan'],
    ['Note: it', '', 'Note: it'],
    ['a1: it', '', 'a1: it'],
    ['Re:plan', '', 'Re:plan'],
    ['=?utf-8?Q?WG:_=C3=9Cbung?=', 'WG: ', 'Übung'],
  ])('subject %s', (subject, before, normalized) => {
    const message = mail(`Subject: ${subject}`, '', '');
    expect(value(message, mailTags.subjectPrefix)).toBe(before);
    expect(value(message, mailTags.normalizedSubject)).toBe(normalized);
    expect(value(message, mailTags.subject)).toBe(before + normalized);
    expect(value(message, mailTags.conversationTopic)).toBe(normalized);
  });

  test('author and sender, each by a one-off entry id', () => {
    const message = mail('From: Ann <ann@example.test>', 'Sender: desk@example.test', '', '');
    const text = (tag: number) => value(message, { tag, type: 'string' });
    expect([0x0042, 0x0064, 0x0065, 0x5d02].map(text)).toEqual(['Ann', 'SMTP', 'ann@example.test', 'ann@example.test']);
    expect([0x0c1a, 0x0c1f].map(text)).toEqual(['desk@example.test', 'desk@example.test']);
    // [MS-OXCDATA] 2.2.5.1: flags, provider, version, flags of the address (Unicode, no rich text), name, type, address.
    expect(value(message, { tag: 0x0041, type: 'binary' })).toEqual(
      Buffer.concat([
        Buffer.from('00000000812b1fa4bea310199d6e00dd010f540200000190', 'hex'),
        Buffer.from('Ann\0SMTP\0ann@example.test\0', 'utf16le'),
      ]),
    );
    expect(value(message, { tag: 0x003b, type: 'binary' })).toEqual(Buffer.from('SMTP:ANN@EXAMPLE.TEST\0'));
  });

  test('everybody it went to, in order, by kind', () => {
    const { recipients } = mail('To: A <a@x.test>, b@x.test', 'Cc: "C, D" <c@x.test>', 'Bcc: e@x.test', '', '');
    expect(columns(recipients, recipientTags.kind, recipientTags.name, recipientTags.smtp)).toEqual([
      [1, 'A', 'a@x.test'],
      [1, 'b@x.test', 'b@x.test'],
      [2, 'C, D', 'c@x.test'],
      [3, 'e@x.test', 'e@x.test'],
    ]);
  });

  test.each([
    ['Importance: High', mailTags.importance, 2],
    ['X-Priority: 5 (Lowest)', mailTags.importance, 0],
    ['X-MSMail-Priority: Low', mailTags.importance, 0],
    ['Priority: urgent', mailTags.importance, 2],
    ['Sensitivity: Company-Confidential', mailTags.sensitivity, 3],
    ['Disposition-Notification-To: a@x.test', mailTags.readReceipt, true],
    ['Return-Receipt-To: a@x.test', mailTags.deliveryReport, true],
    ['Message-ID: <1@x.test>', mailTags.messageId, '<1@x.test>'],
    ['In-Reply-To: <0@x.test>', mailTags.inReplyTo, '<0@x.test>'],
    ['References: <a@x.test>\r\n <b@x.test>', mailTags.references, '<a@x.test> <b@x.test>'],
    ['Thread-Topic: another', mailTags.conversationTopic, 'another'],
    ['Thread-Index: AQHZ8w==', mailTags.conversationIndex, undefined],
    ['Date: Fri, 01 Mar 2024 10:00:00 +0100', mailTags.sentAt, Date.UTC(2024, 2, 1, 9)],
    ['Reply-By: Fri, 01 Mar 2024 10:00:00 +0100', mailTags.replyBy, Date.UTC(2024, 2, 1, 9)],
    ['Expiry-Date: Fri, 01 Mar 2024 10:00:00 +0100', mailTags.expiresAt, Date.UTC(2024, 2, 1, 9)],
    ['Keywords: Red, Blue; Red', mailTags.keywords, ['Red', 'Blue']],
    ['X-Own: =?utf-8?Q?=C3=A4?=', { set: propertySets.internetHeaders, name: 'x-own', type: 'string' } as const, 'ä'],
    ['X-Own: 1\r\nX-OWN: 2', { set: propertySets.internetHeaders, name: 'x-own', type: 'string' } as const, '1'],
  ] as const)('%s', (header, property, expected) => {
    expect(value(mail(header, '', ''), property)).toEqual(expected);
  });

  test('arrival is at the end of the topmost line of the way', () => {
    const message = mail(
      'Received: from b by c; Fri, 01 Mar 2024 10:00:05 +0000',
      'Received: from a by b; Fri, 01 Mar 2024 10:00:00 +0000',
      'Date: Thu, 29 Feb 2024 00:00:00 +0000',
      '',
      '',
    );
    expect(value(message, mailTags.receivedAt)).toBe(Date.UTC(2024, 2, 1, 10, 0, 5));
    expect(value(message, mailTags.transportHeaders)).toMatch(/^Received: from b by c; .*\r\nReceived: from a/);
  });
});

describe('parts', () => {
  const part = (type: string, ...rest: readonly string[]) => ['--b', `Content-Type: ${type}`, ...rest];
  const multi = (type: string, ...parts: readonly string[][]) =>
    mail(`Content-Type: multipart/${type}; boundary=b`, '', ...parts.flat(), '--b--', '');

  test('text and HTML as alternatives are the bodies, the HTML in its own charset', () => {
    const html = Buffer.from('<p>ä</p>', 'latin1');
    const message = messageOfMime(
      Buffer.concat([Buffer.from('Content-Type: text/html; charset=iso-8859-1\r\n\r\n'), html]),
    );
    expect(value(message, mailTags.html)).toEqual(html);
    expect(value(message, mailTags.codePage)).toBe(28591);
    expect(value(message, mailTags.nativeBody)).toBe(3);
    const both = multi('alternative', part('text/plain', '', 'hello'), part('text/html', '', '<p>hello</p>'));
    expect(value(both, mailTags.text)).toBe('hello');
    expect(value(both, mailTags.html)).toEqual(Buffer.from('<p>hello</p>'));
    expect(value(both, shapeProperty)).toBeUndefined();
  });

  test('HTML of a charset without a code page of its own becomes UTF-8, and says so', () => {
    const message = messageOfMime(
      Buffer.from(
        'Content-Type: text/html\r\n\r\n<meta http-equiv="Content-Type" content="text/html; charset=iso-2022-jp">\x1b$B$"\x1b(B',
        'latin1',
      ),
    );
    expect(value(message, mailTags.codePage)).toBe(65001);
    expect(String(value(message, mailTags.html))).toBe(
      '<meta http-equiv="Content-Type" content="text/html; charset=utf-8">あ',
    );
  });

  test('a picture of the body is hidden; when there is nothing else no list shows a paper clip', () => {
    const related = multi(
      'related',
      part('text/html', '', '<img src="cid:1@x">'),
      part('image/png', 'Content-ID: <1@x>', 'Content-Transfer-Encoding: base64', '', 'AAAA'),
    );
    expect(
      columns(
        related.attachments.map(({ properties }) => properties),
        attachmentTags.contentId,
        attachmentTags.isHidden,
        attachmentTags.flags,
      ),
    ).toEqual([['1@x', true, 4]]);
    expect(value(related, mailTags.noPaperClip)).toBe(true);
    expect(value(related, shapeProperty)).toBeUndefined();
  });

  test('an attached message is a message, named by its subject', () => {
    const message = multi(
      'mixed',
      part('text/plain', '', 'see'),
      part('message/rfc822', '', 'Subject: inner', '', 'text'),
    );
    const [attached] = message.attachments;
    expect(attached?.content).toBeNull();
    expect(attached?.message && value(attached.message, mailTags.subject)).toBe('inner');
    expect(columns([attached?.properties ?? []], attachmentTags.method, attachmentTags.displayName)).toEqual([
      [5, 'inner'],
    ]);
  });

  test('of what was signed the signed bytes are kept, and the text is there to be read', async () => {
    const signed = [
      ...part('text/plain', '', 'signed words'),
      ...part('application/pkcs7-signature; name=smime.p7s', 'Content-Transfer-Encoding: base64', '', 'AAAA'),
      '--b--',
      '',
    ].join('\r\n');
    const type = 'Content-Type: multipart/signed; protocol="application/pkcs7-signature"; micalg=sha-256; boundary=b';
    const message = mail('Subject: s', type, '', signed);
    expect(value(message, mailTags.messageClass)).toBe('IPM.Note.SMIME.MultipartSigned');
    expect(value(message, mailTags.text)).toBe('signed words');
    expect(message.attachments).toHaveLength(1);
    const content = message.attachments[0]?.content ?? null;
    expect(content && (await payloadBytes(content)).toString()).toBe(`${type}\r\n\r\n${signed}`);
    expect((await written(message)).toString()).toContain(`${type}\r\n\r\n${signed}`);
  });

  test('of a signed part of a message, files are files, and what was signed comes back as it was', async () => {
    const signed = [
      '',
      '--s',
      'Content-Type: text/plain',
      '',
      'signed words',
      '--s',
      'Content-Type: application/pdf',
      'Content-Disposition: attachment; filename=a.pdf',
      '',
      'abc',
      '--s--',
    ].join('\r\n');
    const type = 'Content-Type: multipart/signed; protocol="application/pgp-signature"; boundary=s';
    const footer = part('text/plain', '', 'You get this from a list.');
    const message = multi('mixed', ['--b', type, signed, ''], footer);
    expect(value(message, mailTags.messageClass)).toBe('IPM.Note');
    expect(value(message, mailTags.text)).toBe('signed words');
    const rows = message.attachments.map(({ properties }) => properties);
    expect(columns(rows, attachmentTags.fileName, attachmentTags.isHidden)).toEqual([
      ['a.pdf', false],
      ['smime.p7m', true],
      [undefined, false],
    ]);
    expect((await written(message)).toString()).toContain(`${type}\r\n${signed}`);
  });

  test('a picture beside the HTML that shows it is shown within it', () => {
    const html = (id: string) => part('text/html', '', `<img src="cid:${id}">`);
    const picture = part('image/png', 'Content-ID: <one@x>', '', 'abc');
    const flags = (message: ReturnType<typeof multi>) =>
      columns([message.attachments[0]?.properties ?? []], attachmentTags.flags, attachmentTags.isHidden);
    expect(flags(multi('mixed', html('one@x'), picture))).toEqual([[4, true]]);
    expect(flags(multi('mixed', html('one%40x'), picture))).toEqual([[4, true]]);
    expect(flags(multi('mixed', html('two@x'), picture))).toEqual([[0, false]]);
  });

  test.each([
    ['application/pkcs7-mime; smime-type=enveloped-data', 'IPM.Note.SMIME'],
    ['multipart/report; report-type=delivery-status; boundary=b', 'REPORT.IPM.Note.NDR'],
    ['text/plain', 'IPM.Note'],
  ])('%s is %s', (type, expected) => {
    expect(value(mail(`Content-Type: ${type}`, '', '--b', '', 'x', '--b--'), mailTags.messageClass)).toBe(expected);
  });

  test.each([
    ['Action: delivered', 'DR'],
    ['Action: delayed', 'Delayed'],
    ['Action: delivered\r\n\r\nAction: failed', 'NDR'],
  ])('a report that says %j is %s', (status, kind) => {
    const report = multi(
      'report; report-type=delivery-status',
      part('text/plain', '', 'x'),
      part('message/delivery-status', '', status),
    );
    expect(value(report, mailTags.messageClass)).toBe(`REPORT.IPM.Note.${kind}`);
  });

  test.each([
    ['displayed', 'IPNRN'],
    ['deleted', 'IPNNRN'],
  ])('a receipt that says %s is %s', (said, kind) => {
    const receipt = multi(
      'report; report-type=disposition-notification',
      part('text/plain', '', 'x'),
      part('message/disposition-notification', '', `Disposition: manual-action/MDN-sent-manually; ${said}`),
    );
    expect(value(receipt, mailTags.messageClass)).toBe(`REPORT.IPM.Note.${kind}`);
  });
});

describe('the shape', () => {
  const shapes = fc.letrec<{ shape: MimeShape }>((tie) => ({
    shape: fc.oneof(
      { maxDepth: 5 },
      fc.constantFrom<MimeShape>({ kind: 'text' }, { kind: 'html' }, { kind: 'empty' }),
      fc.nat({ max: 999_999 }).map((index): MimeShape => ({ kind: 'attachment', index })),
      fc
        .record({
          subtype: fc.constantFrom('mixed', 'related', 'x-y.z+1'),
          parts: fc.array(tie('shape'), { maxLength: 4 }),
        })
        .map((one): MimeShape => ({ kind: 'multipart', ...one })),
    ),
  })).shape;

  test('is read as it was written', () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        expect(readShape(writeShape(shape))).toEqual(shape);
      }),
    );
  });
  test('any other text is none, however deep it claims to be', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('t', 'h', '0', '(', ')', ',', 'm') }), (text) => {
        const shape = readShape(text);
        if (shape !== null) expect(readShape(writeShape(shape))).toEqual(shape);
      }),
    );
    expect(readShape(`${'m('.repeat(100_000)}`)).toBeNull();
  });
  test('one that names attachments which are not there is put aside', async () => {
    const message = mail('Content-Type: text/plain', '', 'hello');
    const spoilt = {
      ...message,
      properties: [...message.properties, { property: shapeProperty, value: 'mixed(t,7)' }],
    };
    expect(canonicalContent(await written(spoilt)).bodies.map(({ text }) => text)).toEqual(['hello']);
  });
});

describe('whatever comes', () => {
  test('a message of any properties becomes MIME of the length that it says', async () => {
    const loaded = fc
      .tuple(
        anyMapiMessage,
        fc.array(fc.tuple(fc.constantFrom(...Object.values(mailTags)), fc.string({ unit: 'binary', maxLength: 80 }))),
      )
      .map(([message, texts]) => ({
        ...message,
        properties: [...texts.map(([property, text]) => ({ property, value: text })), ...message.properties],
      }));
    await fc.assert(
      fc.asyncProperty(loaded, async (message) => {
        const mime = mimeOfMessage(message);
        expect((await payloadBytes(mime)).length).toBe(mime.sizeBytes);
      }),
      { numRuns: 200 },
    );
  });

  test('no value ends its header and begins another', async () => {
    const nasty = fc.string({
      unit: fc.constantFrom('a', ' ', '\r', '\n', '"', '<', '>', '\0', 'ä', ':', ',', ';', '=?'),
      maxLength: 60,
    });
    await fc.assert(
      fc.asyncProperty(nasty, nasty, nasty, async (subject, name, file) => {
        const message: MapiMessage = {
          properties: [
            { property: mailTags.subject, value: `${subject}\r\nX-Smuggled: 1` },
            { property: mailTags.messageId, value: `${subject}\r\nX-Smuggled: 1` },
            { property: { tag: 0x0042, type: 'string' }, value: `${name}\r\nX-Smuggled: 1` },
            { property: { tag: 0x5d02, type: 'string' }, value: `a@x\r\nX-Smuggled: ${name}` },
          ],
          recipients: [],
          attachments: [
            {
              properties: [
                { property: attachmentTags.fileName, value: `${file}\r\nX-Smuggled: 1` },
                { property: attachmentTags.contentType, value: `text/${file}\r\nX-Smuggled: 1` },
                { property: attachmentTags.contentId, value: `${file}\r\nX-Smuggled: 1` },
                { property: attachmentTags.contentLocation, value: `${file}\r\nX-Smuggled: 1` },
                { property: attachmentTags.disposition, value: `${file}\r\nX-Smuggled: 1` },
                { property: attachmentTags.charset, value: `${file}\r\nX-Smuggled: 1` },
              ],
              content: null,
              message: null,
            },
          ],
        };
        const whole = splitMime(await written(message));
        const names = [whole, ...whole.children].flatMap(({ headers }) => headers.map((one) => one.name.toLowerCase()));
        expect(names).not.toContain('x-smuggled');
      }),
      { numRuns: 300 },
    );
  });

  test.skipIf(!hasSamples)(
    'spoilt samples are read and written as far as they go',
    async () => {
      const samples = [...sampleMails()].filter(({ mime }) => mime.length < 50_000).map(({ mime }) => mime);
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(...samples),
          fc.array(
            fc.tuple(fc.nat(), fc.oneof(fc.nat({ max: 255 }), fc.constantFrom(10, 13, 45, 58)), fc.nat({ max: 40 })),
            { minLength: 1, maxLength: 8 },
          ),
          async (sample, changes) => {
            let mime = Buffer.from(sample);
            for (const [at, byte, cut] of changes) {
              const place = at % Math.max(1, mime.length);
              mime[place] = byte;
              if (cut > 30) mime = Buffer.concat([mime.subarray(0, place), mime.subarray(place + cut)]);
            }
            const back = mimeOfMessage(messageOfMime(mime));
            expect((await payloadBytes(back)).length).toBe(back.sizeBytes);
          },
        ),
        { numRuns: 1_500 },
      );
    },
    120_000,
  );
});
