/**
 * Random notes go from Exchange 2003 (WebDAV) to Exchange Online (Graph), to 2016 (EWS) and back to 2003, each written by the
 * real connector and read back. Whatever arrives is equal, or the connector said beforehand that it cannot keep it.
 * `CAUSEWAY_FIDELITY_RUNS=500` for more than a dozen.
 */
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { StampText } from '#model/stamp.ts';
import type { TypedDraft, TypedItem, TypedKind } from '#model/typed-item.ts';
import { anyPlainItem } from '#test/suites/any-plain-item.ts';
import { arrived, draftOf, openStation, type Station } from './stations.fixture.ts';

const runs = Number(process.env['CAUSEWAY_FIDELITY_RUNS'] ?? 12);
const seed = Number(process.env['CAUSEWAY_FIDELITY_SEED'] ?? 20_260_103);
const way = ['2003', 'online', '2016', '2003'] as const;

/** Values that say the same: one form of line ends, a type that was guessed for a file that had none, a body of no words whatever its form. */
const asShown = (value: unknown): unknown =>
  value === undefined
    ? undefined
    : JSON.parse(JSON.stringify(value).replaceAll('\\r\\n', '\\n'), (name, one: unknown) => {
        if (name === 'contentType') return one ?? 'application/octet-stream';
        return isDeepStrictEqual(one, { type: 'html', text: '' }) ? { type: 'text', text: '' } : one;
      });

function plainDifferences(before: TypedItem, after: TypedItem, unkept: object): readonly string[] {
  const names = new Set([...Object.keys(before.fields), ...Object.keys(after.fields)]);
  const value = ({ fields }: TypedItem, name: string) => asShown(fields[name as keyof typeof fields]);
  return [...names]
    .filter((name) => !(name in unkept) && !isDeepStrictEqual(value(before, name), value(after, name)))
    .map((name) => `${name}: ${JSON.stringify(value(before, name))} became ${JSON.stringify(value(after, name))}`);
}

let made = 0;
/** Each is an item of its own: what has the stamp of another is taken for that. */
const notes = anyPlainItem('notes').map((draft) => ({
  ...draft,
  stamp: `cw1;source;guid;;${++made};print;1;${made}` as StampText,
}));

async function goAround<Kind extends TypedKind>(kind: Kind, any: fc.Arbitrary<TypedDraft<Kind>>): Promise<void> {
  const stations: Station<Kind>[] = [];
  try {
    for (const version of way) stations.push(await openStation(version, kind));
    await fc.assert(
      fc.asyncProperty(any, async (draft) => {
        let handed = draft;
        for (const [n, station] of stations.entries()) {
          const { written, item } = await arrived(station, handed);
          const found = plainDifferences(handed.item as TypedItem, item as TypedItem, written.unkept);
          expect(found, `on ${n + 1}. ${station.version}`).toEqual([]);
          expect(item.head.stamp).toBe(draft.stamp);
          expect(station.it.people.sent()).toEqual([]);
          handed = await draftOf(station, item, draft.stamp);
        }
      }),
      { numRuns: runs, seed, endOnFailure: runs > 100 },
    );
  } finally {
    for (const { it } of stations) await it.close();
  }
}

test('notes', () => goAround('notes', notes), 1_800_000);
