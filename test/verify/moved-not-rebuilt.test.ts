import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Connector, Mailbox } from '#connectors/contract.ts';
import { memoryConnector } from '#connectors/memory/memory-connector.ts';
import { isFault } from '#kit/fault.ts';
import { payloadBytes } from '#kit/payload.ts';
import { MemoryPair } from './pair.fixture.ts';
import { samples, variedProperties } from './samples.fixture.ts';

const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Notes what a mailbox hands out, and what it is handed, by subject property. */
function overheard(connector: Connector, out: Map<string, string>, into: Map<string, string>): Connector {
  return {
    ...connector,
    mailbox(address): Mailbox {
      const mailbox = connector.mailbox(address);
      return {
        ...mailbox,
        async contents(items, context) {
          const contents = await mailbox.contents(items, context);
          for (const one of contents.values())
            if (!isFault(one)) out.set(one.head.facts.subject ?? '', hash(await payloadBytes(one.mime)));
          return contents;
        },
        async create(folder, drafts, context) {
          for (const { content } of drafts)
            into.set(content.head.facts.subject ?? '', hash(await payloadBytes(content.mime)));
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
    const stored = new Map<string, string>();
    for (const [n, sample] of samples.entries()) {
      const { state, facts } = variedProperties(n);
      pair.left.add(pair.left.byRole('inbox'), sample.mime, { ...facts, subject: sample.name }, state);
      stored.set(sample.name, hash(sample.mime));
    }
    const handedOut = new Map<string, string>();
    const handedIn = new Map<string, string>();
    await pair.sync({
      left: overheard(memoryConnector(pair.source), handedOut, new Map()),
      right: overheard(memoryConnector(pair.target), new Map(), handedIn),
    });
    expect(handedOut).toEqual(stored);
    expect(handedIn).toEqual(handedOut);
    const kept = new Map([...pair.right.items.values()].map((item) => [item.facts.subject ?? '', hash(item.mime)]));
    expect(kept).toEqual(handedOut);
    expect([...kept].filter(([name, bytes]) => handedOut.get(name) === bytes)).toHaveLength(172);
    await pair.close();
  });
});
