import { describe, expect, test } from 'vitest';
import { applyEdit } from '#engine/apply-edit.ts';
import { shown } from '#engine/shown.ts';
import { attendee, day, event, series, weekly } from '#engine/typed-items.fixture.ts';
import type { Version } from '#model/ids.ts';
import type { TypedEdit } from '#model/typed-item.ts';
import { endOfCreated, givenShare, noVersion, ownShare } from './link-ends.ts';

const [first, second] = [day('2024-03-04'), day('2024-03-11')];
const [ours, theirs] = ['ours' as Version, 'theirs' as Version];

/** What is recorded of the days that an edit wrote, when its series reads like this afterwards. */
const recorded = (occurrences: TypedEdit<'calendar'>['occurrences'], back: Parameters<typeof series>[0]) => {
  const edit: TypedEdit<'calendar'> = { set: {}, occurrences, attachments: new Map() };
  const given = applyEdit(series(), edit);
  return ownShare(given, series(back), edit, { id: given.head.id, version: ours, unkept: {} }).occurrences;
};
const deleted = [{ day: second, do: 'delete' as const }];
const renamed = [{ day: second, do: 'modify' as const, overrides: { subject: 'Retro' } }];
const whenAt = (hour: number, zone: string | null) => {
  const start = Date.UTC(2024, 2, 12, hour);
  const startZone = zone === null ? null : { id: zone, rules: null };
  return { start, end: start + 1, isAllDay: false, startZone, endZone: startZone };
};
const moved = [{ day: second, do: 'modify' as const, overrides: { when: whenAt(9, null) } }];
const fewer = { ...weekly, range: { startDay: first, end: 'count' as const, count: 4 } };

describe('what is recorded of days that were written', () => {
  test('the times that we gave, with zones as the server writes them', () => {
    const overrides = { when: whenAt(9, 'W. Europe Standard Time') };
    const back = { head: { version: ours }, occurrences: [{ day: second, overrides }] };
    expect(recorded(moved, back)).toEqual(shown(series(back)).occurrences);
  });

  test('not the times that somebody gave it right after us, at a version that we take for ours', () => {
    const overrides = { when: whenAt(15, null), location: 'Room 2' };
    const back = { head: { version: ours }, occurrences: [{ day: second, overrides }] };
    const due = series({ occurrences: [{ day: second, overrides: { when: whenAt(9, null) } }] });
    expect(recorded(moved, back)).toEqual(shown(due).occurrences);
  });

  test('a body in the form that the server brought it into', () => {
    const body = (text: string) => [{ day: second, overrides: { body: { type: 'html' as const, text } } }];
    const edits = body('<p>Bring cake</p>').map((one) => ({ ...one, do: 'modify' as const }));
    const back = { head: { version: ours }, occurrences: body('<html><p class="x">Bring cake</p></html>') };
    expect(recorded(edits, back)).toEqual(shown(series(back)).occurrences);
    const theirs = { head: { version: ours }, occurrences: body('<p>Bring wine</p>') };
    expect(recorded(edits, theirs)).toEqual(shown(series({ occurrences: body('<p>Bring cake</p>') })).occurrences);
  });

  test('whom we invited, although somebody takes out one of them before we have read it back', () => {
    const attendees = [attendee('ben@x'), attendee('cy@x')];
    const edit: TypedEdit<'calendar'> = { set: { attendees }, occurrences: [], attachments: new Map() };
    const given = applyEdit(series(), edit);
    const of = (back: Parameters<typeof series>[0], unkept = {}) =>
      Object.keys(
        ownShare(given, series(back), edit, { id: given.head.id, version: ours, unkept }).fields['attendees'] ?? {},
      );
    const fewer = { attendees: attendees.slice(1) };
    expect(of({ head: { version: theirs }, fields: fewer })).toEqual(['ben@x', 'cy@x']);
    expect(of({ head: { version: theirs }, fields: fewer }, { attendees: 'answers' })).toEqual(['ben@x', 'cy@x']);
    expect(of({ head: { version: ours }, fields: fewer })).toEqual(['cy@x']);
  });

  test('what we wrote, when somebody wrote after us', () => {
    const back = { head: { version: theirs }, occurrences: [{ day: second, overrides: { subject: 'X' } }] };
    expect(recorded(renamed, back)).toEqual({ [second]: { subject: 'Retro' } });
  });

  test('of what we left empty the times that a server fills in with our write, and nothing that somebody wrote after us', () => {
    const edit: TypedEdit<'calendar'> = { set: {}, occurrences: renamed, attachments: new Map() };
    const given = applyEdit(event(), edit);
    const at = 1_700_000_000_000;
    const filled = { ownerCriticalChangeAt: at, recurrence: weekly };
    const of = (version: Version) =>
      ownShare(given, event({ head: { version }, fields: filled }), edit, {
        id: given.head.id,
        version: ours,
        unkept: {},
      }).fields;
    expect(of(ours)).toMatchObject({ ownerCriticalChangeAt: at, recurrence: null });
    expect(of(theirs)).toMatchObject({ ownerCriticalChangeAt: null, recurrence: null });
  });

  test('a deletion, although somebody gave the series a new pattern before we had read it back', () => {
    const back = { head: { version: theirs }, fields: { recurrence: fewer } };
    expect(recorded(deleted, back)).toEqual({ [second]: 'deleted' });
  });

  test('a day that we changed, although a new pattern dropped it between our requests', () => {
    const back = { head: { version: ours }, fields: { recurrence: fewer } };
    expect(recorded(renamed, back)).toEqual({ [second]: { subject: 'Retro' } });
  });
});

describe('what we gave a copy that is found again', () => {
  const of = (...attendees: readonly ReturnType<typeof attendee>[]) => event({ fields: { attendees } });
  const share = (given: ReturnType<typeof of>, is: ReturnType<typeof of>) =>
    givenShare(shown(given), is).fields['attendees'];

  test('answers that a server took away were not given; those that came in since are news', () => {
    const at = 1_700_000_000_000;
    const given = of(attendee('ann@x', 'accept', at), attendee('ben@x'), attendee('cy@x', 'tentative', at));
    const is = of(attendee('ann@x'), attendee('ben@x', 'decline', at), attendee('cy@x', 'accept', at + 60_000));
    const before = shown(given).fields['attendees'] as Readonly<Record<string, unknown>>;
    const now = shown(is).fields['attendees'] as Readonly<Record<string, unknown>>;
    expect(share(given, is)).toEqual({ 'ann@x': now['ann@x'], 'ben@x': before['ben@x'], 'cy@x': before['cy@x'] });
    expect(share(given, of(attendee('ann@x')))).toEqual(before);
  });
});

describe('what is recorded of a copy that was made in several requests', () => {
  const made = (given: Parameters<typeof series>[0], back: Parameters<typeof series>[0], unkept = {}) => {
    const item = series(given);
    return endOfCreated(
      { id: item.head.id, version: ours, unkept },
      item,
      series({ head: { version: ours }, ...back }),
    );
  };
  const deletedDays = [second];
  const renamedByThem = { fields: { subject: 'Retro' }, deletedDays };

  test('the copy as it is found', () => {
    const end = made({ deletedDays }, { deletedDays, fields: { sequence: 3 } });
    expect(end).toMatchObject({ version: ours, seen: shown(series({ deletedDays, fields: { sequence: 3 } })) });
  });

  test('what we gave, where somebody wrote before the last of them, so that the next look finds it', () => {
    const end = made({ deletedDays }, renamedByThem);
    expect(end).toMatchObject({ version: noVersion, seen: shown(series({ deletedDays })) });
  });

  test('what the server made of it, where it cannot keep what we gave', () => {
    expect(made({ deletedDays }, renamedByThem, { subject: 'too long' }).version).toBe(ours);
  });

  test('whatever one request left behind', () => {
    expect(made({}, { fields: { subject: 'Retro' } })).toMatchObject({ version: ours });
  });
});
