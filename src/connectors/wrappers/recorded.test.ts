import { expect, test } from 'vitest';
import { FaultError } from '#kit/fault.ts';
import { payloadOfBytes } from '#kit/payload.ts';
import type { FolderId } from '#model/ids.ts';
import { type CallRecord, meter, recorded } from './recorded.ts';
import { draft, item, jumpingClock, scripted, within } from './scripted.fixture.ts';

test('every call is told, with what was moved and how it ended', async () => {
  const clock = jumpingClock();
  const busy = { kind: 'throttled', retryAfterMs: 1, limit: 'EWS' } as const;
  const { connector } = scripted(
    {
      answer: new Map<string, unknown>([
        ['a', { mime: payloadOfBytes(Buffer.alloc(500)) }],
        ['b', busy],
      ]),
    },
    { answer: [busy] },
    { fault: { kind: 'gone', detail: 'x' } },
  );
  const records: CallRecord[] = [];
  const sums = meter();
  const mailbox = recorded(connector, {
    side: 'target',
    clock,
    note: (record) => {
      records.push(record);
      sums.add(record);
    },
  }).mailbox('ana@contoso.test');
  await mailbox.contents(
    [
      { id: item('a'), sizeBytes: 400 },
      { id: item('b'), sizeBytes: 400 },
    ],
    within(1000),
  );
  await mailbox.create('f' as FolderId, [draft(70)], within(1000));
  await expect(mailbox.tree(within(1000))).rejects.toThrow(FaultError);
  const common = { side: 'target', organization: 'contoso', mailbox: 'ana@contoso.test', ms: 0 };
  expect(records).toEqual([
    { ...common, operation: 'contents', items: 2, bytes: 500, fault: null, itemFaults: 1 },
    { ...common, operation: 'create', items: 1, bytes: 70, fault: null, itemFaults: 1 },
    { ...common, operation: 'tree', items: 1, bytes: 0, fault: 'gone', itemFaults: 0 },
  ]);
  expect(sums.totals.get('target contents')).toEqual({
    calls: 1,
    items: 2,
    bytes: 500,
    ms: 0,
    msMax: 0,
    itemFaults: 1,
    faults: {},
  });
  expect(sums.totals.get('target tree')).toMatchObject({ calls: 1, faults: { gone: 1 } });
});

test('a broken assumption is told as such, and passes', async () => {
  const records: CallRecord[] = [];
  const { connector } = scripted();
  const mailbox = recorded(connector, {
    side: 'source',
    clock: jumpingClock(),
    note: (record) => records.push(record),
  }).mailbox('ana');
  await expect(mailbox.ping(within(1000))).rejects.toThrow('nothing is scripted');
  expect(records).toMatchObject([{ operation: 'ping', fault: 'broken' }]);
});
