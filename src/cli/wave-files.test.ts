import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import type { WavePlan } from '#jobs/waves/plan-waves.ts';
import { must } from '#kit/assert.ts';
import type { PairId } from '#model/ids.ts';
import { readPairsCsv } from '#project/pairs.ts';
import type { ProjectPair } from '#project/project.ts';
import { waveFiles } from './wave-files.ts';

const directory = mkdtempSync(join(tmpdir(), 'causeway-waves-'));
afterAll(() => rmSync(directory, { recursive: true }));

/** What the project file says of a collection, as far as this is concerned. */
type Written = Readonly<Record<string, { readonly pairs: { readonly file: string } }>>;

// Some are named as an earlier proposal, or somebody who copies one, would name them.
const names = ['staff', 'staff-moved', 'staff-wave-1', 'staff-wave-1-2', 'sales'] as const;
const person = fc.record({
  collection: fc.constantFrom(...names),
  /** Null: has moved. */
  wave: fc.option(fc.nat({ max: 2 })),
  isRight: fc.boolean(),
});

test('however many have moved, every pair is in a collection afterwards, once', () => {
  fc.assert(
    fc.property(fc.array(person, { minLength: 1, maxLength: 20 }), (people) => {
      const pairs = people.map(
        ({ collection, isRight }, n) =>
          ({
            id: `${n}@old.test → ${n}@new.test` as PairId,
            collection,
            source: `${n}@old.test`,
            target: `${n}@new.test`,
            active: isRight ? 'right' : 'left',
          }) as unknown as ProjectPair,
      );
      const waves = [0, 1, 2].map((wave) => ({
        day: null,
        people: pairs.filter((_, n) => people[n]?.wave === wave).map(({ id }) => id),
      }));
      fc.pre(waves.some((wave) => wave.people.length > 0));

      const file = join(directory, 'causeway.yaml');
      const before: Written = Object.fromEntries(names.map((name) => [name, { pairs: { file: `waves/${name}.csv` } }]));
      writeFileSync(file, stringify({ collections: before }));
      const disk = new Map<string, readonly string[]>(
        names.map((name) => [`waves/${name}.csv`, pairs.filter((one) => one.collection === name).map((one) => one.id)]),
      );
      const inUse = new Set(disk.keys());
      const files = waveFiles({ file, pairs }, { waves } as unknown as WavePlan, (key) =>
        must(
          pairs.find(({ id }) => id === key),
          'a pair',
        ),
      );
      for (const { path, text } of files) {
        // The project is as it was until somebody takes the new collections over.
        expect(inUse.has(path)).toBe(false);
        if (!path.endsWith('.csv')) continue;
        disk.set(
          path,
          readPairsCsv(text, path, null).pairs.map(({ source, target }) => `${source} → ${target}`),
        );
      }
      const last = must(files.at(-1), 'collections.yaml').text;
      const replaced = new Set(
        waves.flatMap((wave) => wave.people).map((id) => pairs.find((one) => one.id === id)?.collection),
      );
      const added = (parse(last) as { collections: Written }).collections;
      for (const name of Object.keys(added)) expect(Object.hasOwn(before, name)).toBe(false);
      const kept = Object.entries(before).filter(([name]) => !replaced.has(name as (typeof names)[number]));
      const after = [...kept, ...Object.entries(added)].flatMap(([, block]) =>
        must(disk.get(block.pairs.file), 'a file'),
      );
      expect(after.sort()).toEqual(pairs.map(({ id }) => id as string).sort());
    }),
    { numRuns: 300 },
  );
});
