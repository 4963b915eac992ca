import { createRequire } from 'node:module';
import fc from 'fast-check';
import { payloadOfBytes } from '#kit/payload.ts';
import type { FolderId, ItemId, Version } from '#model/ids.ts';
import { type MailContent, type MailFields, type MailHead, MESSAGE_FLAG_READ } from '#model/mail.ts';
import { absentMailFields, type MailField, mailFields, mailProperties } from '#model/mail-properties.ts';
import type { PropertyRow } from '#model/property-row.ts';

/** Random mail: every field at a sample of the property table, and MIME as another library writes it. */

const MailComposer = createRequire(import.meta.url)('nodemailer/lib/mail-composer') as new (
  mail: object,
) => { compile(): { build(): Promise<Buffer> } };

/** The library cuts encoded words within characters beyond the first 65,536, which then are none. */
const whole = /[\u{10000}-\u{10ffff}]/gu;
const words = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 30 }).map((text) => text.replace(whole, '')),
  fc.constantFrom(
    '',
    'Grüße; "x", <y>',
    '会議の件',
    'Re: Re: plan',
    'A subject that is long enough to be folded. '.repeat(4),
  ),
);
/** Of one line, with no white space that a header field would not keep. */
const line = words.map((text) => text.replace(/[\p{C}\p{Z}\s]+/gu, ' ').trim());
const lines = fc
  .array(
    words.map((text) => text.replace(/[\p{Cc}\p{Cs}]/gu, '')),
    { maxLength: 4 },
  )
  .map((some) => some.join('\r\n'));
const person = fc.record({
  name: fc.constantFrom('', 'Ben Ott', 'Zoë Ål', 'O’Hara, Pat', 'Сергей'),
  address: fc.integer({ min: 0, max: 9 }).map((n) => `person${n}@else.example`),
});
const people = fc.uniqueArray(person, { selector: ({ address }) => address, maxLength: 3 });
const escaped = (text: string) => text.replace(/[&<>]/g, (c) => `&#${c.charCodeAt(0)};`);

const file = fc.record({
  filename: fc.constantFrom('a.txt', 'Grüße.pdf', '会.bin', 'a "b".doc'),
  contentType: fc.constantFrom('text/plain', 'application/pdf', 'application/octet-stream'),
  content: fc.uint8Array({ minLength: 1, maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
});

interface Written {
  readonly subject: string;
  readonly to: readonly { readonly name: string; readonly address: string }[];
  readonly cc: readonly { readonly name: string; readonly address: string }[];
  readonly bcc: readonly { readonly name: string; readonly address: string }[];
  readonly sentAt: number;
  readonly text: string;
  readonly html: string;
  readonly forms: 'text' | 'html' | 'both';
  readonly files: readonly { readonly filename: string; readonly contentType: string; readonly content: Buffer }[];
  readonly picture: boolean;
  readonly forwarded: string | null;
  readonly encoding: 'base64' | 'quoted-printable';
  readonly custom: string;
  readonly wantsReceipt: boolean;
}
const written: fc.Arbitrary<Written> = fc.record({
  subject: line,
  to: people,
  cc: people,
  bcc: people,
  sentAt: fc.integer({ min: 900_000_000, max: 1_690_000_000 }).map((seconds) => seconds * 1000),
  text: lines,
  html: lines,
  forms: fc.constantFrom('text', 'html', 'both'),
  files: fc.array(file, { maxLength: 2 }),
  picture: fc.boolean(),
  forwarded: fc.option(line),
  encoding: fc.constantFrom('base64', 'quoted-printable'),
  custom: line,
  wantsReceipt: fc.boolean(),
});

/** Fields that a person or a server sets beside the MIME. */
const fields = fc.record(
  Object.fromEntries(
    mailFields.map((field) => {
      const { carriage, sample } = mailProperties[field] as PropertyRow<unknown>;
      const absent = absentMailFields[field] ?? null;
      return [field, carriage === 'state' || carriage === 'fact' ? fc.constantFrom(...sample) : fc.constant(absent)];
    }),
  ),
) as unknown as fc.Arbitrary<MailFields>;

async function mimeOf(mail: Written, n: number): Promise<Buffer> {
  const picture = { filename: 'image001.png', contentType: 'image/png', content: Buffer.from([n, 1, 2]), cid: 'i1@x' };
  const inner = new MailComposer({
    ...{ from: 'ivo@else.example', to: 'ben@else.example', subject: mail.forwarded ?? '', text: 'inner' },
    ...{ date: new Date(mail.sentAt), messageId: `<inner-${n}@else.example>`, baseBoundary: `inner${n}` },
  });
  const html = `<html><body><p>${escaped(mail.html)}</p>${mail.picture ? '<img src="cid:i1@x">' : ''}</body></html>`;
  const composer = new MailComposer({
    from: { name: 'Ivo Ø', address: 'ivo@else.example' },
    ...{ to: mail.to, cc: mail.cc, subject: mail.subject },
    ...{ date: new Date(mail.sentAt), messageId: `<${n}@else.example>`, baseBoundary: `outer${n}` },
    ...(mail.forms === 'html' ? {} : { text: mail.text }),
    ...(mail.forms === 'text' ? {} : { html }),
    textEncoding: mail.encoding,
    attachments: [
      ...(mail.picture && mail.forms !== 'text' ? [picture] : []),
      ...mail.files,
      ...(mail.forwarded === null
        ? []
        : [{ filename: 'forwarded.eml', contentType: 'message/rfc822', content: await inner.compile().build() }]),
    ],
    headers: {
      ...(mail.custom === '' ? {} : { 'X-Custom': mail.custom }),
      ...(mail.wantsReceipt ? { 'Disposition-Notification-To': 'ivo@else.example' } : {}),
    },
  });
  return composer.compile().build();
}

let made = 0;

/** A mail as if another server had shown it: what its MIME says stands among its fields as well. */
export const anyMail: fc.Arbitrary<() => Promise<MailContent>> = fc.record({ fields, written }).map((given) => {
  const n = ++made;
  const flags = given.fields.messageFlags & ~MESSAGE_FLAG_READ;
  const all: MailFields = {
    ...given.fields,
    itemClass: 'IPM.Note',
    messageFlags: given.fields.isRead ? flags | MESSAGE_FLAG_READ : flags,
    subject: given.written.subject === '' ? null : given.written.subject,
    internetMessageId: `<${n}@else.example>`,
    sentAt: given.written.sentAt,
    readReceiptRequested: given.written.wantsReceipt,
    hasAttachments: given.written.files.length > 0,
  };
  const isState = (field: MailField) => mailProperties[field].carriage === 'state';
  const pick = (wanted: (field: MailField) => boolean) =>
    Object.fromEntries(mailFields.filter(wanted).map((field) => [field, all[field]]));
  const head: MailHead = {
    id: 'source item' as ItemId,
    version: 'source version' as Version,
    folder: 'source folder' as FolderId,
    state: pick(isState) as unknown as MailHead['state'],
    facts: pick((field) => !isState(field)) as unknown as MailHead['facts'],
    stamp: null,
    unread: [],
  };
  const bcc = given.written.bcc.map(({ name, address }) => `${name || address} <${address}>`);
  return async () => ({ head, mime: payloadOfBytes(await mimeOf(given.written, n)), bcc });
});
