import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ItemWay, Representation } from '#model/item-ways.ts';
import { chooseWay } from './choose-way.ts';

const open = (as: Representation): ItemWay => ({ as, because: `${as} is good` });
const shut = (as: Representation): ItemWay => ({ as, not: `${as} is out` });

describe('the way of an item', () => {
  test('what is handed out is moved as it is where the other side takes it', () => {
    expect(chooseWay('mail', [open('mime')], [shut('fts'), open('mime')])).toEqual({
      kind: 'mail',
      way: { read: 'mime', write: 'mime' },
      because: 'mime is good',
      dismissed: [{ side: 'right', as: 'fts', because: 'fts is out' }],
    });
    expect(chooseWay('meeting', [open('typed'), open('fts')], [open('fts'), open('typed')]).way).toEqual({
      read: 'fts',
      write: 'fts',
    });
  });

  test.each([
    ['mime', 'fts'],
    ['typed', 'fts'],
    ['fts', 'mime'],
    ['fts', 'typed'],
  ] as const)('%s is made into %s', (read, write) => {
    expect(chooseWay('mail', [open(read)], [open(write)]).way).toEqual({ read, write });
  });

  test.each([
    ['mime', 'typed'],
    ['typed', 'mime'],
  ] as const)('%s is not made into %s: it is passed by, and said', (read, write) => {
    const choice = chooseWay('meeting', [open(read)], [open(write), open('fts')]);
    expect(choice.way).toEqual({ read, write: 'fts' });
    expect(choice.dismissed.map(({ as }) => as)).toEqual([write]);
    expect(chooseWay('meeting', [open(read)], [open(write)])).toMatchObject({ way: null });
  });

  test('where there is none, the reason of the side that refuses is told', () => {
    expect(chooseWay('meeting', [open('typed')], [shut('fts'), shut('typed')])).toMatchObject({
      way: null,
      because: 'fts is out',
    });
    expect(chooseWay('note', [], [open('fts')]).way).toBeNull();
    expect(chooseWay('note', [], []).because).toMatch(/does not know/);
  });

  const ways = fc.uniqueArray(
    fc.tuple(fc.constantFrom('fts', 'mime', 'typed'), fc.boolean()).map(([as, is]) => (is ? open(as) : shut(as))),
    { selector: ({ as }) => as, maxLength: 3 },
  );
  test('any choice is open on both sides, and everything better was dismissed by name', () => {
    fc.assert(
      fc.property(ways, ways, (reads, writes) => {
        const { way, dismissed } = chooseWay('mail', reads, writes);
        for (const one of [...reads, ...writes].filter((any) => 'not' in any))
          expect(dismissed).toContainEqual(expect.objectContaining({ as: one.as, because: one.not }));
        if (way === null) return;
        expect(reads).toContainEqual(open(way.read));
        const at = writes.findIndex(({ as }) => as === way.write);
        expect(writes[at]).toEqual(open(way.write));
        for (const better of writes.slice(0, at))
          expect(dismissed).toContainEqual(expect.objectContaining({ side: 'right', as: better.as }));
      }),
    );
  });
});
