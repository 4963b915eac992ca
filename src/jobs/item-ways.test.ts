import { describe, expect, test } from 'vitest';
import type { Abilities } from '#connectors/contract.ts';
import { ewsReads, ewsWrites } from '#connectors/ews/item-ways.ts';
import type { SchemaVersion } from '#connectors/ews/server-version.ts';
import { graphReads, graphWrites } from '#connectors/graph/item-ways.ts';
import { memoryWays } from '#connectors/memory/memory-ways.ts';
import { davReads, davWrites } from '#connectors/webdav/item-ways.ts';
import { type ItemKind, type ItemWays, itemKinds } from '#model/item-ways.ts';
import { itemWays } from './item-ways.ts';

type Sides = Pick<Abilities, 'reads' | 'writes'>;
const ews = (version: SchemaVersion, refused = false): Sides => ({
  reads: ewsReads,
  writes: ewsWrites(version, { accepted: false, refused }),
});
const graph = (hasImport: boolean): Sides => ({ reads: graphReads(hasImport), writes: graphWrites(hasImport) });
const webdav: Sides = { reads: davReads, writes: davWrites };

function wayOf(left: Sides, right: Sides, kind: ItemKind) {
  const contents = ['mail', 'calendar', 'contacts', 'tasks', 'notes'] as const;
  const all = contents.flatMap((content) => itemWays(left as Abilities, right as Abilities, content));
  expect(all.map((choice) => choice.kind)).toEqual(itemKinds);
  const choice = all.find((one) => one.kind === kind);
  if (choice === undefined) throw new TypeError(kind);
  return choice;
}
const shown = (left: Sides, right: Sides, kind: ItemKind): string => {
  const { way } = wayOf(left, right, kind);
  return way === null ? 'none' : `${way.read} ${way.write}`;
};

describe('what items travel as', () => {
  test.each([
    ['2003 to Online', webdav, graph(true), 'mail', 'mime fts'],
    ['2003 to Online', webdav, graph(true), 'appointment', 'typed fts'],
    ['2003 to Online', webdav, graph(true), 'meeting', 'typed fts'],
    ['2003 to Online', webdav, graph(true), 'note', 'typed fts'],
    ['2010 to Online', ews('Exchange2010_SP2'), graph(true), 'meeting', 'typed fts'],
    ['Online to 2016', graph(true), ews('Exchange2016'), 'mail', 'mime mime'],
    ['Online to 2016', graph(true), ews('Exchange2016'), 'meeting', 'fts fts'],
    ['Online to 2016', graph(true), ews('Exchange2016'), 'contact', 'fts typed'],
    ['Online to 2003', graph(true), webdav, 'meeting', 'fts typed'],
    ['2007 to 2016', ews('Exchange2007_SP1'), ews('Exchange2016'), 'mail', 'mime mime'],
    ['2016 to 2007', ews('Exchange2016'), ews('Exchange2007_SP1'), 'meeting', 'typed typed'],
    ['2016 to one that refuses streams', ews('Exchange2016'), ews('Exchange2016', true), 'meeting', 'typed typed'],
    ['2016 to a national cloud', ews('Exchange2016'), graph(false), 'mail', 'none'],
    ['2016 to a national cloud', ews('Exchange2016'), graph(false), 'meeting', 'none'],
    ['a national cloud to 2016', graph(false), ews('Exchange2016'), 'mail', 'mime mime'],
    ['a national cloud to 2016', graph(false), ews('Exchange2016'), 'task', 'none'],
  ] as const)('%s: %#', (_what, left, right, kind, expected) => {
    expect(shown(left, right, kind)).toBe(expected);
  });

  test('it is said why a meeting does not go where it does not', () => {
    const { because, dismissed } = wayOf(ews('Exchange2016'), graph(false), 'meeting');
    expect(because).toMatch(/national cloud/);
    expect(dismissed).toContainEqual({ side: 'right', as: 'typed', because: expect.stringMatching(/mail every one/) });
  });

  test('in memory everything goes as what it is', () => {
    const memory = { reads: memoryWays, writes: memoryWays };
    expect(itemKinds.map((kind) => shown(memory, memory, kind))).toEqual([
      'mime mime',
      ...Array(5).fill('typed typed'),
    ]);
  });

  test('every kind can be read and written by whoever has import, and every way says why', () => {
    const all: readonly ItemWays[] = [davReads, davWrites, ewsReads, graphReads(true), graphWrites(true), memoryWays];
    for (const ways of all)
      for (const kind of itemKinds) {
        expect(ways[kind].some((way) => 'because' in way)).toBe(true);
        for (const way of ways[kind]) expect('because' in way ? way.because : way.not).toMatch(/^\S.{15,}[^.]$/);
      }
  });
});
