/**
 * Random items of each kind go from Exchange 2003 (WebDAV) to Exchange Online (Graph), to 2016 (EWS) and back to 2003, each written by the
 * real connector and read back; half of them begin at another of the three. Whatever arrives is equal, or the connector said beforehand
 * that it cannot keep it, in the words of the published tables. `CAUSEWAY_FIDELITY_RUNS=300 CAUSEWAY_FIDELITY_SEED=1` for more of them.
 */
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { must } from '#kit/assert.ts';
import type { AttachmentHead, Attendee, Body } from '#model/appointment.ts';
import { isOccurrenceDay } from '#model/expand-recurrence.ts';
import type { Recurrence } from '#model/recurrence.ts';
import type { StampText } from '#model/stamp.ts';
import type { TypedDraft, TypedItem, TypedKind } from '#model/typed-item.ts';
import { typedKinds } from '#model/typed-item.ts';
import type { Day } from '#model/wall-time.ts';
import { anyPlainItem } from '#test/suites/any-plain-item.ts';
import { drafts, type EventShape } from './arbitrary-events.ts';
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

type Unkept = Readonly<Record<string, string>>;

/** What a person sees of HTML, whatever frame the server puts around it. */
const inside = ({ type, text }: Body): unknown =>
  type === 'text' ? text : (/<body[^>]*>([\s\S]*)<\/body>/i.exec(text)?.[1] ?? text).trim();
/** Of a field that is not kept whole, what is there all the same. */
const left: Readonly<Record<string, (value: never) => unknown>> = {
  body: inside,
  attendees: (some: readonly Attendee[]) => some.map(({ name, address, role }) => [name, address, role]),
  attachments: (some: readonly AttachmentHead[]) =>
    some.map(({ hash, contentId, isInline, kind, sizeBytes }) => [hash, contentId, isInline, kind, sizeBytes]),
};

/** Without prototypes, and with what has no order in one. */
function plain(field: string, value: unknown): unknown {
  if (value === undefined) return undefined;
  const copy: unknown = JSON.parse(JSON.stringify(value));
  if (field !== 'attachments') return copy;
  const keyOf = (one: AttachmentHead) => `${one.hash} ${one.name} ${one.isInline}`;
  return (copy as readonly AttachmentHead[]).toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
}

/** Every difference of one set of fields that nobody spoke of. */
function fieldDifferences(where: string, before: object, after: object, unkept: Unkept): readonly string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].flatMap((field) => {
    const [a, b] = [before, after].map((one) => plain(field, one[field as keyof typeof one]));
    if (isDeepStrictEqual(a, b)) return [];
    if (field in unkept) {
      const still = left[field];
      if (still === undefined || a === undefined || b === undefined) return [];
      if (isDeepStrictEqual(still(a as never), still(b as never))) return [];
    }
    return [`${where}${field}: ${JSON.stringify(a)} became ${JSON.stringify(b)}`];
  });
}

function differences(before: TypedItem, after: TypedItem, unkept: Unkept): readonly string[] {
  const { recurrence } = after.fields as { readonly recurrence?: Recurrence | null };
  /** Days that the pattern lacks are named as `occurrences`. */
  const has = (day: Day) => !('occurrences' in unkept) || recurrence == null || isOccurrenceDay(recurrence, day);
  const ofDays = ({ occurrences }: TypedItem) => new Map(occurrences.map(({ day, overrides }) => [day, overrides]));
  const [a, b] = [ofDays(before), ofDays(after)];
  const days = [...new Set([...a.keys(), ...b.keys()])].filter(has);
  const heads = ({ head: { identity, itemClass }, deletedDays }: TypedItem) => ({
    identity,
    itemClass,
    deletedDays: deletedDays.filter(has),
  });
  return [
    ...fieldDifferences('', before.fields, after.fields, unkept),
    ...days.flatMap((day) => fieldDifferences(`${day} `, a.get(day) ?? {}, b.get(day) ?? {}, unkept)),
    ...fieldDifferences('', heads(before), heads(after), {}),
  ];
}

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
          const unkept = written.unkept as Unkept;
          const found = differences(handed.item as TypedItem, item as TypedItem, unkept);
          expect(found, `on ${n + 1}. ${station.version}`).toEqual([]);
          expect(unpublished(kind, station.version, unkept), `said on ${station.version}`).toEqual([]);
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
