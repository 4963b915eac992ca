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
const [request, outOfDate] = [0x1, 0x80000];

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

test('a change on the source is carried, once, silently', async () => {
  const [first, other] = [invite(0), invite(1)];
  await pair.sync();
  const [before] = copies();
  // [MS-OXOCAL] 3.1.5.2: a client marks the request that a newer one replaces, and nothing else of it changes.
  first.ofClass = [meetingType(outOfDate)];
  pair.left.rewrite(first.id, first.mime, first.facts.subject);
  // Nor when it changes more of it.
  other.ofClass = [meetingType(outOfDate)];
  pair.left.edit(other.id, { importance: 'high' });
  await pair.sync();
  expect(copies().map(({ ofClass }) => ofClass)).toEqual([[meetingType(outOfDate)], [meetingType(outOfDate)]]);
  expect(copies().map(({ id }) => id)).not.toContain(before?.id);
  expect(await pair.verify()).toMatchObject({ grade: 'perfect', compared: 2, surplus: 0 });
  expect([...pair.left.sent, ...pair.right.sent]).toEqual([]);
  const after = copies().map(({ id }) => id);
  await pair.sync();
  expect(copies().map(({ id }) => id)).toEqual(after);
});

test('a change of something else leaves the copy where it is', async () => {
  const item = invite(0);
  await pair.sync();
  const [before] = copies();
  pair.left.edit(item.id, { importance: 'high' });
  await pair.sync();
  expect(copies()).toMatchObject([{ id: before?.id, state: { importance: 'high' } }]);
});

function changeCopy(): StoredItem {
  const [copy] = copies();
  if (!copy) throw new Error('no copy');
  copy.ofClass = [meetingType(outOfDate)];
  pair.right.rewrite(copy.id, copy.mime, copy.facts.subject);
  return copy;
}

test('a change on the target is the person’s, stays, and does not keep the copy when the item goes', async () => {
  const item = invite(0);
  await pair.sync();
  const copy = changeCopy();
  expect(await pair.verify()).toMatchObject({ grade: 'poor' });
  await pair.sync();
  const report = await pair.verify();
  expect(report).toMatchObject({
    grade: 'good',
    findings: [{ property: 'PidLidMeetingType', explainedBy: 'changed on the target by a person' }],
  });
  pair.left.edit(item.id, { importance: 'high' });
  await pair.sync();
  expect(copies()).toMatchObject([{ id: copy.id, state: { importance: 'high' }, ofClass: [meetingType(outOfDate)] }]);
  pair.left.removeItem(item.id);
  await pair.sync();
  expect(copies()).toEqual([]);
});

test('where the source has the last word, it is carried over a change on the target', async () => {
  pair.policy = { ...pair.policy, conflict: 'source' };
  const item = invite(0);
  await pair.sync();
  changeCopy();
  await pair.sync();
  pair.left.edit(item.id, { importance: 'high' });
  await pair.sync();
  expect(await pair.verify()).toMatchObject({ grade: 'perfect', compared: 1 });
});

test('a copy that only lost what we wrote, without anybody writing to it, is not explained', async () => {
  invite(0);
  await pair.sync();
  const [copy] = copies();
  if (copy) copy.ofClass = [];
  await pair.sync();
  expect((await pair.verify()).findings).toMatchObject([{ property: 'PidLidMeetingType', explainedBy: null }]);
});
