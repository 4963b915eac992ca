/** What messages that are more than mail have besides their MIME: verify says when it could not read it. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { memoryConnector } from '#connectors/memory/memory-connector.ts';
import type { StoredItem } from '#connectors/memory/memory-organization.ts';
import { type Fault, FaultError } from '#kit/fault.ts';
import type { RawProperty } from '#model/mail.ts';
import { propertySets } from '#model/property-row.ts';
import { MemoryPair } from './pair.fixture.ts';

let pair: MemoryPair;
beforeEach(async () => {
  pair = await MemoryPair.open();
});
afterEach(() => pair.close());

const meetingType = (value: number): RawProperty => ({
  property: { set: propertySets.meeting, lid: 0x0026, type: 'integer' },
  values: [String(value)],
});
/** [MS-OXOCAL] 2.2.6.5. */
const request = 0x1;

function invite(n: number): StoredItem {
  const mime = Buffer.from(`Subject: plan ${n}\r\nMessage-ID: <${n}@source.test>\r\nFrom: a@x.test\r\n\r\nhello\r\n`);
  const facts = {
    itemClass: 'IPM.Schedule.Meeting.Request',
    subject: `plan ${n}`,
    internetMessageId: `<${n}@source.test>`,
  };
  const item = pair.left.add(pair.left.byRole('inbox'), mime, facts);
  item.ofClass = [meetingType(request)];
  return item;
}
const copies = () => [...pair.right.items.values()];

const unreadable = [
  { kind: 'throttled', retryAfterMs: 1000, limit: 'requests' },
  { kind: 'transient', detail: 'busy', mayHaveHappened: false },
  { kind: 'poison', reason: 'corrupt', detail: 'cannot be read' },
] as const satisfies readonly Fault[];

test.each(unreadable)('an item of which they cannot be read ($kind) is not taken for equal', async (fault) => {
  const [first] = [invite(0), invite(1)];
  await pair.sync();
  const [copy] = copies();
  for (const [organization, id] of [
    [pair.source, first.id],
    [pair.target, copy?.id],
  ] as const) {
    organization.itemFault = (operation, item) => (operation === 'properties' && item.id === id ? fault : null);
    const report = await pair.verify();
    expect(report).toMatchObject({ grade: 'poor', compared: 2 });
    expect(report.findings).toMatchObject([
      { kind: 'unreadable', property: 'class properties', left: first.id, explainedBy: null },
    ]);
    organization.itemFault = () => null;
  }
  expect(await pair.verify()).toMatchObject({ grade: 'perfect', compared: 2 });
});

test('one that is gone by now is no finding of theirs', async () => {
  const first = invite(0);
  await pair.sync();
  pair.source.itemFault = (operation, { id }) =>
    operation === 'properties' && id === first.id ? { kind: 'gone', detail: 'removed' } : null;
  expect((await pair.verify()).findings).toEqual([]);
});

test.each([{ share: 1 }, { share: 0 }])('a request that fails as a whole is split (contents %o)', async (contents) => {
  const items = Array.from({ length: 5 }, (_, n) => invite(n));
  await pair.sync();
  let failures = 0;
  const box = memoryConnector(pair.source);
  const left = {
    ...box,
    mailbox: (address: string) => {
      const mailbox = box.mailbox(address);
      return {
        ...mailbox,
        properties: async (...call: Parameters<typeof mailbox.properties>) => {
          if (call[0].includes(items[3]?.id as (typeof call)[0][number])) {
            failures++;
            throw new FaultError({ kind: 'poison', reason: 'corrupt', detail: 'the server broke off' });
          }
          return mailbox.properties(...call);
        },
      };
    },
  };
  const report = await pair.verify({ contents, propertyLists: { share: 0 } }, { left });
  expect(failures).toBeGreaterThan(1);
  expect(report).toMatchObject({ compared: 5 });
  expect(report.findings).toMatchObject([{ kind: 'unreadable', property: 'class properties', left: items[3]?.id }]);
});
