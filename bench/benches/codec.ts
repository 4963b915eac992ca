import { messageOfStream } from '#formats/fast-transfer/message-of-stream.ts';
import { streamOfMessage } from '#formats/fast-transfer/stream-of-message.ts';
import type { MapiMessage } from '#formats/mapi/mapi-message.ts';
import { messageOfMime } from '#formats/mime-mapi/message-of-mime.ts';
import { mimeOfMessage } from '#formats/mime-mapi/mime-of-message.ts';
import { type Payload, payloadBytes } from '#kit/payload.ts';
import type { Bench } from '../support/bench.ts';
import { against, round } from '../support/results.ts';

const seconds = 3;
const barMbPerSecond = 50;
const largeBytes = 64 << 20;

/** Like most mail: eight lines of headers from the way, text and HTML, now and then a file. */
function smallMime(n: number): Buffer {
  const words = `Message ${n} says the same as many others, in words that no two of them have alike: ${n * 7919}. `;
  const text = words.repeat(12);
  const received = `Received: from mx${n}.example.test (192.0.2.${n % 250}) by mail.example.test with ESMTPS id ${n}; Fri, 01 Mar 2024 10:00:00 +0100`;
  const file =
    n % 4 > 0
      ? []
      : [
          '--outer',
          'Content-Type: application/pdf; name="plan.pdf"',
          'Content-Disposition: attachment; filename="plan.pdf"',
          'Content-Transfer-Encoding: base64',
          '',
          ...(Buffer.alloc(30_000, n)
            .toString('base64')
            .match(/.{1,76}/g) ?? []),
        ];
  return Buffer.from(
    [
      ...Array<string>(8).fill(received),
      'From: Ann Example <ann@example.test>',
      'To: Ben Example <ben@example.test>, Cleo Example <cleo@example.test>',
      `Subject: Re: message ${n}`,
      'Date: Fri, 01 Mar 2024 10:00:00 +0100',
      `Message-ID: <${n}@example.test>`,
      'MIME-Version: 1.0',
      'Content-Type: multipart/mixed; boundary=outer',
      '',
      '--outer',
      'Content-Type: multipart/alternative; boundary=inner',
      '',
      '--inner',
      'Content-Type: text/plain; charset=utf-8',
      '',
      text,
      '--inner',
      'Content-Type: text/html; charset=utf-8',
      '',
      `<html><body><p>${text}</p></body></html>`,
      '--inner--',
      ...file,
      '--outer--',
      '',
    ].join('\r\n'),
  );
}

const lines = (bytes: Buffer): string => bytes.toString('base64').replace(/.{1,76}/g, '$&\r\n');
const largeMime = (sizeBytes: number): Buffer =>
  Buffer.from(
    `From: a@example.test\r\nSubject: large\r\nContent-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=large.bin\r\nContent-Transfer-Encoding: base64\r\n\r\n${lines(Buffer.alloc(sizeBytes, 'large'))}`,
    'latin1',
  );

async function length(payload: Payload): Promise<number> {
  let bytes = 0;
  for await (const chunk of payload.bytes()) bytes += chunk.length;
  return bytes;
}

const cpuSeconds = (since?: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1e6;
};

/** MB of work in a second of CPU time, its garbage collection included, over so many seconds, after one round for the compiler. */
async function rate(what: () => number | Promise<number>, least: number): Promise<number> {
  await what();
  let bytes = 0;
  const from = process.cpuUsage();
  do bytes += await what();
  while (cpuSeconds(from) < least);
  return bytes / 1e6 / cpuSeconds(from);
}

interface Rates {
  readonly encode: number;
  readonly decode: number;
  readonly copy: number;
  readonly fromMime: number;
  readonly toMime: number;
}

async function measure(mimes: readonly Buffer[], least: number): Promise<Rates> {
  const messages = mimes.map((mime) => messageOfMime(mime));
  const streams = await Promise.all(messages.map((message) => payloadBytes(streamOfMessage(message))));
  const total = (buffers: readonly Buffer[]) => buffers.reduce((sum, { length: size }) => sum + size, 0);
  const [streamBytes, mimeBytes] = [total(streams), total(mimes)];
  const each = async (some: readonly MapiMessage[], make: (message: MapiMessage) => Payload) => {
    for (const message of some) await length(make(message));
  };
  const read = streams.map((bytes) => messageOfStream(bytes).message);
  return {
    copy: await rate(() => {
      for (const bytes of streams) Buffer.from(bytes);
      return streamBytes;
    }, least),
    encode: await rate(async () => {
      await each(read, (message) => streamOfMessage(message));
      return streamBytes;
    }, least),
    decode: await rate(() => {
      for (const bytes of streams) messageOfStream(bytes);
      return streamBytes;
    }, least),
    fromMime: await rate(async () => {
      for (const mime of mimes) await length(streamOfMessage(messageOfMime(mime)));
      return mimeBytes;
    }, least),
    toMime: await rate(async () => {
      await each(read, mimeOfMessage);
      return mimeBytes;
    }, least),
  };
}

/** Streams of mail made and read, beside a plain copy of the same bytes: of many small mails, and of one with a large file. */
export const codec: Bench = async ({ quick, items, say }) => {
  const least = quick ? seconds / 10 : seconds;
  const count = items ?? (quick ? 200 : 2_000);
  const small = await measure(
    Array.from({ length: count }, (_, n) => smallMime(n)),
    least,
  );
  say(`codec: small done, encode ${round(small.encode)} MB/s, decode ${round(small.decode)} MB/s`);
  const large = await measure([largeMime(quick ? largeBytes / 8 : largeBytes)], least);
  const enough = (value: number) => value >= barMbPerSecond;
  const rows = [
    ['small mails', small],
    ['a large file', large],
  ] as const;
  const rounded = (rates: Rates) =>
    Object.fromEntries(Object.entries(rates).map(([name, value]) => [name, round(value)]));
  return {
    figures: { small: rounded(small), large: rounded(large) },
    lines: rows.flatMap(([name, rates]) => [
      against(`${name}: streams made, MB/s`, rates.encode, `≥ ${barMbPerSecond}`, enough),
      against(`${name}: streams read, MB/s`, rates.decode, `≥ ${barMbPerSecond}`, enough),
      `  a plain copy of the same bytes: ${round(rates.copy)} MB/s; MIME to stream ${round(rates.fromMime)}, back ${round(rates.toMime)} MB/s of MIME`,
    ]),
    details: { small, large, count },
  };
};
