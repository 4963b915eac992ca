import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Connector, Mailbox } from '#connectors/contract.ts';
import { memoryConnector } from '#connectors/memory/memory-connector.ts';
import { isFault } from '#kit/fault.ts';
import { payloadBytes } from '#kit/payload.ts';
import { LabPair } from './lab-pair.fixture.ts';
import { MemoryPair } from './pair.fixture.ts';
import { samples, variedProperties } from './samples.fixture.ts';

const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Bytes, as hashes, by the id of the source item. */
type Heard = Map<string, string>;

/** Notes what a mailbox hands out, and what it is handed. */
function overheard(connector: Connector, out: Heard, into: Heard): Connector {
  return {
    ...connector,
    mailbox(address): Mailbox {
      const mailbox = connector.mailbox(address);
      return {
        ...mailbox,
        async contents(items, context) {
          const contents = await mailbox.contents(items, context);
          for (const [id, one] of contents) if (!isFault(one)) out.set(id, hash(await payloadBytes(one.mime)));
          return contents;
        },
        async create(folder, drafts, context) {
          for (const { content } of drafts) into.set(content.head.id, hash(await payloadBytes(content.mime)));
          return mailbox.create(folder, drafts, context);
        },
      };
    },
  };
}

describe.skipIf(samples.length === 0)('moved, not rebuilt', () => {
  test('all the samples are there', () => {
    expect(samples.length).toBe(172);
  });

  test('through the memory connector: every byte that the source hands out is handed to the target', async () => {
    const pair = await MemoryPair.open();
    const stored: Heard = new Map();
    for (const [n, sample] of samples.entries()) {
      const { state, facts } = variedProperties(n);
      const item = pair.left.add(pair.left.byRole('inbox'), sample.mime, facts, state);
      stored.set(item.id, hash(sample.mime));
    }
    const [out, into]: [Heard, Heard] = [new Map(), new Map()];
    await pair.sync({
      left: overheard(memoryConnector(pair.source), out, new Map()),
      right: overheard(memoryConnector(pair.target), new Map(), into),
    });
    expect(out).toEqual(stored);
    expect(into).toEqual(out);
    expect(into.size).toBe(172);
    expect([...pair.right.items.values()].map((item) => hash(item.mime)).sort()).toEqual([...stored.values()].sort());
    await pair.close();
  });

  test.each([
    ['2007', '2016', false],
    ['2010', '2016', false],
    ['2010', '2016', true],
  ] as const)('over EWS from the lab’s %s to its %s (rebuilding MIME: %s)', async (source, target, rebuildMime) => {
    const pair = new LabPair([source, target], { rebuildMime });
    for (const sample of samples) pair.deliver(sample.mime);
    const [out, into]: [Heard, Heard] = [new Map(), new Map()];
    await pair.sync({
      left: overheard(pair.sides.left, out, new Map()),
      right: overheard(pair.sides.right, new Map(), into),
    });
    expect(await pair.quarantined()).toEqual([]);
    expect(into).toEqual(out);
    expect(into.size).toBe(172);
    const kept = [...pair.right.folder('inbox').items()].map(({ content }) => hash(content.mime ?? Buffer.alloc(0)));
    expect(kept.sort()).toEqual([...into.values()].sort());
    if (!rebuildMime) expect(kept).toEqual(samples.map((sample) => hash(sample.mime)).sort());
    await pair.close();
  });
});
