import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { StoredItem } from '#connectors/memory/memory-organization.ts';
import { MemoryPair } from './pair.fixture.ts';

let pair: MemoryPair;
beforeEach(async () => {
  pair = await MemoryPair.open();
});
afterEach(() => pair.close());

const mail = (n: number, body = 'hello') =>
  Buffer.from(`Subject: mail ${n}\r\nMessage-ID: <${n}@source.test>\r\nFrom: a@x.test\r\n\r\n${body}\r\n`);

function deliver(count: number): StoredItem[] {
  return Array.from({ length: count }, (_, n) =>
    pair.left.add(pair.left.byRole('inbox'), mail(n), {
      subject: `mail ${n}`,
      internetMessageId: `<${n}@source.test>`,
    }),
  );
}
const copies = () => [...pair.right.items.values()];
const copyOf = (n: number): StoredItem => {
  const found = copies().find((item) => item.facts.subject === `mail ${n}`);
  if (!found) throw new Error(`no copy of mail ${n}`);
  return found;
};

describe('verify', () => {
  test('of a pair in step is perfect', async () => {
    deliver(30);
    await pair.sync();
    const report = await pair.verify();
    expect(report).toMatchObject({
      grade: 'perfect',
      compared: 30,
      contents: 30,
      findings: [],
      missing: 0,
      surplus: 0,
    });
    expect(report.folders).toBe(5);
  });

  test('before the first pass everything is missing', async () => {
    deliver(3);
    const report = await pair.verify();
    expect(report).toMatchObject({ grade: 'poor', compared: 0, missing: 3 });
  });

  test('finds a lost copy, whatever the store believes', async () => {
    deliver(3);
    await pair.sync();
    pair.right.items.delete(copyOf(1).id);
    const report = await pair.verify();
    expect(report.grade).toBe('poor');
    expect(report.findings).toMatchObject([{ kind: 'missing', folder: 'Inbox', explainedBy: null }]);
  });

  test('a copy that a person removed is explained once a pass has seen it', async () => {
    deliver(3);
    await pair.sync();
    pair.right.removeItem(copyOf(1).id);
    await pair.sync();
    const report = await pair.verify();
    expect(report).toMatchObject({ grade: 'good', missing: 0, compared: 2 });
    expect(report.findings).toMatchObject([{ kind: 'missing', explainedBy: 'removed on the target by a person' }]);
  });

  test('finds a doubled copy', async () => {
    deliver(3);
    await pair.sync();
    pair.right.copyItem(copyOf(1).id, pair.right.byRole('drafts'));
    expect((await pair.verify()).findings).toMatchObject([{ kind: 'duplicate', folder: 'Drafts', explainedBy: null }]);
  });

  test('finds a copy without a source item', async () => {
    const [one] = deliver(3);
    await pair.sync();
    if (one) pair.left.items.delete(one.id);
    expect(await pair.verify()).toMatchObject({ grade: 'poor', surplus: 1, findings: [{ kind: 'extra' }] });
  });

  test('two copies exchanged are found by their contents', async () => {
    deliver(3);
    await pair.sync();
    const [a, b] = [copyOf(0), copyOf(1)];
    [a.mime, b.mime] = [b.mime, a.mime];
    const found = (await pair.verify()).findings.map((finding) => finding.property);
    expect(found).toEqual(['subject', 'messageId', 'subject', 'messageId']);
  });

  test('equal mails of the source are as many on the target', async () => {
    for (let n = 0; n < 3; n++)
      pair.left.add(pair.left.byRole('inbox'), mail(7), { subject: 'mail 7', searchKey: 'ab'.repeat(16) });
    await pair.sync();
    expect(await pair.verify()).toMatchObject({ grade: 'perfect', compared: 3 });
    await pair.store.forget(pair.id);
    expect(await pair.verify()).toMatchObject({ grade: 'perfect', compared: 3 });
  });

  test('without the store copies are found by their stamps', async () => {
    deliver(5);
    await pair.sync();
    await pair.store.forget(pair.id);
    copyOf(3).mime = mail(3, 'altered');
    expect((await pair.verify()).findings).toMatchObject([{ kind: 'content', property: 'bodies[0].text' }]);
  });

  test('what a person changed on the target is explained, and nothing else', async () => {
    deliver(2);
    await pair.sync();
    pair.right.edit(copyOf(0).id, { importance: 'high' });
    expect(await pair.verify()).toMatchObject({
      grade: 'poor',
      findings: [{ property: 'importance', explainedBy: null }],
    });
    await pair.sync();
    pair.right.edit(copyOf(0).id, { flagStatus: 2 });
    const found = (await pair.verify()).findings;
    expect(found.map(({ property, explainedBy }) => [property, explainedBy])).toEqual([
      ['flagStatus', null],
      ['importance', 'changed on the target by a person'],
    ]);
  });

  test('items that are not due are counted, with the reason', async () => {
    deliver(2);
    pair.left.add(pair.left.byRole('outbox'), mail(9));
    pair.left.add(pair.left.byRole('inbox'), mail(10), { receivedAt: 1000, subject: 'old' });
    pair.policy = { ...pair.policy, since: 2000 };
    await pair.sync();
    expect(await pair.verify()).toMatchObject({
      grade: 'perfect',
      compared: 2,
      notDue: { 'before-since': 1, 'outbox: what is in it is about to be sent': 1 },
    });
  });

  test('a quarantined item is missing with its reason', async () => {
    const [one] = deliver(2);
    pair.target.itemFault = (operation, item) =>
      operation === 'create' && item.id === one?.id
        ? { kind: 'poison', reason: 'refused-by-target', detail: 'planted' }
        : null;
    await pair.sync();
    const report = await pair.verify();
    expect(report.grade).toBe('good');
    expect(report.findings).toMatchObject([
      { kind: 'missing', left: one?.id, explainedBy: 'quarantined: refused-by-target' },
    ]);
  });

  test('what people do while it reads is in flight', async () => {
    deliver(4);
    await pair.sync();
    const [first, second, third] = pair.left.items.values();
    const clock = pair.clock;
    let worked = false;
    // During the pause before the second look, and between the reads of the two sides.
    pair.source.before = (operation) => {
      if (operation !== 'contents' || worked || !first || !second || !third) return;
      worked = true;
      pair.left.edit(first.id, { categories: ['new'] });
      pair.left.moveItem(second.id, pair.left.byRole('drafts'));
      pair.left.removeItem(third.id);
      pair.left.add(pair.left.byRole('inbox'), mail(50), { subject: 'mail 50' });
    };
    const started = clock.nowMs();
    const report = await pair.verify({ settleMs: 7000 });
    expect(clock.nowMs() - started).toBe(7000);
    expect(worked).toBe(true);
    expect(report.findings).toEqual([]);
    expect(report.grade).toBe('perfect');
    expect(report.inFlight).toBe(3);
  });

  test('findings beyond the bound are counted', async () => {
    deliver(9);
    await pair.sync();
    for (const item of copies()) item.mime = mail(99);
    const report = await pair.verify({ findingsMax: 4 });
    expect(report.findings).toHaveLength(4);
    expect(report.differing).toBe(9);
    expect(report.findingCounts.content.unexplained).toBe(18);
  });

  test('a sample of contents is deterministic by seed', async () => {
    deliver(200);
    await pair.sync();
    const counts = [];
    for (const seed of [1, 1, 2]) counts.push((await pair.verify({ contents: { items: 50 }, seed })).contents);
    expect(counts[0]).toBe(counts[1]);
    expect(counts[0]).toBeGreaterThan(25);
    expect(counts[0]).toBeLessThan(80);
  });

  test('an item that one side cannot hand out is named, the others are compared', async () => {
    const [one] = deliver(3);
    await pair.sync();
    pair.source.itemFault = (operation, item) =>
      operation === 'contents' && item.id === one?.id ? { kind: 'poison', reason: 'corrupt', detail: 'planted' } : null;
    const report = await pair.verify();
    expect(report.findings).toMatchObject([{ kind: 'unreadable', left: one?.id, leftValue: 'corrupt: planted' }]);
    expect(report.contents).toBe(2);
  });

  test('ends when it is told to', async () => {
    deliver(300);
    await pair.sync();
    const stop = new AbortController();
    await expect(
      pair.verify({}, { progress: ({ kind }) => kind === 'items' && stop.abort(new Error('enough')) }, stop.signal),
    ).rejects.toThrow('enough');
  });

  test('writes nothing', async () => {
    deliver(5);
    await pair.sync();
    const store = new Proxy(pair.store, {
      get(target, name) {
        if (name === 'commit' || name === 'forget' || name === 'putPairs')
          throw new Error(`verify called ${String(name)}`);
        const value = Reflect.get(target, name) as unknown;
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const writes: string[] = [];
    pair.source.after = pair.target.after = (operation) => writes.push(operation);
    await pair.verify({}, { store });
    expect(writes).toEqual([]);
  });
});
