import { createHash } from 'node:crypto';
import { simpleParser } from 'mailparser';
import { describe, expect, test } from 'vitest';
import { messageOfStream } from '#formats/fast-transfer/message-of-stream.ts';
import { streamOfMessage } from '#formats/fast-transfer/stream-of-message.ts';
import { isSameProperty, type MapiMessage } from '#formats/mapi/mapi-message.ts';
import { mailTags } from '#formats/mime-mapi/mail-tags.ts';
import { messageOfMime } from '#formats/mime-mapi/message-of-mime.ts';
import { mimeOfMessage } from '#formats/mime-mapi/mime-of-message.ts';
import { hasSamples, sampleMails } from '#formats/mime-mapi/samples.fixture.ts';
import { canonicalContent } from '#formats/text/mime-canonical.ts';
import { compareContents } from '#jobs/verify/compare-contents.ts';
import { payloadBytes } from '#kit/payload.ts';

const bytesOf = (message: MapiMessage): Promise<Buffer> => payloadBytes(mimeOfMessage(message));
const side = (mime: Buffer) => ({ mime, bcc: [] });

/** Through a stream and back, as a mail goes that is imported and exported. */
async function carried(mime: Buffer): Promise<Buffer> {
  const stream = await payloadBytes(streamOfMessage(messageOfMime(mime)));
  return bytesOf(messageOfStream(stream).message);
}

/** A message and those inside of it as if they had been written there, not arrived. */
const withoutArrival = (message: MapiMessage): MapiMessage => ({
  ...message,
  properties: message.properties.filter(({ property }) => !isSameProperty(property, mailTags.transportHeaders)),
  attachments: message.attachments.map((one) => ({
    ...one,
    message: one.message === null ? null : withoutArrival(one.message),
  })),
});

interface Seen {
  readonly subject: string;
  readonly to: string;
  readonly text: string;
  readonly html: string;
  readonly files: string;
}
const words = (text: string): string => text.replace(/\s+/g, ' ').trim();
/** Without the breaks that the other library puts in place of texts that come before the HTML. */
const html = (text: string): string =>
  words(text.replace(/^(?:<br\/>\s*)+/, '')).replace(
    /(<meta\b[^>]{0,400}?\bcharset\s*=\s*["']?)([\w.:-]+)/gi,
    '$1utf-8',
  );
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** What a library reads that has no part in the codec. */
async function seenByAnother(mime: Buffer): Promise<Seen> {
  const parsed = await simpleParser(mime, { skipHtmlToText: true, skipTextToHtml: true, skipImageLinks: true });
  const to = [parsed.to ?? []].flat().flatMap(({ value }) => value.map(({ address }) => address?.toLowerCase() ?? ''));
  return {
    subject: words(parsed.subject ?? ''),
    to: to.join(),
    text: words(parsed.text ?? ''),
    html: html(parsed.html || ''),
    files: parsed.attachments.map(({ content }) => sha256(content)).join(),
  };
}

/** What a message says by the reading that is ours. */
function seenByUs(mime: Buffer): Seen {
  const { subject, to, bodies, attachments } = canonicalContent(mime);
  const bodyOf = (type: string) => bodies.filter((body) => body.type === type).map(({ text }) => text);
  return {
    subject: words(subject ?? ''),
    to: to.map(({ address }) => address.toLowerCase()).join(),
    text: words(bodyOf('text/plain').join(' ')),
    html: html(bodyOf('text/html').join(' ')),
    files: attachments.map((one) => (one.message === null ? one.sha256 : 'message')).join(),
  };
}

describe.skipIf(!hasSamples)('all 172 sample mails, most of them odd', () => {
  const samples = [...sampleMails()];

  test('are there', () => {
    expect(samples).toHaveLength(172);
  });

  test('come back through a stream with everything that verify compares', async () => {
    const differing: string[] = [];
    for (const { name, mime } of samples) {
      const found = compareContents(side(mime), side(await carried(mime)));
      differing.push(...found.map(({ path, left, right }) => `${name}: ${path}: ${left} | ${right}`));
    }
    expect(differing).toEqual([]);
  }, 120_000);

  test('are made of properties alone, where the headers of the way were not kept', async () => {
    const differing: string[] = [];
    for (const { name, mime } of samples) {
      const back = await bytesOf(withoutArrival(messageOfMime(mime)));
      const found = compareContents(side(mime), side(back)).filter(({ path }) => !/(?:^|\.)headers\./.test(path));
      differing.push(...found.map(({ path, left, right }) => `${name}: ${path}: ${left} | ${right}`));
    }
    expect(differing).toEqual([]);
  }, 120_000);

  test('say the same to a library that has no part in it, wherever it reads the original as we do', async () => {
    const differing: string[] = [];
    let compared = 0;
    for (const { name, mime } of samples) {
      const ours = seenByUs(mime);
      const [before, after] = [await seenByAnother(mime), await seenByAnother(await carried(mime))];
      for (const field of ['subject', 'to', 'text', 'html', 'files'] as const) {
        if (before[field] !== ours[field]) continue;
        compared++;
        if (after[field] !== ours[field]) differing.push(`${name}: ${field}`);
      }
    }
    expect(differing).toEqual([]);
    // Of 860; the others are broken in a way that the two read differently.
    expect(compared).toBeGreaterThan(750);
  }, 120_000);
});
