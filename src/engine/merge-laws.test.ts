import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Attendee, EventFields, OccurrenceOverrides } from '#model/appointment.ts';
import { occurrenceDays } from '#model/expand-recurrence.ts';
import type { Side } from '#model/ids.ts';
import type { TypedPolicy } from '#model/policy.ts';
import type { Recurrence } from '#model/recurrence.ts';
import type { TypedItem } from '#model/typed-item.ts';
import type { Shown } from '#model/typed-link.ts';
import { typedRows } from '#model/typed-properties.ts';
import { type Day, dayOfWall, wallOfDay } from '#model/wall-time.ts';
import { applyEdit } from './apply-edit.ts';
import { isTellingTheSame } from './merge-fields.ts';
import { type MergeInput, mergeTyped, seenAfter, type TypedMerge } from './merge-typed.ts';
import { asCreatedOn } from './reminders.ts';
import { canonical, changesSince, sameJson, shown } from './shown.ts';
import {
  attendee,
  event,
  monday9,
  plainEvent,
  policy as policyOf,
  weekly,
  winterClock,
} from './typed-items.fixture.ts';

type Event = TypedItem<'calendar'>;
type PersonEdit = (item: Event) => Event;

const HOUR = 3_600_000;
const own = ['ana@source.example', 'ana@target.example'];
const set =
  (fields: Partial<EventFields>): PersonEdit =>
  (item) =>
    applyEdit(item, { set: fields, occurrences: [], attachments: new Map() });
const whenAt = (hours: number) => ({
  ...plainEvent.when,
  start: monday9 + hours * HOUR,
  end: monday9 + (hours + 1) * HOUR,
});

const patterns: readonly Recurrence[] = [
  weekly,
  { ...weekly, pattern: { kind: 'weekly', interval: 2, days: ['monday'], firstDayOfWeek: 'monday' } },
  { ...weekly, range: { end: 'count', startDay: weekly.range.startDay, count: 4 } },
  { pattern: { kind: 'daily', interval: 1 }, range: { end: 'count', startDay: weekly.range.startDay, count: 30 } },
];

const overrides: fc.Arbitrary<OccurrenceOverrides> = fc.record(
  {
    subject: fc.constantFrom('Standup', 'Retro', 'Review'),
    location: fc.constantFrom('Room 1', 'Room 4', ''),
    when: fc.integer({ min: -150, max: 150 }).map(whenAt),
    showAs: fc.constantFrom('busy', 'free', 'oof'),
    categories: fc.subarray(['a', 'b', 'c']),
    reminder: fc.record({ isSet: fc.boolean(), minutesBefore: fc.constantFrom(5, 15) }),
    myResponse: fc.constantFrom('accept', 'decline'),
    attachments: fc.subarray(['h1', 'h2']).map((hashes) => hashes.map(file)),
  },
  { requiredKeys: [] },
);

function file(hash: string) {
  return {
    name: `${hash}.txt`,
    contentType: null,
    contentId: null,
    isInline: false,
    sizeBytes: 1,
    hash,
    kind: 'file' as const,
  };
}

const responses = fc.constantFrom<Attendee['response'][]>('unknown', 'accept', 'decline', 'tentative');
const addresses = ['ben@x', 'cy@x', 'ana@source.example'];

/** Hours are counted from the day itself. */
const movedFrom = (day: Day, { when }: OccurrenceOverrides): OccurrenceOverrides => {
  const days = (wallOfDay(day) - wallOfDay('2024-03-04' as Day)) / HOUR;
  return when ? { when: whenAt(days + (when.start - monday9) / HOUR) } : {};
};

/** No server takes an occurrence that is moved onto or across the day of its neighbour, or into its time. */
function isInOrder({ fields: { recurrence, when }, occurrences, deletedDays }: Event): boolean {
  if (!recurrence) return true;
  const wall = (instant: number) => winterClock(null).toWall(instant);
  const midnight = wallOfDay(dayOfWall(wall(when.start)));
  const places = [...occurrenceDays(recurrence)]
    .filter((day) => !deletedDays.includes(day))
    .map((day) => {
      const moved = occurrences.find((o) => o.day === day)?.overrides.when;
      if (moved) return { start: wall(moved.start), end: wall(moved.end) };
      return { start: wallOfDay(day) + wall(when.start) - midnight, end: wallOfDay(day) + wall(when.end) - midnight };
    });
  return places.every(({ start }, at) => {
    const before = places[at - 1];
    return !before || (start >= before.end && dayOfWall(start) > dayOfWall(before.start));
  });
}

const dayOf = (item: Event, n: number): Day | null => {
  if (!item.fields.recurrence) return null;
  const days = [...occurrenceDays(item.fields.recurrence)];
  return days[n % days.length] ?? null;
};

/** What a person, a client or the organizer's server does to one copy. */
const personEdit: fc.Arbitrary<PersonEdit> = fc.oneof(
  fc.constantFrom('Standup', 'Jour fixe', 'Sync').map((subject) => set({ subject })),
  fc.constantFrom('Room 1', 'Room 4', '').map((location) => set({ location })),
  fc.integer({ min: 0, max: 3 }).map((h) => set({ when: whenAt(h) })),
  fc.constantFrom('Agenda', 'Other', '').map((text) => set({ body: { type: 'text', text } })),
  fc.record({ isSet: fc.boolean(), minutesBefore: fc.constantFrom(5, 15) }).map((reminder) => set({ reminder })),
  fc.constantFrom<EventFields['showAs'][]>('busy', 'free', 'tentative').map((showAs) => set({ showAs })),
  fc
    .tuple(responses, fc.integer({ min: 1, max: 5 }))
    .map(([myResponse, n]) => set({ myResponse, myResponseAt: monday9 + n * HOUR })),
  fc.integer({ min: 0, max: 4 }).map((sequence) => set({ sequence })),
  fc.constantFrom(0, 1, 3, 7).map((stateFlags) => set({ stateFlags, invited: stateFlags > 0 })),
  fc.constantFrom('a', 'b', 'c').map(
    (category): PersonEdit =>
      (item) =>
        set({
          categories: item.fields.categories.includes(category)
            ? item.fields.categories.filter((c) => c !== category)
            : [...item.fields.categories, category],
        })(item),
  ),
  fc.constantFrom('h1', 'h2').map(
    (hash): PersonEdit =>
      (item) =>
        set({
          attachments: item.fields.attachments.some((a) => a.hash === hash)
            ? item.fields.attachments.filter((a) => a.hash !== hash)
            : [...item.fields.attachments, file(hash)],
        })(item),
  ),
  fc.tuple(fc.constantFrom(...addresses), responses, fc.integer({ min: 1, max: 5 })).map(
    ([address, response, n]): PersonEdit =>
      (item) => {
        const others = item.fields.attendees.filter((a) => a.address !== address);
        return set({ attendees: [...others, attendee(address, response, monday9 + n * HOUR)] })(item);
      },
  ),
  fc.constantFrom(...addresses).map(
    (address): PersonEdit =>
      (item) =>
        set({ attendees: item.fields.attendees.filter((a) => a.address !== address) })(item),
  ),
  fc.constantFrom(...patterns).map(
    (recurrence): PersonEdit =>
      (item) =>
        item.fields.recurrence ? set({ recurrence })(item) : item,
  ),
  fc.tuple(fc.nat(9), overrides).map(
    ([n, changed]): PersonEdit =>
      (item) => {
        const day = dayOf(item, n);
        if (day === null || item.deletedDays.includes(day)) return item;
        const before = item.occurrences.find((o) => o.day === day)?.overrides;
        return applyEdit(item, {
          set: {},
          occurrences: [{ day, do: 'modify', overrides: { ...before, ...changed, ...movedFrom(day, changed) } }],
          attachments: new Map(),
        });
      },
  ),
  fc.nat(9).map(
    (n): PersonEdit =>
      (item) => {
        const day = dayOf(item, n);
        return day === null
          ? item
          : applyEdit(item, { set: {}, occurrences: [{ day, do: 'delete' }], attachments: new Map() });
      },
  ),
  fc.nat(9).map(
    (n): PersonEdit =>
      (item) => {
        const day = dayOf(item, n);
        if (day === null || item.deletedDays.includes(day)) return item;
        return applyEdit(item, {
          set: {},
          occurrences: [{ day, do: 'modify', overrides: {} }],
          attachments: new Map(),
        });
      },
  ),
);

const policies: fc.Arbitrary<TypedPolicy> = fc
  .record({
    conflict: fc.constantFrom('newest', 'source', 'target', 'active'),
    active: fc.constantFrom('left', 'right'),
  })
  .map((over) => policyOf(over as Partial<TypedPolicy>));

const edits = fc.array(personEdit, { maxLength: 6 });
const applyAll = (item: Event, all: readonly PersonEdit[]) =>
  all.reduce((i, edit) => {
    const next = asHandedOut(edit(i));
    return isInOrder(next) ? next : i;
  }, item);

/** Connectors hand out overrides only where they differ from the series. */
function asHandedOut(item: Event): Event {
  const entries = shown(item).occurrences;
  return {
    ...item,
    occurrences: item.occurrences.map(({ day, overrides: all }) => {
      const differing = Object.keys(entries[day] ?? {});
      return { day, overrides: Object.fromEntries(Object.entries(all).filter(([field]) => differing.includes(field))) };
    }),
  };
}

/** Shows only what was changed. */
const differences = (before: Event, after: Event): string => {
  const [a, b] = [shown(before), shown(after)];
  const changed = changesSince(b, a);
  return JSON.stringify({
    fields: Object.fromEntries(changed.fields.map((f) => [f, b.fields[f]])),
    days: Object.fromEntries(changed.days.map((d) => [d, b.occurrences[d] ?? null])),
  });
};

interface Story {
  readonly base: Readonly<Record<Side, Event>>;
  readonly left: Event;
  readonly right: Event;
  readonly policy: TypedPolicy;
}
/** An item that both sides had, and what happened to it on each. */
const stories: fc.Arbitrary<Story> = fc
  .record({
    isSeries: fc.boolean(),
    before: edits,
    left: edits,
    right: edits,
    policy: policies,
    times: fc.tuple(fc.nat(3), fc.nat(3)),
  })
  .map(({ isSeries, before, left, right, policy, times }) => {
    const start = applyAll(event({ fields: { myResponse: 'none', recurrence: isSeries ? weekly : null } }), before);
    const base = { left: asCreatedOn('left', start, policy), right: asCreatedOn('right', start, policy) };
    const at = (item: Event, n: number): Event => ({ ...item, head: { ...item.head, modifiedAt: monday9 + n } });
    const story: Story = {
      base,
      left: at(applyAll(base.left, left), times[0]),
      right: at(applyAll(base.right, right), times[1]),
      policy,
    };
    return Object.assign(story, {
      [fc.toStringMethod]: () =>
        [
          `base  ${differences(event(), base[policy.active])}`,
          `left  ${differences(base.left, story.left)}`,
          `right ${differences(base.right, story.right)}`,
          `${policy.conflict}, active ${policy.active}, modified ${times.join(' and ')}`,
        ].join('\n'),
    });
  });

const seenOf = (base: Story['base']) => ({ left: shown(base.left), right: shown(base.right) });
const inputOf = (
  { base, left, right, policy }: Story,
  over: Partial<MergeInput<'calendar'>> = {},
): MergeInput<'calendar'> => ({
  kind: 'calendar',
  left,
  right,
  seen: seenOf(base),
  policy,
  own,
  clockOf: winterClock,
  ...over,
});
const applied = (side: Side, item: Event, merge: TypedMerge<'calendar'>): Event => {
  const edit = merge[side]?.edit;
  return edit ? applyEdit(item, edit) : item;
};
const afterBoth = (story: Story, merge: TypedMerge<'calendar'>) => ({
  left: applied('left', story.left, merge),
  right: applied('right', story.right, merge),
});

/** Sequence and invited never go back, even when the source's do. */
const withGrowth = (item: Event, { fields: { sequence, invited } }: Event): Event => {
  expect(item.fields.sequence).toBeGreaterThanOrEqual(sequence);
  return { ...item, fields: { ...item.fields, sequence, invited } };
};

/** What both sides have to show alike: everything but reminders, which ring on one side only, and whose copy it is. */
function alike(item: Event): Shown {
  const { fields, occurrences } = shown({
    ...item,
    fields: { ...item.fields, reminder: plainEvent.reminder, stateFlags: item.fields.stateFlags & 5 },
    occurrences: item.occurrences.map(({ day, overrides: { reminder: _, ...rest } }) => ({ day, overrides: rest })),
  });
  return { fields, occurrences };
}

/** When an item rings, and its occurrences that do so for themselves. */
const reminders = (item: Event) => {
  const { fields, occurrences } = shown(item);
  const days = Object.entries(occurrences).flatMap(([day, entry]) =>
    entry !== 'deleted' && 'reminder' in entry ? [[day, entry['reminder']]] : [],
  );
  return [fields['reminder'], days];
};

const runs = { numRuns: Number(process.env['CAUSEWAY_LAW_RUNS'] ?? 200) };
const law = (name: string, check: (story: Story) => void) =>
  test(name, () => {
    fc.assert(fc.property(stories, check), runs);
  });

describe('laws of the merge', () => {
  law('merging with itself changes nothing', ({ base, policy }) => {
    const twin = base.right;
    for (const seen of [{ left: shown(twin), right: shown(twin) }, null]) {
      const silent = { ...twin, fields: { ...twin.fields, reminder: { ...twin.fields.reminder, isSet: false } } };
      const quiet = asCreatedOn('left', asCreatedOn('right', silent, { ...policy, active: 'left' }), {
        ...policy,
        active: 'right',
      });
      const merge = mergeTyped(
        inputOf(
          { base, left: quiet, right: quiet, policy },
          { seen: seen && { left: shown(quiet), right: shown(quiet) } },
        ),
      );
      expect([merge.left, merge.right, merge.conflicts]).toEqual([null, null, []]);
    }
  });

  law('both edits make both sides equal', (story) => {
    const after = afterBoth(story, mergeTyped(inputOf(story)));
    expect(alike(after.right)).toEqual(alike(after.left));
  });

  law(
    'so do the edits of two that nobody had linked, but for what servers counted on copies that say the same',
    (story) => {
      const after = afterBoth(story, mergeTyped(inputOf(story, { seen: null })));
      const isCountOnly = isTellingTheSame({ left: shown(story.left), right: shown(story.right) });
      const uncounted = (item: Event): Event => ({
        ...item,
        fields: { ...item.fields, sequence: 0, ownerCriticalChangeAt: null, attendeeCriticalChangeAt: null },
      });
      const [left, right] = isCountOnly ? [uncounted(after.left), uncounted(after.right)] : [after.left, after.right];
      expect(alike(right)).toEqual(alike(left));
    },
  );

  law('no occurrence ends up where a server would not take it', (story) => {
    for (const over of [{}, { seen: null }]) {
      const after = afterBoth(story, mergeTyped(inputOf(story, over)));
      expect([isInOrder(after.left), isInOrder(after.right)]).toEqual([true, true]);
    }
  });

  law('only the side the person works in rings afterwards', (story) => {
    const after = afterBoth(story, mergeTyped(inputOf(story)));
    const passive = after[story.policy.active === 'left' ? 'right' : 'left'];
    expect(passive.fields.reminder.isSet).toBe(false);
    expect(passive.occurrences.filter((o) => o.overrides.reminder?.isSet)).toEqual([]);
  });

  law(
    'after a switch the other side rings as the first one did, and a crash between the two writes loses no reminder',
    (story) => {
      const { active } = story.policy;
      const now = active === 'left' ? 'right' : 'left';
      const before = mergeTyped(inputOf(story));
      const was = afterBoth(story, before);
      const switched = { base: was, ...was, policy: { ...story.policy, active: now } } as const;
      const turned = mergeTyped(inputOf(switched));
      const whole = afterBoth(switched, turned);
      expect(reminders(whole[now])).toEqual(reminders(was[active]));
      expect(reminders(whole[active])).toEqual(reminders(was[now]));
      expect(turned.conflicts).toEqual([]);
      const [first] = turned.order;
      const half = { ...switched, ...(first ? { [first]: whole[first] } : {}) };
      expect(reminders(afterBoth(half, mergeTyped(inputOf(half)))[now])).toEqual(reminders(was[active]));
    },
  );

  law('a second merge after a recorded one has nothing to do', (story) => {
    const merge = mergeTyped(inputOf(story));
    const after = afterBoth(story, merge);
    const seen = {
      left: seenAfter('left', after.left, shown(story.base.left), merge),
      right: seenAfter('right', after.right, shown(story.base.right), merge),
    };
    const again = mergeTyped(inputOf({ ...story, ...after }, { seen }));
    expect([again.left, again.right, again.conflicts]).toEqual([null, null, []]);
  });

  law('a merge that was written and not recorded is not written again', (story) => {
    const after = afterBoth(story, mergeTyped(inputOf(story)));
    const again = mergeTyped(inputOf({ ...story, ...after }));
    expect([again.left?.edit, again.right?.edit]).toEqual([undefined, undefined]);
  });

  law(
    'a crash between the two writes ends in two equal sides, and in the same ones when nothing was rewritten',
    (story) => {
      const merge = mergeTyped(inputOf(story));
      const whole = afterBoth(story, merge);
      for (const first of ['left', 'right'] as const) {
        const half = { ...story, [first]: applied(first, story[first], merge) };
        const after = afterBoth(half, mergeTyped(inputOf(half, { seen: merge.before ?? seenOf(story.base) })));
        expect(alike(after.right)).toEqual(alike(after.left));
        if (!merge.left?.rewrites && !merge.right?.rewrites) expect(alike(after.left)).toEqual(alike(whole.left));
      }
    },
  );

  law('a merge of which nothing was written is the same merge', (story) => {
    const merge = mergeTyped(inputOf(story));
    if (merge.left?.rewrites || merge.right?.rewrites) return;
    const again = mergeTyped(inputOf(story, { seen: merge.before ?? seenOf(story.base) }));
    expect([again.left, again.right]).toEqual([merge.left, merge.right]);
  });

  law('a crash in the middle of a rewrite loses no occurrence', (story) => {
    const merge = mergeTyped(inputOf(story));
    const whole = afterBoth(story, merge);
    for (const dying of merge.order) {
      const edit = merge[dying];
      if (!edit?.rewrites) continue;
      const other = dying === 'left' ? 'right' : 'left';
      // The sides before it in the order are written; of this one the pattern is, and none of the exceptions.
      const half = {
        ...story,
        [other]: merge.order[0] === dying ? story[other] : whole[other],
        [dying]: applyEdit(story[dying], { ...edit.edit, occurrences: [] }),
      };
      const again = mergeTyped(inputOf(half, { seen: merge.before }));
      const after = afterBoth(half, again);
      expect(alike(after.right)).toEqual(alike(after.left));
      const kept = new Set([...merge.precautions, ...merge.conflicts, ...again.conflicts].map((c) => c.day));
      const missing = Object.entries(alike(whole.left).occurrences).filter(
        ([day, entry]) => entry !== 'deleted' && !(day in alike(after.left).occurrences) && !kept.has(day as Day),
      );
      expect(missing).toEqual([]);
    }
  });

  law('the order of the sides does not matter where the policy is turned round as well', (story) => {
    const turned = (p: TypedPolicy): TypedPolicy => ({
      ...p,
      active: p.active === 'left' ? 'right' : 'left',
      conflict: p.conflict === 'source' ? 'target' : p.conflict === 'target' ? 'source' : p.conflict,
    });
    const mirror: Story = {
      base: { left: story.base.right, right: story.base.left },
      left: story.right,
      right: story.left,
      policy: turned(story.policy),
    };
    for (const seen of [true, false]) {
      const merge = mergeTyped(inputOf(story, seen ? {} : { seen: null }));
      const mirrored = mergeTyped(inputOf(mirror, seen ? {} : { seen: null }));
      const [after, afterMirror] = [afterBoth(story, merge), afterBoth(mirror, mirrored)];
      expect(shown(afterMirror.right)).toEqual(shown(after.left));
      expect(shown(afterMirror.left)).toEqual(shown(after.right));
      const summary = (conflicts: typeof merge.conflicts, turn: boolean) =>
        conflicts
          .map((c) => [c.outcome, c.field, c.day, turn === (c.winner === 'left') ? 'right' : 'left'].join(' '))
          .sort();
      expect(summary(mirrored.conflicts, true)).toEqual(summary(merge.conflicts, false));
    }
  });

  law('what either side wrote is there afterwards, or in the journal', (story) => {
    const merge = mergeTyped(inputOf(story));
    const after = afterBoth(story, merge);
    for (const side of ['left', 'right'] as const) {
      expect(lost(story, side, merge, after)).toEqual([]);
    }
  });

  law('organizer and identity are never written, and invited never becomes false', (story) => {
    for (const seen of [seenOf(story.base), null]) {
      const merge = mergeTyped(inputOf(story, { seen }));
      for (const edit of [merge.left, merge.right]) {
        expect(Object.keys(edit?.edit.set ?? {})).not.toContain('organizer');
        expect(edit?.edit.set.invited).not.toBe(false);
      }
    }
  });

  law('one way: the source is not written, and its changes arrive', (story) => {
    const policy: TypedPolicy = { ...story.policy, direction: 'one-way', conflict: 'source' };
    const merge = mergeTyped(inputOf({ ...story, policy }));
    expect(merge.left).toBeNull();
    const right = applied('right', story.right, merge);
    const seen = { left: shown(story.left), right: seenAfter('right', right, shown(story.base.right), merge) };
    const again = mergeTyped(inputOf({ ...story, right, policy }, { seen }));
    expect([again.left, again.right]).toEqual([null, null]);
    const untouched = mergeTyped(inputOf({ ...story, right: story.base.right, policy }));
    const copy = applied('right', story.base.right, untouched);
    expect(alike(withGrowth(copy, story.left))).toEqual(alike(story.left));
  });
});

/** Values that a side wrote and that are neither on both sides afterwards nor in the journal. */
function lost(
  story: Story,
  side: Side,
  merge: TypedMerge<'calendar'>,
  after: Readonly<Record<Side, Event>>,
): readonly string[] {
  const rows = typedRows('calendar');
  const journalled = new Set(merge.conflicts.flatMap((c) => [`${c.field} ${c.day}`]));
  const [now, before] = [shown(story[side]), shown(story.base[side])];
  const missing: string[] = [];
  const check = (field: string, day: Day | null, value: unknown, results: readonly unknown[], base: unknown) => {
    const row = rows[field];
    if (!row || ['sequence', 'invited', 'stateFlags', 'reminder'].includes(field)) return;
    if (journalled.has(`${field} ${day}`) || journalled.has(`occurrence ${day}`)) return;
    // The time goes with the answer; of two equal answers the later time stays.
    if (field === 'myResponseAt') return;
    for (const result of results) {
      if (row.merge === 'scalar') {
        if (!sameJson(canonical(field, row, value), canonical(field, row, result)))
          missing.push(`${side} ${field} ${day}`);
        continue;
      }
      const keys = (v: unknown): readonly string[] => {
        const json = canonical(field, row, v);
        return Array.isArray(json) ? json.map(String) : Object.keys(json ?? {});
      };
      const added = keys(value).filter((k) => !keys(base ?? []).includes(k));
      for (const k of added) if (!keys(result).includes(k)) missing.push(`${side} ${field} ${day} ${k}`);
    }
  };
  const fieldsOf = (item: Event) => item.fields as unknown as Readonly<Record<string, unknown>>;
  for (const field of Object.keys(now.fields)) {
    if (sameJson(now.fields[field], before.fields[field])) continue;
    check(
      field,
      null,
      fieldsOf(story[side])[field],
      [fieldsOf(after.left)[field], fieldsOf(after.right)[field]],
      fieldsOf(story.base[side])[field],
    );
  }
  const effective = (item: Event, day: Day, field: string): unknown => {
    const own = item.occurrences.find((o) => o.day === day)?.overrides as Readonly<Record<string, unknown>> | undefined;
    return own?.[field] ?? fieldsOf(item)[field];
  };
  for (const day of Object.keys(now.occurrences) as Day[]) {
    const entry = now.occurrences[day];
    if (sameJson(entry, before.occurrences[day])) continue;
    if (entry === 'deleted') {
      const stays = [after.left, after.right].every((i) => i.deletedDays.includes(day) || !inPattern(i, day));
      if (!stays && !journalled.has(`occurrence ${day}`)) missing.push(`${side} deletion of ${day}`);
      continue;
    }
    const was = before.occurrences[day];
    for (const field of Object.keys(entry ?? {})) {
      if (was && was !== 'deleted' && sameJson(was[field], entry?.[field])) continue;
      const results = [after.left, after.right].map((i) => effective(i, day, field));
      check(field, day, effective(story[side], day, field), results, effective(story.base[side], day, field));
    }
  }
  return missing;
}

const inPattern = (item: Event, day: Day): boolean =>
  item.fields.recurrence !== null && [...occurrenceDays(item.fields.recurrence)].includes(day);
