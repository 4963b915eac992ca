import { describe, expect, test } from 'vitest';
import type { Attendee, EventFields } from '#model/appointment.ts';
import type { Version } from '#model/ids.ts';
import type { Receipt } from '#model/stamp.ts';
import type { TypedHead, TypedItem } from '#model/typed-item.ts';
import { withWritten } from './elements-on-their-way.ts';
import { type MergeInput, mergeTyped } from './merge-typed.ts';
import { shown } from './shown.ts';
import { attendee, day, event, monday9, policy, series, weekly, winterClock } from './typed-items.fixture.ts';

const HOUR = 3_600_000;
type Event = TypedItem<'calendar'>;

/** Both sides showed `base`; now they show `left` and `right`. */
const merge = (base: Event | null, left: Event, right: Event, over: Partial<MergeInput<'calendar'>> = {}) =>
  mergeTyped({
    kind: 'calendar',
    left,
    right,
    seen: base && { left: shown(base), right: shown(base) },
    policy: policy(),
    own: ['ana@source.example', 'ana@target.example'],
    clockOf: winterClock,
    ...over,
  });

describe('fields', () => {
  test('different fields merge without a conflict', () => {
    const result = merge(
      event(),
      event({ fields: { subject: 'Jour fixe' } }),
      event({ fields: { location: 'Room 4' } }),
    );
    expect(result.left?.edit.set).toEqual({ location: 'Room 4' });
    expect(result.right?.edit.set).toEqual({ subject: 'Jour fixe' });
    expect(result.conflicts).toEqual([]);
    expect(result.taken).toEqual([
      { field: 'location', day: null, from: 'right' },
      { field: 'subject', day: null, from: 'left' },
    ]);
  });

  test('the same field: the side the person works in wins, the other value goes to the journal', () => {
    const result = merge(event(), event({ fields: { location: 'A' } }), event({ fields: { location: 'B' } }));
    expect(result.left).toBeNull();
    expect(result.right?.edit.set).toEqual({ location: 'A' });
    expect(result.conflicts).toMatchObject([
      { outcome: 'both-changed', field: 'location', day: null, base: 'Room 1', left: 'A', right: 'B', winner: 'left' },
    ]);
  });

  test('whom our write put on a list and somebody took off it, before we had an answer, stays off it', () => {
    const [ben, cy] = [attendee('ben@partner.example'), attendee('cy@partner.example')];
    const meeting = (of: Partial<EventFields>, receipt: Receipt | null = null) =>
      event({ fields: of, head: { receipt } });
    const before = meeting({ attendees: [ben] });
    const added = meeting({ attendees: [ben, cy], categories: ['Red'] });
    const first = merge(before, added, before);
    const receipt = first.right?.edit.receipt ?? null;
    expect(receipt).not.toBeNull();
    const again = (right: Event, left = added) => merge(null, left, right, { seen: first.before });
    const renamed = meeting({ attendees: [ben], subject: 'Jour fixe' });
    expect(again(renamed)).toMatchObject({
      left: { edit: { set: { subject: 'Jour fixe' } } },
      right: { edit: { set: { attendees: [ben, cy], categories: ['Red'] } } },
      conflicts: [],
    });
    expect(again(meeting({ attendees: [ben] }, receipt))).toMatchObject({
      left: { edit: { set: { attendees: [ben], categories: [] } } },
      right: null,
      conflicts: [
        { outcome: 'taken-out-unseen', field: 'categories', left: 'Red', right: null, winner: 'right' },
        { outcome: 'taken-out-unseen', field: 'attendees', left: cy, right: null, winner: 'right' },
      ],
    });
    const organizer = { ...cy, response: 'organizer' } as const;
    const own = merge(before, meeting({ attendees: [ben, organizer] }), before);
    const left = meeting({ attendees: [ben, organizer] });
    const { receipt: ofOwn = null } = own.right?.edit ?? {};
    expect(merge(null, left, meeting({ attendees: [ben] }, ofOwn), { seen: own.before }).left).toBeNull();
  });

  describe('of whom our write had put on a list, when the next write is carried out on that side only', () => {
    const [ben, cy] = [attendee('ben@partner.example'), attendee('cy@partner.example')];
    const [v2, v3, v4] = ['v2', 'v3', 'v4'] as readonly string[] as [Version, Version, Version];
    const copy = (attendees: readonly Attendee[], fields: Partial<EventFields> = {}, head: Partial<TypedHead> = {}) =>
      event({ fields: { attendees, ...fields }, head });
    const before = copy([ben]);
    const { before: seen, right: first } = merge(before, copy([ben, cy]), before);
    const answered = (of: typeof seen, version: Version) =>
      of && { ...of, left: withWritten(of.left, version, () => true) };
    const renamed = { subject: 'Jour fixe' };

    test('who was taken off it since stays off it', () => {
      const left = copy([ben, cy], renamed);
      const second = merge(null, left, copy([ben], {}, { version: v3 }), { seen: answered(seen, v2) });
      expect(second).toMatchObject({
        left: { edit: { set: { attendees: [ben] } } },
        right: { edit: { set: renamed } },
      });
      const third = merge(null, left, copy([ben], renamed, { version: v4 }), { seen: answered(second.before, v4) });
      expect(third).toMatchObject({ left: { edit: { set: { attendees: [ben] } } }, right: null });
    });

    test('who is known by the receipt to have been taken off it stays off it, also under another receipt', () => {
      const left = copy([ben, cy], { categories: ['Red'] });
      const { receipt = null } = first?.edit ?? {};
      const second = merge(null, left, copy([ben], {}, { version: v3, receipt }), { seen });
      expect(second.left?.edit.set).toEqual({ attendees: [ben] });
      const { set = {}, receipt: next = null } = second.right?.edit ?? {};
      expect([set, next]).toEqual([{ categories: ['Red'] }, expect.not.stringMatching(receipt ?? '')]);
      const right = copy([ben], set, { version: v4, receipt: next });
      for (const known of [second.before, answered(second.before, v4)])
        expect(merge(null, left, right, { seen: known })).toMatchObject({
          left: { edit: { set: { attendees: [ben] } } },
          right: null,
        });
    });

    test('who was left out by the server stays where they came from', () => {
      const left = copy([ben, cy], renamed);
      const second = merge(null, left, copy([ben], {}, { version: v2 }), { seen: answered(seen, v2) });
      expect([second.left, second.right?.edit.set]).toEqual([null, renamed]);
      const third = merge(null, left, copy([ben], renamed, { version: v3 }), { seen: answered(second.before, v3) });
      expect([third.left, third.right]).toEqual([null, null]);
    });

    test('who was taken off it where they came from before the write arrived is taken off the other one, too', () => {
      const gone = copy([ben]);
      const second = merge(null, gone, copy([ben], renamed, { version: v2 }), { seen });
      expect(second).toMatchObject({ left: { edit: { set: renamed } }, right: null });
      const late = copy([ben, cy], renamed, { version: v3, receipt: first?.edit.receipt ?? null });
      for (const known of [second.before ?? seen])
        expect(merge(null, copy([ben], renamed), late, { seen: known })).toMatchObject({
          left: null,
          right: { edit: { set: { attendees: [ben] } } },
        });
    });

    test('who was taken off it on both sides is as new as ever when one puts them there again', () => {
      const gone = copy([ben], renamed);
      const second = merge(null, gone, copy([ben], {}, { version: v3 }), { seen: answered(seen, v2) });
      const third = merge(null, copy([ben, cy], renamed), copy([ben], renamed, { version: v4 }), {
        seen: answered(second.before, v4),
      });
      expect(third).toMatchObject({ left: null, right: { edit: { set: { attendees: [ben, cy] } } } });
    });

    test('who is taken off it where they came from is taken off it there as well', () => {
      const gone = copy([ben], renamed);
      const there = copy([ben, cy], {}, { version: v2 });
      const second = merge(null, gone, there, { seen: answered(seen, v2) });
      expect(second).toMatchObject({ left: null, right: { edit: { set: { attendees: [ben], ...renamed } } } });
      expect(merge(null, gone, there, { seen: second.before })).toMatchObject({
        left: null,
        right: { edit: { set: { attendees: [ben] } } },
      });
    });
  });

  test('what was written and could not be recorded is nobody’s change: undone where it came from, it does not come back', () => {
    const undone = series();
    const renamed = [{ day: day('2024-03-11'), overrides: { subject: 'Retro' } }];
    const edited = series({ fields: { location: 'Room 4' }, occurrences: renamed });
    const first = merge(undone, edited, undone);
    const again = (left: Event, right: Event) => merge(undone, left, right, { seen: first.before });
    // Who undoes a change of an occurrence leaves one without overrides.
    const back = series({ occurrences: [{ day: day('2024-03-11'), overrides: {} }] });
    expect(again(back, edited)).toMatchObject({
      left: null,
      right: { edit: { set: { location: 'Room 1' }, occurrences: [{ day: '2024-03-11', overrides: {} }] } },
      conflicts: [],
    });
    // It went on from there, was not carried out, or somebody was faster.
    expect(again(series({ fields: { location: 'Room 5' }, occurrences: renamed }), edited)).toMatchObject({
      left: null,
      right: { edit: { set: { location: 'Room 5' } } },
      conflicts: [],
    });
    expect(again(edited, undone).right).toEqual(first.right);
    expect(again(undone, undone)).toMatchObject({ left: null, right: null, before: null });
    const theirs = series({ fields: { location: 'Room 6' } });
    expect(again(undone, theirs)).toMatchObject({ left: { edit: { set: { location: 'Room 6' } } }, right: null });
  });

  test('a person who was invited at both addresses is taken off the list at one of them only', () => {
    const both = [attendee('ana@source.example'), attendee('ana@target.example'), attendee('ben@x')];
    const invited = event({ fields: { attendees: both } });
    const result = merge(invited, invited, event({ fields: { attendees: both.slice(1) } }));
    expect(result.left?.edit.set).toEqual({ attendees: both.slice(1) });
    expect(result.right).toBeNull();
    // Whoever was invited at one address is one attendee, whatever each organization makes of it.
    const at = (address: string) => event({ fields: { attendees: [attendee(address)] } });
    expect(merge(null, at('ana@source.example'), at('ana@target.example'))).toMatchObject({ left: null, right: null });
  });

  test('categories and attendees merge element by element', () => {
    const base = event({ fields: { categories: ['a', 'b'], attendees: [attendee('ben@x'), attendee('cy@x')] } });
    const result = merge(
      base,
      event({
        fields: { categories: ['b', 'c'], attendees: [attendee('BEN@x', 'accept', monday9), attendee('cy@x')] },
      }),
      event({ fields: { categories: ['a', 'b', 'd'], attendees: [attendee('ben@x'), attendee('dot@x')] } }),
    );
    expect(result.left?.edit.set).toEqual({
      categories: ['b', 'c', 'd'],
      attendees: [attendee('BEN@x', 'accept', monday9), attendee('dot@x')],
    });
    expect(result.right?.edit.set).toMatchObject({ categories: ['b', 'c', 'd'] });
    expect(result.right?.edit.set.attendees?.map((a) => [a.address, a.response])).toEqual([
      ['ben@x', 'accept'],
      ['dot@x', 'unknown'],
    ]);
    expect(result.conflicts).toEqual([]);
  });

  test('sequences only grow', () => {
    const result = merge(
      event({ fields: { sequence: 3 } }),
      event({ fields: { sequence: 1 } }),
      event({ fields: { sequence: 3 } }),
    );
    expect(result.left?.edit.set).toEqual({ sequence: 3 });
    expect(result.right).toBeNull();
  });

  test('without a base, copies of an own meeting that say the same keep the numbers that their servers gave them', () => {
    const own = { stateFlags: 1, invited: true, attendees: [attendee('ben@x')] };
    const counted = { ...own, sequence: 3, ownerCriticalChangeAt: monday9 };
    const united = (left: object, right: object) => merge(null, event({ fields: left }), event({ fields: right }));
    expect(united(own, counted)).toMatchObject({ left: null, right: null });
    // Where something is told anew, its number is; and an attendee's copies have what the organizer said.
    expect(united({ ...own, location: 'Room 7' }, counted).left?.edit.set).toMatchObject({ sequence: 3 });
    // The number comes first: were the second write lost, both would say the same beside two numbers.
    const back = merge(null, event({ fields: { ...counted, location: '' } }), event({ fields: own }));
    expect(back).toMatchObject({
      left: { edit: { set: { location: 'Room 1' } } },
      right: { edit: { set: { sequence: 3 } } },
      order: ['right', 'left'],
    });
    const off = [day('2024-03-11')];
    const without = merge(null, series({ fields: own }), series({ fields: counted, deletedDays: off }));
    expect(without.left?.edit).toMatchObject({ set: { sequence: 3 }, occurrences: [{ do: 'delete' }] });
    const received = { stateFlags: 3 };
    expect(united({ ...own, ...received }, { ...counted, ...received }).left?.edit.set).toMatchObject({ sequence: 3 });
  });
});

describe('a meeting that both sides say differently', () => {
  const own = { stateFlags: 1, invited: true, attendees: [attendee('ben@x')] };
  const told = { ...own, sequence: 1, ownerCriticalChangeAt: monday9, location: 'Room 7' };
  const merged = (fields: object, over: object, base: Event | null = null) =>
    merge(base, event({ fields }), event({ fields: over }), { policy: policy({ conflict: 'source' }) });

  test('what attendees of one’s own meeting were told last wins, with a base and without', () => {
    for (const base of [null, event({ fields: { ...own, location: 'Room 2' } })]) {
      const result = merged(own, told, base);
      expect(result.left?.edit.set).toMatchObject({ location: 'Room 7', sequence: 1 });
      expect(result.right).toBeNull();
      expect(result.conflicts).toMatchObject([{ outcome: 'organizer-newer', field: 'location', winner: 'right' }]);
    }
    const later = { ...told, ownerCriticalChangeAt: monday9 + HOUR, location: 'Room 8' };
    expect(merged(told, later).left?.edit.set).toMatchObject({ location: 'Room 8' });
  });

  test('a copy that a phone made anew does not say any more that people were invited, and loses to what they were told since', () => {
    const anew = { ...own, invited: false, sequence: 1, ownerCriticalChangeAt: monday9 - HOUR, location: 'Room 2' };
    for (const base of [null, event({ fields: own })]) {
      expect(merged(anew, told, base)).toMatchObject({
        left: { edit: { set: { location: 'Room 7', ownerCriticalChangeAt: monday9, invited: true } } },
        right: null,
      });
    }
    // What never went out from one side was told to nobody, whatever number it bears.
    const unsent = event({ fields: { ...own, invited: false } });
    const counted = { ...anew, sequence: 5 };
    expect(merged(told, counted, unsent).right?.edit.set).toMatchObject({ location: 'Room 7', invited: true });
  });

  test('the numbers are those of one word: attendees were never told the sequence of one with the time of the other', () => {
    const first = { ...told, sequence: 2 };
    const other = { ...told, ownerCriticalChangeAt: monday9 + HOUR, location: 'Room 8' };
    for (const base of [null, event({ fields: own })]) {
      const result = merged(first, other, base);
      expect(result.left).toBeNull();
      expect(result.right?.edit.set).toEqual({ location: 'Room 7', sequence: 2, ownerCriticalChangeAt: monday9 });
    }
  });

  test('what the organizer said last is right about whether it is off', () => {
    const said = (minutes: number, over: object) => ({
      ...{ sequence: 1, ownerCriticalChangeAt: monday9 + minutes * 60_000 },
      ...over,
    });
    const [off, on] = [said(0, { stateFlags: 7 }), said(9, { stateFlags: 3 })];
    for (const base of [null, event({ fields: { stateFlags: 3 } })]) {
      expect(merged(off, on, base)).toMatchObject({ left: { edit: { set: { stateFlags: 3 } } }, right: null });
      expect(merged(on, off, base)).toMatchObject({ left: null, right: { edit: { set: { stateFlags: 3 } } } });
      expect(merged(said(0, { stateFlags: 3 }), said(9, { stateFlags: 7 }), base).left?.edit.set).toMatchObject({
        stateFlags: 7,
      });
    }
    // Without a later word it is off wherever it is off, and so is what somebody called off beside a number that was there before.
    expect(merged(said(0, { stateFlags: 7 }), said(0, { stateFlags: 3 })).right?.edit.set).toEqual({ stateFlags: 7 });
    const counted = event({ fields: on });
    expect(
      merge(null, event({ fields: { ...own, stateFlags: 5 } }), event({ fields: { ...own, sequence: 3 } })).right?.edit,
    ).toMatchObject({ set: { stateFlags: 5 } });
    const seen = { left: shown(event({ fields: { stateFlags: 3 } })), right: shown(counted) };
    expect(merge(null, event({ fields: { stateFlags: 7 } }), counted, { seen }).right?.edit.set).toEqual({
      stateFlags: 7,
    });
  });

  test('a number says nothing where nobody was told, or where one copy is an attendee’s', () => {
    expect(merged({ ...own, invited: false }, { ...told, invited: false }).left?.edit.set).not.toHaveProperty(
      'location',
    );
    expect(merged({ ...own, stateFlags: 3 }, told).left?.edit.set).not.toHaveProperty('location');
  });
});

describe('a series and its occurrences', () => {
  const moved = {
    day: day('2024-03-11'),
    overrides: { when: { ...event().fields.when, start: monday9 + 170 * HOUR, end: monday9 + 171 * HOUR } },
  };

  test('the sides delete all occurrences between them: the last that the winner has stays on both', () => {
    const two = { fields: { recurrence: { ...weekly, range: { ...weekly.range, end: 'count', count: 2 } as const } } };
    const [first, second] = [day('2024-03-04'), day('2024-03-11')];
    const result = merge(
      series(two),
      series({ ...two, deletedDays: [first] }),
      series({ ...two, deletedDays: [second] }),
    );
    expect(result.left).toBeNull();
    expect(result.right?.edit).toMatchObject({ set: two.fields, occurrences: [{ day: first, do: 'delete' }] });
    expect(result.conflicts).toMatchObject([{ outcome: 'last-occurrence-stays', day: second, winner: 'left' }]);
    const one = merge(series(two), series({ ...two, deletedDays: [first] }), series(two));
    expect(one).toMatchObject({ right: { edit: { occurrences: [{ day: first, do: 'delete' }] } }, conflicts: [] });
  });

  test('the series is moved on one side, an occurrence on the other: both happen, the exception is made again', () => {
    const later = { ...event().fields.when, start: monday9 + HOUR, end: monday9 + 2 * HOUR };
    const result = merge(series(), series({ fields: { when: later } }), series({ occurrences: [moved] }));
    expect(result.left?.edit).toMatchObject({ set: {}, occurrences: [{ ...moved, do: 'modify' }] });
    expect(result.left?.rewrites).toBe(false);
    expect(result.right?.edit).toMatchObject({ set: { when: later }, occurrences: [{ ...moved, do: 'modify' }] });
    expect(result.right?.rewrites).toBe(true);
    expect(result.conflicts).toEqual([]);
  });

  test('a pattern that was announced and not written is written the next time, also where it is the one that is there', () => {
    const base = series({ occurrences: [moved], deletedDays: [day('2024-03-18')] });
    // Whoever gives a series the pattern that it has gets back what was deleted of it, and erases what was changed.
    const renamed = { day: moved.day, overrides: { subject: 'Retro' } };
    const left = series({ occurrences: [renamed] });
    const first = merge(base, left, base);
    expect(first.left).toBeNull();
    expect(first.right?.rewrites).toBe(true);
    const again = merge(base, left, base, { seen: first.before });
    expect([again.left, again.right, again.before]).toEqual([first.left, first.right, first.before]);
    // Written, and the program died before the occurrences were.
    const half = series({ head: { version: 'after' as Version } });
    expect(merge(base, left, half, { seen: first.before })).toMatchObject({
      left: null,
      right: { rewrites: false, edit: { set: {}, occurrences: [{ ...renamed, do: 'modify' }] } },
      conflicts: [],
    });
  });

  test('what is on its way to a series is not on its way to an occurrence that has a list of its own', () => {
    const file = {
      kind: 'file',
      name: 'a',
      contentType: '',
      sizeBytes: 1,
      hash: 'h1',
      isInline: false,
      contentId: null,
    } as const;
    const withList = (attachments: readonly (typeof file)[]) => [{ day: moved.day, overrides: { attachments } }];
    const left = series({ occurrences: withList([file]) });
    const right = series({ fields: { attachments: [file] }, occurrences: withList([]) });
    const first = merge(series(), left, right);
    const again = merge(series(), left, right, { seen: first.before });
    expect([again.left, again.right]).toEqual([first.left, first.right]);
  });

  test('deleted on one side and changed on the other: the change stays, and the deletion is in the journal', () => {
    const result = merge(series(), series({ deletedDays: [moved.day] }), series({ occurrences: [moved] }));
    expect(result.left?.edit.set).toEqual({ recurrence: series().fields.recurrence });
    expect(result.left?.edit.occurrences).toEqual([{ ...moved, do: 'modify' }]);
    expect(result.left?.rewrites).toBe(true);
    expect(result.right).toBeNull();
    expect(result.conflicts).toMatchObject([
      { outcome: 'occurrence-changed-and-deleted', winner: 'right', left: 'deleted' },
    ]);
  });
});
