import { describe, expect, test } from 'vitest';
import { payloadBytes } from '#kit/payload.ts';
import { isSameProperty, type MapiMessage } from '../mapi/mapi-message.ts';
import { canonicalContent, differences } from '../text/mime-canonical.ts';
import { mailTags } from './mail-tags.ts';
import { messageOfMime } from './message-of-mime.ts';
import { mimeOfMessage } from './mime-of-message.ts';
import { hasSamples, sampleMails } from './samples.fixture.ts';

const rebuilt = (mime: Buffer): Promise<Buffer> => payloadBytes(mimeOfMessage(messageOfMime(mime)));

/** A message and those inside of it as if they had been written here, not arrived. */
const withoutArrival = (message: MapiMessage): MapiMessage => ({
  ...message,
  properties: message.properties.filter(({ property }) => !isSameProperty(property, mailTags.transportHeaders)),
  attachments: message.attachments.map((one) => ({
    ...one,
    message: one.message === null ? null : withoutArrival(one.message),
  })),
});

describe.skipIf(!hasSamples)('samples', () => {
  test('come back as MIME in which a person sees the same, and machines read the same headers', async () => {
    const bad: string[] = [];
    for (const { name, mime } of sampleMails()) {
      const back = await rebuilt(mime);
      const found = differences(canonicalContent(mime), canonicalContent(back));
      for (const { path, left, right } of found) bad.push(`${name}: ${path}: ${left} | ${right}`);
    }
    expect(bad).toEqual([]);
  }, 120_000);

  test('without the headers kept as a whole, properties alone make the same of them', async () => {
    const bad: string[] = [];
    for (const { name, mime } of sampleMails()) {
      const back = await payloadBytes(mimeOfMessage(withoutArrival(messageOfMime(mime))));
      const found = differences(canonicalContent(mime), canonicalContent(back));
      for (const { path, left, right } of found)
        if (!/(?:^|[.])headers[.]/.test(path)) bad.push(`${name}: ${path}: ${left} | ${right}`);
    }
    expect(bad).toEqual([]);
  }, 120_000);
});
