import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { reference } from '#formats/text/reference.fixture.ts';
import { FaultError } from '#kit/fault.ts';
import { type StreamingEvents, streamingEvents } from './get-streaming-events.ts';

const composed = reference('protocol/ews/fixtures/composed');
const fixture = (name: string): Buffer => readFileSync(join(composed ?? '', `GetStreamingEvents-${name}-response.xml`));

async function* cutEvery(bytes: Buffer, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
async function all(body: AsyncIterable<Uint8Array>): Promise<StreamingEvents[]> {
  const events: StreamingEvents[] = [];
  for await (const one of streamingEvents(body)) events.push(one);
  return events;
}

describe.skipIf(composed === null)('a streaming answer', () => {
  test('is a row of envelopes, however it is cut', async () => {
    const row = Buffer.concat([
      fixture('chunk-open'),
      fixture('chunk-heartbeat'),
      fixture('chunk-events'),
      Buffer.from('\r\n'),
      fixture('chunk-closed'),
    ]);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: row.length }), async (size) => {
        const events = await all(cutEvery(row, size));
        expect(events.map(({ status }) => status)).toEqual(['OK', null, null, 'Closed']);
        expect(events.map(({ notifications }) => notifications.reduce((sum, { changes }) => sum + changes, 0))).toEqual(
          [0, 0, 3, 0],
        );
        expect(events[2]?.notifications[0]?.subscriptionId).toBe('f6bc657d-dde1-4f94-952d-143b95d6483d');
        expect(events.every(({ fault }) => fault === null)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  test('says which subscriptions are lost', async () => {
    const [event] = await all(cutEvery(fixture('invalid-subscription'), 1000));
    expect(event).toMatchObject({
      status: 'Closed',
      lost: ['f6bc657d-dde1-4f94-952d-143b95d6483d'],
      fault: { kind: 'transient' },
    });
  });

  test('that breaks off just ends', async () => {
    const row = Buffer.concat([fixture('chunk-open'), fixture('chunk-events').subarray(0, 700)]);
    expect((await all(cutEvery(row, 100))).map(({ status }) => status)).toEqual(['OK']);
  });

  test('that is a fault throws it', async () => {
    const busy = readFileSync(join(composed ?? '', 'Fault-ErrorServerBusy.xml'));
    const error = await all(cutEvery(busy, 100)).catch((thrown: unknown) => thrown);
    expect(error instanceof FaultError && error.fault).toMatchObject({ kind: 'throttled', retryAfterMs: 17_500 });
  });

  test('that is something else is refused', async () => {
    const text = Buffer.from(
      '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><x></e:Envelope>',
    );
    const error = await all(cutEvery(text, 10)).catch((thrown: unknown) => thrown);
    expect(error instanceof FaultError && error.fault).toMatchObject({ kind: 'fatal', code: 'protocol' });
  });
});
