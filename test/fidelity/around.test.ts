/**
 * Random items of each kind go from Exchange 2003 (WebDAV) to Exchange Online (Graph), to 2016 (EWS) and back to 2003, each written by the
 * real connector and read back; half of them begin at another of the three. Whatever arrives is equal, or the connector said beforehand
 * that it cannot keep it, in the words of the published tables. `CAUSEWAY_FIDELITY_RUNS=300 CAUSEWAY_FIDELITY_SEED=1` for more of them.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { must } from '#kit/assert.ts';
import type { StampText } from '#model/stamp.ts';
import type { TypedDraft, TypedItem, TypedKind } from '#model/typed-item.ts';
import { typedKinds } from '#model/typed-item.ts';
import { anyPlainItem } from '#test/suites/any-plain-item.ts';
import { drafts, type EventShape } from './arbitrary-events.ts';
import { differences, type Unkept } from './item-differences.ts';
import { plainly, publishedLosses } from './published-losses.ts';
import { arrived, draftOf, openStation, type Station } from './stations.fixture.ts';

const runs = Number(process.env['CAUSEWAY_FIDELITY_RUNS'] ?? 24);
const seed = Number(process.env['CAUSEWAY_FIDELITY_SEED'] ?? 20_260_103);

/** Around once: from any of them through the others and back. */
const ring = ['2003', 'online', '2016'] as const;
const columns: Readonly<Record<string, string>> = {
  '2003': '2000, 2003 (WebDAV)',
  online: 'Online (Graph)',
  '2016': '2016 and later (EWS)',
};

/** Of what a connector says it does not keep, what no document says of it. */
function unpublished(kind: TypedKind, version: string, unkept: Unkept): readonly string[] {
  const known = publishedLosses(kind, must(columns[version], 'a column'));
  return Object.entries(unkept).flatMap(([field, what]) => {
    if (field === 'occurrences') return [];
    const rest = (known.get(field) ?? []).reduce((text, said) => text.replace(said, ''), plainly(what));
    return /^[;\s]*$/.test(rest) ? [] : [`${field}: ${what}`];
  });
}

let made = 0;
/** A pair of its own for each step: what has the stamp of another is taken for that. */
const freshStamp = () => `cw1;source;guid;;${++made};print;1;${made}` as StampText;

const shapes = ['single', 'all-day', 'series', 'organized', 'invited'] as const satisfies readonly EventShape[];
const arbitraries: {
  readonly [Kind in TypedKind]: (owner: string) => Readonly<Record<string, fc.Arbitrary<TypedDraft<Kind>>>>;
} = {
  calendar: (owner) => Object.fromEntries(shapes.map((shape) => [shape, drafts(owner, shape)])),
  contacts: () => ({ any: anyPlainItem('contacts') }),
  tasks: () => ({ any: anyPlainItem('tasks') }),
  notes: () => ({ any: anyPlainItem('notes') }),
};
const cases = typedKinds.flatMap((kind) =>
  Object.keys(arbitraries[kind]('')).map((shape) => [kind, shape] as readonly [TypedKind, string]),
);

async function goAround<Kind extends TypedKind>(kind: Kind, shape: string, numRuns: number): Promise<void> {
  const stations: Station<Kind>[] = [];
  try {
    for (const version of ring) stations.push(await openStation(version, kind));
    const owner = must(stations[0], 'a station').it.people.address;
    const any = must(arbitraries[kind](owner)[shape], 'items of this shape');
    const begin = fc.constantFrom(0, 0, 1, 2);
    await fc.assert(
      fc.asyncProperty(any, begin, async (draft, first) => {
        let handed = draft;
        for (let n = 0; n <= ring.length; n++) {
          const station = must(stations[(first + n) % ring.length], 'a station');
          const stamp = freshStamp();
          const { written, item } = await arrived(station, { ...handed, stamp });
          const { unkept } = written;
          const found = differences(handed.item as TypedItem, item as TypedItem, unkept);
          expect(found, `on ${n + 1}. ${station.version}`).toEqual([]);
          expect(unpublished(kind, station.version, unkept), `said on ${station.version}`).toEqual([]);
          // What no field stands for comes along where items are messages as a whole.
          if (station.version === 'online')
            expect(item.extras).toEqual(expect.arrayContaining([...handed.item.extras]));
          expect(item.head.stamp).toBe(stamp);
          expect(station.it.people.sent()).toEqual([]);
          handed = await draftOf(station, item, stamp);
        }
      }),
      { numRuns, seed, endOnFailure: numRuns > 100 },
    );
  } finally {
    for (const { it } of stations) await it.close();
  }
}

describe('around', () => {
  test.each(cases)(
    '%s, %s',
    async (kind, shape) => {
      await goAround(kind, shape, kind === 'calendar' ? Math.ceil(runs / 3) : runs);
    },
    3_600_000,
  );
});
