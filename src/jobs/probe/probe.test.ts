import { expect, test } from 'vitest';
import type { Connector } from '#connectors/contract.ts';
import { memoryConnector } from '#connectors/memory/memory-connector.ts';
import { type MemoryMailbox, MemoryOrganization } from '#connectors/memory/memory-organization.ts';
import { aroundConnector, aroundMailbox } from '#connectors/wrappers/around.ts';
import { systemClock } from '#kit/clock.ts';
import { FaultError } from '#kit/fault.ts';
import { seededRandom } from '#kit/random.ts';
import { type ProbeResult, probe } from './probe.ts';

async function run(
  meddle: (box: MemoryMailbox, other: MemoryMailbox) => void = () => {},
  around: (connector: Connector) => Connector = (connector) => connector,
) {
  const organization = new MemoryOrganization('old');
  const box = organization.add('probe1@old.example');
  const other = organization.add('probe2@old.example');
  meddle(box, other);
  const results: ProbeResult[] = [];
  const services = {
    connector: around(memoryConnector(organization)),
    clock: systemClock,
    random: seededRandom(1),
    requestDeadlineMs: 1000,
    receiptMs: 1,
    markMs: 20,
  };
  for await (const result of probe(
    services,
    ['probe1@old.example', 'probe2@old.example'],
    new AbortController().signal,
  ))
    results.push(result);
  return { results, box };
}

test('a server that does what we rely on; nothing is left behind', async () => {
  const { results, box } = await run();
  expect(results.filter(({ outcome }) => outcome !== 'as-assumed')).toEqual([]);
  expect(results).toHaveLength(20);
  expect([...box.folders.values()].filter(({ name }) => name.startsWith('Causeway'))).toEqual([]);
  expect(box.items.size).toBe(0);
  expect(box.sent).toEqual([]);
});

test('a server that sends receipts, makes drafts, or forgets stamps is found out', async () => {
  const { results } = await run((box, other) => {
    const edit = box.edit.bind(box);
    box.edit = (id, set, options) => {
      if (set.isRead) other.add(other.byRole('inbox'), Buffer.from('read receipt'));
      return edit(id, set, options);
    };
    const head = box.head.bind(box);
    box.head = (item) => ({ ...head(item), stamp: null, facts: { ...head(item).facts, messageFlags: 8 } });
    const info = box.folderInfo.bind(box);
    box.folderInfo = (folder) => ({ ...info(folder), mark: 'always the same' });
  });
  expect(results.filter(({ outcome }) => outcome === 'different').map(({ detail }) => detail)).toEqual([
    'it is a draft',
    'the feed shows the item without its stamp',
    'they stay when an item is created, flagged, removed',
    'a receipt arrived',
    'it is a draft',
    'it is a draft',
  ]);
});

test('a server that takes a request that was put there for one that was sent is found out', async () => {
  const { results } = await run((box, other) => {
    const add = box.add.bind(box);
    box.add = (folder, mime, facts, ...rest) => {
      const isRequest = facts?.itemClass?.startsWith('IPM.Schedule') === true;
      if (isRequest) other.add(other.byRole('inbox'), Buffer.from('Accepted'));
      const [state, stamp, bcc] = rest;
      return isRequest
        ? add(folder, mime, { ...facts, itemClass: 'IPM.Note' }, state, stamp, bcc)
        : add(folder, mime, facts, ...rest);
    };
  });
  expect(results.filter(({ outcome }) => outcome === 'different').map(({ detail }) => detail)).toEqual([
    'its class is IPM.Note, 11 of its properties are gone, something arrived at who called the meeting',
  ]);
});

test('marks that are told by a coarse clock are waited for', async () => {
  const { results } = await run((box) => {
    const info = box.folderInfo.bind(box);
    const told = new Map<unknown, { readonly mark: string | null; readonly at: number }>();
    box.folderInfo = (folder) => {
      const now = info(folder);
      const before = told.get(folder.id);
      const seen = before?.mark === now.mark ? before : { mark: now.mark, at: Math.floor(performance.now() / 15) };
      told.set(folder.id, seen);
      return { ...now, mark: String(seen.at) };
    };
  });
  expect(results.filter(({ outcome }) => outcome === 'different')).toEqual([]);
});

test('a request in an inbox is removed whatever the experiment came to, and the others go on', async () => {
  const broken = (connector: Connector) =>
    aroundConnector(connector, (mailbox) =>
      aroundMailbox(mailbox, ({ operation }, context, make) => {
        if (operation === 'properties') throw new FaultError({ kind: 'stale', detail: 'no properties' });
        return make(context);
      }),
    );
  const { results, box } = await run(() => {}, broken);
  expect(results.filter(({ outcome }) => outcome === 'undecided')).toHaveLength(1);
  expect(results).toHaveLength(20);
  expect(box.items.size).toBe(0);
});

test('a feed that does not show what was created leaves experiments undecided, and ends none of the others', async () => {
  const blind = (connector: Connector) =>
    aroundConnector(connector, (mailbox) => ({
      ...aroundMailbox(mailbox, (_call, context, make) => make(context)),
      changes: async (folder, cursor, context) => ({
        ...(await mailbox.changes(folder, cursor, context)),
        changes: [],
      }),
    }));
  const { results } = await run(() => {}, blind);
  expect(results).toHaveLength(20);
  expect(results.filter(({ outcome }) => outcome === 'undecided').length).toBeGreaterThan(8);
});
