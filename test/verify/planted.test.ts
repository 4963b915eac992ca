import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { StoredItem } from '#connectors/memory/memory-organization.ts';
import type { ItemId } from '#model/ids.ts';
import type { MailState } from '#model/mail.ts';
import { MemoryPair } from './pair.fixture.ts';
import { plantedKinds } from './planted.ts';
import { ownMessages, samples, variedProperties } from './samples.fixture.ts';

test('there are at least a hundred kinds of difference, each with a name of its own', () => {
  expect(new Set(plantedKinds.map(({ name }) => name)).size).toBe(plantedKinds.length);
  expect(plantedKinds.length).toBeGreaterThanOrEqual(100);
});

const messages = [...samples, ...ownMessages];

/** The properties that servers make these headers of, where a message has them: one that goes is a loss then, and nobody's wish. */
function asItsHeadersSay(mime: Uint8Array) {
  const [head = ''] = Buffer.from(mime)
    .toString('latin1')
    .split(/\r?\n\r?\n/);
  const has = (pattern: RegExp) => pattern.test(head);
  const isHigh = has(/^(?:importance:\s*high|priority:\s*urgent|x-priority:\s*[12]|x-msmail-priority:\s*high)/im);
  const isLow = has(/^(?:importance:\s*low|priority:\s*non-urgent|x-priority:\s*[45]|x-msmail-priority:\s*low)/im);
  const importance: MailState['importance'] = isHigh ? 'high' : isLow ? 'low' : 'normal';
  return has(/^(?:importance|priority|x-priority|x-msmail-priority):/im) ? { importance } : {};
}

describe('every kind of difference on every sample that it applies to', () => {
  let pair: MemoryPair;
  let kept: readonly StoredItem[];
  const nameOf = new Map<ItemId, string>();

  beforeAll(async () => {
    pair = await MemoryPair.open();
    for (const [n, sample] of messages.entries()) {
      const { state, facts } = variedProperties(n);
      const own = { ...state, ...asItsHeadersSay(sample.mime) };
      const bcc = n % 4 === 0 ? ['Blind Copy <blind@x.example>'] : [];
      nameOf.set(pair.left.add(pair.left.byRole('inbox'), sample.mime, facts, own, null, bcc).id, sample.name);
    }
    await pair.sync();
    kept = [...pair.right.items.values()].map((item) => ({ ...item }));
    expect(kept).toHaveLength(messages.length);
  });
  afterAll(() => pair.close());

  const restore = () => {
    pair.right.items.clear();
    pair.right.recoverable.clear();
    for (const item of kept) pair.right.items.set(item.id, { ...item });
    const ours = new Set(kept.map((item) => item.id));
    pair.right.log = pair.right.log.filter(
      (entry, n, all) =>
        ours.has(entry.id) && entry.kind !== 'delete' && all.findIndex((one) => one.id === entry.id) === n,
    );
  };

  test('no difference, no alarm', async () => {
    expect(await pair.verify()).toMatchObject({
      grade: 'perfect',
      findings: [],
      compared: messages.length,
      contents: messages.length,
    });
  });

  test('categories in another order are no difference', async () => {
    for (const item of pair.right.items.values())
      item.state = { ...item.state, categories: [...item.state.categories].reverse() };
    expect((await pair.verify()).findings).toEqual([]);
    restore();
  });

  let planted = 0;
  test.each(plantedKinds.map((kind) => [kind.name, kind] as const))('%s', async (_name, { plant }) => {
    const expected = new Map<string, { readonly kind: string; readonly property: RegExp | null }>();
    const lefts = new Map(
      (
        await pair.store.linksById(
          pair.id,
          'right',
          kept.map((item) => item.id),
        )
      ).map((link) => [link.rightId, link.leftId]),
    );
    for (const { id } of kept) {
      const item = pair.right.items.get(id);
      const made = item && plant(item, pair.right);
      if (made) expected.set(lefts.get(id) ?? '', made);
    }
    const { findings, grade } = await pair.verify({ findingsMax: 1_000_000 });
    restore();
    expect(expected.size, 'it applies to some sample').toBeGreaterThan(0);
    planted += expected.size;
    const found = new Map<string, string[]>();
    const wrong: string[] = [];
    for (const finding of findings) {
      const want = expected.get(finding.left ?? '');
      if (!want)
        wrong.push(`false alarm on ${nameOf.get(finding.left as ItemId)}: ${finding.kind} ${finding.property}`);
      else if (finding.kind === want.kind && (want.property === null || want.property.test(finding.property ?? '')))
        found.set(finding.left ?? '', []);
    }
    for (const [left, want] of expected)
      if (!found.has(left))
        wrong.push(
          `not found on ${nameOf.get(left as ItemId)}: ${want.kind} ${want.property}; there was ${findings.filter((one) => one.left === left).map((one) => one.property)}`,
        );
    expect(wrong).toEqual([]);
    expect(grade).toBe('poor');
  });

  test('and they were many', () => {
    expect(planted).toBeGreaterThan(samples.length === 0 ? 1000 : 10_000);
  });
});
