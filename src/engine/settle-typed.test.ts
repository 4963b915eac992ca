import { describe, expect, test } from 'vitest';
import type { AttachmentHead, EventIdentity } from '#model/appointment.ts';
import type { FolderId, ItemId, LinkId, Version } from '#model/ids.ts';
import type { StampText } from '#model/stamp.ts';
import type { TypedItem } from '#model/typed-item.ts';
import type { TypedLinkRow } from '#model/typed-link.ts';
import { settleDuplicates, settleGone } from './settle-typed.ts';
import { shown } from './shown.ts';
import { day, type EventOver, event, monday9, policy, series, winterClock } from './typed-items.fixture.ts';

type Event = TypedItem<'calendar'>;
const linkOf = (left: Event, right: Event): TypedLinkRow => {
  const end = (item: Event) => ({
    id: item.head.id,
    folder: item.head.folder,
    version: item.head.version,
    seen: shown(item),
  });
  return {
    id: 'k' as LinkId,
    identity: null,
    stampKey: null,
    left: end(left),
    right: end(right),
    state: 'left-gone',
    goneSincePass: 1,
  };
};

describe('gone on one side', () => {
  const base = event();
  const row = linkOf(base, base);

  test('unchanged on the other: removed there, at the version that was looked at', () => {
    const touched = event({ head: { version: 'v9' as Version } });
    expect(settleGone(row, 'left', touched, policy())).toEqual({
      do: 'remove',
      on: 'right',
      expect: 'v9',
      conflict: null,
    });
  });

  test('changed or moved on the other: made again, and the journal knows', () => {
    const changed = event({ fields: { location: 'Room 4' } });
    expect(settleGone(row, 'left', changed, policy())).toMatchObject({
      do: 'revive',
      on: 'left',
      conflict: {
        outcome: 'item-changed-and-deleted',
        winner: 'right',
        left: null,
        right: { fields: { location: 'Room 4' } },
      },
    });
    const moved = event({ head: { folder: 'other' as FolderId } });
    expect(settleGone(row, 'right', moved, policy())).toMatchObject({
      do: 'revive',
      on: 'right',
      conflict: { winner: 'left' },
    });
  });

  test('changed by our own write, whose answer was lost: removed there', () => {
    const changed = event({ fields: { location: 'Room 4' } });
    const onTheirWay = { fields: { location: 'Room 4' }, occurrences: {} };
    const waiting = { ...row, right: { ...row.right, seen: { ...row.right.seen, onTheirWay } } };
    expect(settleGone(waiting, 'left', changed, policy())).toMatchObject({ do: 'remove', conflict: null });
    const theirs = event({ fields: { location: 'Room 5' } });
    expect(settleGone(waiting, 'left', theirs, policy())).toMatchObject({ do: 'revive' });
  });

  test('one-way: the target keeps it, the source does not get it back', () => {
    const changed = event({ fields: { location: 'Room 4' } });
    expect(settleGone(row, 'left', changed, policy({ direction: 'one-way' }))).toMatchObject({ do: 'keep' });
  });

  describe('a copy of somebody else’s meeting', () => {
    const received = (fields: EventOver['fields'] = {}, head: EventOver['head'] = {}) =>
      event({
        fields: { stateFlags: 3, sequence: 1, ownerCriticalChangeAt: monday9, myResponse: 'none', ...fields },
        head,
      });
    const known = linkOf(received(), received());
    const settled = (item: Event, direction: 'both' | 'one-way' = 'both') =>
      settleGone(known, 'left', item, policy({ direction }));

    test('that the person changed goes, and is in the journal', () => {
      const changed = received({ location: 'Room 4', myResponse: 'decline' });
      expect(settled(changed)).toMatchObject({
        do: 'remove',
        on: 'right',
        conflict: { outcome: 'invitation-deleted', winner: 'left', right: { fields: { location: 'Room 4' } } },
      });
    });

    test.each([
      ['of which the organizer has told anew', received({ sequence: 2 })],
      [
        'of which the organizer has told anew, without counting it',
        received({ ownerCriticalChangeAt: monday9 + 60_000 }),
      ],
      ['to which the person comes', received({ myResponse: 'accept', myResponseAt: monday9 })],
      ['that the person moved to another calendar', received({}, { folder: 'other' as FolderId })],
    ])('%s is made again', (_, item) => {
      expect(settled(item)).toMatchObject({ do: 'revive', conflict: { outcome: 'item-changed-and-deleted' } });
    });

    test('stays on the target of one way', () => {
      expect(settled(received({ location: 'Room 4' }), 'one-way')).toMatchObject({ do: 'keep' });
    });
  });

  test('gone on the other as well', () => {
    expect(settleGone(row, 'left', null, policy())).toEqual({ do: 'forget' });
  });
});

describe('several with one identity', () => {
  const item = (id: string, over: EventOver = {}, make = event) =>
    make({ ...over, head: { id: id as ItemId, ...over.head } });
  const settle = (items: readonly Event[], linked: string | null = null) =>
    settleDuplicates('right', items, linked as ItemId | null, [], policy(), winterClock);

  test.each([
    [
      'the organizer updated it last',
      item('a', { fields: { sequence: 1 } }),
      item('b', { fields: { myResponse: 'accept' } }),
    ],
    [
      'the person answered it',
      item('b', { fields: { myResponse: 'accept' } }),
      item('a', { fields: { myResponse: 'none' }, head: { stamp: 's' as StampText } }),
    ],
    ['it is linked', item('linked'), item('a', { head: { stamp: 's' as StampText } })],
    [
      'we made it',
      item('b', { head: { stamp: 's' as StampText } }),
      item('a', { fields: { location: 'a very long place indeed' } }),
    ],
    ['it has more changed occurrences', item('b', { deletedDays: [day('2024-03-11')] }, series), item('a', {}, series)],
    ['it holds more', item('b', { fields: { location: 'a very long place indeed' } }), item('a')],
    ['it is older', item('b', { head: { createdAt: monday9 - 1 } }), item('a')],
    ['they are equal', item('a'), item('b')],
  ])('the richer one stays: %s', (why, keep, other) => {
    for (const items of [
      [keep, other],
      [other, keep],
    ]) {
      expect(settle(items, 'linked')).toMatchObject({
        keep: { head: { id: keep.head.id } },
        remove: [{ head: { id: other.head.id } }],
        why,
      });
    }
  });

  test('it takes over what only the others have, with the bytes of their attachments; they are in the journal whole', () => {
    const file: AttachmentHead = {
      name: 'a.pdf',
      contentType: null,
      contentId: null,
      isInline: false,
      sizeBytes: 1,
      hash: 'h',
      kind: 'file',
    };
    const decision = settle([
      item('keep', { fields: { sequence: 3, location: '' } }),
      item('one', { fields: { sequence: 2, location: 'Room 4', categories: ['red'] } }),
      item('two', { fields: { categories: ['blue'], attachments: [file], subject: 'Other' } }),
    ]);
    expect(decision?.edit?.set).toEqual({ location: 'Room 4', categories: ['red', 'blue'], attachments: [file] });
    expect(decision?.needs).toEqual([{ from: 'two', day: null, heads: [file] }]);
    expect(decision?.conflicts).toMatchObject([
      { outcome: 'duplicate-removed', winner: 'right', left: null, right: { fields: { location: 'Room 4' } } },
      { right: { fields: { subject: 'Other' } } },
    ]);
  });

  test('an occurrence that came by itself gives its series what was said of its day, and goes', () => {
    const id = (of: string) => `040000008200E00074C5B7101A82E008${of}${'0'.repeat(40)}` as EventIdentity;
    const whole = item('series', { head: { identity: id('00000000') } }, series);
    const start = monday9 + 7 * 86_400_000;
    const when = { ...whole.fields.when, start, end: start + 3_600_000 };
    const lone = (of: string, fields: EventOver['fields']) =>
      item('lone', { head: { identity: id(of) }, fields: { when, sequence: 9, ...fields } });
    const told = settle([lone('07E8030B', { location: 'Room 9' }), whole]);
    expect(told).toMatchObject({
      keep: { head: { id: 'series' } },
      remove: [{ head: { id: 'lone' } }],
      why: 'it is the series',
    });
    expect(told?.edit).toMatchObject({
      set: {},
      occurrences: [{ day: '2024-03-11', do: 'modify', overrides: { location: 'Room 9' } }],
    });
    const later = { ...when, start: start + 1, end: start + 2 };
    expect(settle([lone('07E8030B', { when: later }), whole])?.edit?.occurrences).toMatchObject([
      { overrides: { when: later } },
    ]);
    expect(settle([lone('07E8030B', {}), whole])?.edit).toBeNull();
    // Nothing is lost by what it does not say, and by what every new item has.
    const bare = lone('07E8030B', { location: '', body: { type: 'text', text: '' }, myResponse: 'none' });
    const answered = item(
      'series',
      { head: { identity: id('00000000') }, fields: { myResponse: 'accept', sensitivity: 'private' } },
      series,
    );
    expect(settle([bare, answered])?.edit).toBeNull();
  });

  test('what a series had said of a day on which an occurrence came by itself is not lost', () => {
    const id = (of: string) => `040000008200E00074C5B7101A82E008${of}${'0'.repeat(40)}` as EventIdentity;
    const start = monday9 + 7 * 86_400_000;
    const overrides = { location: 'Room 4', categories: ['red'] };
    const whole = item(
      'series',
      { head: { identity: id('00000000') }, occurrences: [{ day: day('2024-03-11'), overrides }] },
      series,
    );
    const when = { ...whole.fields.when, start, end: start + 3_600_000 };
    const lone = item('lone', {
      head: { identity: id('07E8030B') },
      fields: { when, location: 'Room 9', subject: 'Other', categories: ['blue'] },
    });
    const told = settle([lone, whole]);
    expect(told?.edit?.occurrences).toMatchObject([
      { overrides: { location: 'Room 9', subject: 'Other', categories: ['red', 'blue'] } },
    ]);
    // The subject was the pattern's, and of categories none went.
    expect(told?.overruled).toEqual([
      expect.objectContaining({
        outcome: 'occurrence-told-twice',
        field: 'location',
        day: '2024-03-11',
        left: 'Room 9',
        right: 'Room 4',
        winner: 'left',
      }),
    ]);
  });

  test('an occurrence that came by itself gives everything that occurrences have for themselves, with bytes', () => {
    const id = (of: string) => `040000008200E00074C5B7101A82E008${of}${'0'.repeat(40)}` as EventIdentity;
    const file = (name: string): AttachmentHead => ({
      name,
      contentType: null,
      contentId: null,
      isInline: false,
      sizeBytes: 1,
      hash: name,
      kind: 'file',
    });
    const start = monday9 + 7 * 86_400_000;
    const invited = { stateFlags: 3, myResponse: 'none' } as const;
    const whole = item(
      'series',
      { head: { identity: id('00000000') }, fields: { ...invited, attachments: [file('a')], categories: ['red'] } },
      series,
    );
    const told: EventOver['fields'] = {
      ...invited,
      when: { ...whole.fields.when, start, end: start + 3_600_000 },
      attachments: [file('b')],
      categories: ['blue'],
      myResponse: 'accept',
      myResponseAt: start,
      reminder: { isSet: true, minutesBefore: 5 },
      showAs: 'oof',
      sensitivity: 'private',
      importance: 'high',
    };
    const decision = settle([whole, item('lone', { head: { identity: id('07E8030B') }, fields: told })]);
    expect(decision?.edit).toMatchObject({
      set: {},
      occurrences: [
        {
          day: '2024-03-11',
          overrides: {
            attachments: [{ name: 'a' }, { name: 'b' }],
            categories: ['red', 'blue'],
            myResponse: 'accept',
            myResponseAt: start,
            reminder: { isSet: true, minutesBefore: 5 },
            showAs: 'oof',
            sensitivity: 'private',
            importance: 'high',
          },
        },
      ],
    });
    expect(decision?.needs).toEqual([
      { from: 'lone', day: null, heads: [file('b')] },
      { from: 'series', day: null, heads: [file('a')] },
    ]);
  });

  test('an occurrence of a day that the series beside it does not have stays, as an item of its own', () => {
    const id = (of: string) => `040000008200E00074C5B7101A82E008${of}${'0'.repeat(40)}` as EventIdentity;
    const whole = (over: EventOver = {}) => item('series', { ...over, head: { identity: id('00000000') } }, series);
    const lone = (of: string) => item('lone', { head: { identity: id(of) } });
    const stays = { remove: [], conflicts: [], edit: null, apart: [{ head: { id: 'lone' } }] };
    // Tuesday, a Monday after the end, a Monday that was deleted; and what is no series any more.
    expect(settle([lone('07E8030C'), whole()])).toMatchObject(stays);
    expect(settle([lone('07E80603'), whole()])).toMatchObject(stays);
    expect(settle([lone('07E8030B'), whole({ deletedDays: [day('2024-03-11')] })])).toMatchObject(stays);
    expect(settle([lone('07E8030B'), whole({ fields: { recurrence: null } })])).toMatchObject(stays);
    expect(settle([lone('07E8030B'), whole()])).toMatchObject({ remove: [{ head: { id: 'lone' } }], apart: [] });
  });

  test('one alone is nothing to settle', () => {
    expect(settle([item('a')])).toBeNull();
  });
});
