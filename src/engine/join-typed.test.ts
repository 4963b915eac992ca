import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { EventIdentity } from '#model/appointment.ts';
import type { FolderId, ItemId, LinkId, MailboxGuid, Side, Version } from '#model/ids.ts';
import { firstIdOf, type StampText, stampKey, writeStamp } from '#model/stamp.ts';
import type { TypedHead } from '#model/typed-item.ts';
import type { TypedIntentRow, TypedLinkRow } from '#model/typed-link.ts';
import { joinQuestions, joinTyped } from './join-typed.ts';
import type { FeedEntry, TypedDecision, TypedKnowledge } from './join-typed-decisions.ts';
import { headOf, policy } from './typed-items.fixture.ts';

const nothing = { fields: {}, occurrences: {} };
const head = (id: string, over: Partial<TypedHead> = {}): TypedHead =>
  headOf({ id: id as ItemId, identity: null, folder: 'A' as FolderId, ...over });
const identity = (text: string) => text as EventIdentity;
const upsert = (h: TypedHead): FeedEntry => ({ kind: 'upsert', head: h });
const gone = (id: string): FeedEntry => ({ kind: 'delete', id: id as ItemId });
const end = (id: string, folder = 'A', version = 'v1') => ({
  id: id as ItemId,
  folder: folder as FolderId,
  version: version as Version,
  seen: nothing,
});
const link = (left: string, right: string, over: Partial<TypedLinkRow> = {}): TypedLinkRow => ({
  id: `${left}=${right}` as LinkId,
  identity: null,
  stampKey: null,
  left: end(left),
  right: end(right),
  state: 'live',
  goneSincePass: null,
  ...over,
});
const stampOf = (firstId: string): StampText =>
  writeStamp({
    organization: 'o',
    mailbox: 'm' as MailboxGuid,
    searchKey: '',
    firstId: firstIdOf(firstId as ItemId),
    fingerprint: '',
    sizeBytes: 0,
    nonce: 'n',
  });

const known = (over: Partial<TypedKnowledge>): TypedKnowledge => ({
  pass: 7,
  policy: policy(),
  lookedForSinceMs: 1000,
  left: [],
  right: [],
  links: [],
  intents: [],
  unlinked: [],
  gone: { left: new Set(), right: new Set() },
  apart: { left: new Set(), right: new Set() },
  setAside: { left: new Set(), right: new Set() },
  counterpart: (_, folder) => (folder === ('X' as FolderId) ? null : folder),
  ...over,
});
const join = (over: Partial<TypedKnowledge>) => joinTyped(known(over));

describe('items without a link', () => {
  test('new: it is created on the other side', () => {
    expect(join({ right: [upsert(head('r1'))] })).toMatchObject([
      { do: 'create', on: 'left', folder: 'A', from: { id: 'r1' } },
    ]);
  });

  test('created and deleted before we looked: nothing', () => {
    expect(join({ right: [upsert(head('r1')), gone('r1')] })).toEqual([]);
  });

  test('in a folder that is not in step, on the target of a one-way collection, or on its way: left', () => {
    const intent = {
      from: { id: 'l1' },
      side: 'right',
      stampKey: 'k',
      settledAfterMs: 1000,
    } as unknown as TypedIntentRow;
    expect(join({ left: [upsert(head('l1', { folder: 'X' as FolderId }))] })).toMatchObject([
      { do: 'leave', because: 'not-in-step' },
    ]);
    expect(join({ right: [upsert(head('r1'))], policy: policy({ direction: 'one-way' }) })).toMatchObject([
      { do: 'leave', because: 'one-way' },
    ]);
    expect(join({ left: [upsert(head('l1'))], intents: [intent] })).toMatchObject([
      { do: 'leave', because: 'intent-open' },
    ]);
    expect(join({ left: [upsert(head('l1'))], intents: [intent], lookedForSinceMs: 1001 })).toMatchObject([
      { do: 'create' },
    ]);
  });

  test('a copy whose answer was lost is adopted with its intent', () => {
    const stamp = stampOf('l1');
    const intent = {
      from: { id: 'l1' },
      side: 'right',
      stampKey: stampKey(stamp),
      settledAfterMs: 0,
    } as unknown as TypedIntentRow;
    const decisions = join({
      unlinked: [{ side: 'left', head: head('l1') }],
      right: [upsert(head('r1', { stamp }))],
      intents: [intent],
    });
    expect(decisions).toMatchObject([{ do: 'adopt', left: { id: 'l1' }, right: { id: 'r1' }, by: 'stamp', intent }]);
  });

  test('a copy of ours that comes when its item is linked to another one is a duplicate, also in another folder', () => {
    const stamp = stampOf('l1');
    const of = { side: 'right', stampKey: stampKey(stamp), settledAfterMs: 0 } as const;
    const copy = head('r2', { stamp, identity: identity('AB'), folder: 'b' as FolderId });
    const row = link('l1', 'r1', { identity: identity('AB') });
    const entries = { links: [row], right: [upsert(copy)] };
    const intent = (from: string) => ({ ...of, from: { id: from } }) as unknown as TypedIntentRow;
    expect(join({ ...entries, intents: [intent('l1')] })).toEqual([
      { do: 'dedupe', on: 'right', heads: [copy], link: row },
    ]);
    // One that was made of another item is not.
    expect(join({ ...entries, intents: [intent('l2')] })).not.toContainEqual(expect.objectContaining({ do: 'dedupe' }));
    // Beside another duplicate all of them are judged together.
    const third = head('r3', { identity: identity('AB') });
    expect(join({ links: [row], right: [upsert(third), upsert(copy)], intents: [intent('l1')] })).toEqual([
      { do: 'dedupe', on: 'right', heads: [third, copy], link: row },
    ]);
  });

  test('after a loss of the database copies are found by the stamp, then by the identity', () => {
    const decisions = join({
      left: [upsert(head('l1')), upsert(head('l2', { identity: identity('AB') }))],
      right: [upsert(head('r2', { identity: identity('AB') })), upsert(head('r1', { stamp: stampOf('l1') }))],
    });
    expect(decisions).toMatchObject([
      { do: 'adopt', left: { id: 'l1' }, right: { id: 'r1' }, by: 'stamp' },
      { do: 'adopt', left: { id: 'l2' }, right: { id: 'r2' }, by: 'identity' },
    ]);
  });

  test('a person’s copy of our copy is an item of its own', () => {
    const stamp = stampOf('l1');
    const row = link('l1', 'r1', { stampKey: stampKey(stamp) });
    const entries = { links: [row], right: [upsert(head('r2', { stamp }))] };
    expect(joinQuestions(known(entries)).right).toEqual(['r1']);
    expect(join(entries)).toMatchObject([{ do: 'create', on: 'left', from: { id: 'r2' } }]);
    expect(join({ ...entries, gone: { left: new Set(), right: new Set(['r1' as ItemId]) } })).toMatchObject([
      // The recorded version was the other one's: it says nothing of this one, even if both bear the same.
      { do: 'compare', link: { right: { id: 'r2', version: '' } }, because: 'recreated' },
    ]);
  });

  test('two with one identity in one folder are one; in two folders they are two', () => {
    const twice = [upsert(head('r1', { identity: identity('AB') })), upsert(head('r2', { identity: identity('AB') }))];
    expect(join({ right: twice })).toMatchObject([
      { do: 'dedupe', on: 'right', heads: [{ id: 'r1' }, { id: 'r2' }], link: null },
    ]);
    const row = link('l1', 'r0', { identity: identity('AB') });
    expect(join({ right: twice.slice(1), links: [row] })).toMatchObject([
      { do: 'dedupe', heads: [{ id: 'r2' }], link: { id: 'l1=r0' } },
    ]);
    const elsewhere = upsert(head('r2', { identity: identity('AB'), folder: 'B' as FolderId }));
    expect(join({ right: [elsewhere], links: [row] })).toMatchObject([{ do: 'create', on: 'left', folder: 'B' }]);
  });

  test('an occurrence without its series waits for it where the other side has it, and joins it where it is', () => {
    const whole = identity(`040000008200E00074C5B7101A82E00800000000${'0'.repeat(40)}`);
    const part = identity(whole.replace('E00800000000', 'E00807E8030C'));
    const right = [upsert(head('r2', { identity: part }))];
    const row = link('l1', 'r1', { identity: whole });
    expect(join({ right, links: [{ ...row, state: 'right-gone', goneSincePass: 7 }] })).toMatchObject([
      { do: 'wait' },
      { do: 'leave', side: 'right', because: 'series-waits' },
    ]);
    expect(join({ right, links: [row] })).toMatchObject([
      { do: 'dedupe', on: 'right', heads: [{ id: 'r2' }], link: row },
    ]);
    const fresh = [upsert(head('r3', { identity: whole })), ...right];
    expect(join({ right: fresh })).toMatchObject([{ do: 'dedupe', heads: [{ id: 'r3' }, { id: 'r2' }], link: null }]);
    expect(join({ right })).toMatchObject([{ do: 'create', from: { id: 'r2' } }]);
  });

  test('an occurrence waits for no series of which nothing is open', () => {
    const of = (day: string) => identity(`040000008200E00074C5B7101A82E008${day}${'0'.repeat(40)}`);
    const row = link('l1', 'r1', { identity: of('00000000') });
    const lone = { identity: of('07E8030C') };
    const oneWay = policy({ direction: 'one-way' });
    // The source has both, and there it stays so.
    expect(join({ left: [upsert(head('l2', lone))], links: [row], policy: oneWay })).toMatchObject([
      { do: 'create', on: 'right', from: { id: 'l2' } },
    ]);
    // A person removed the series while the collection was one-way; that is not made again.
    const stays = { ...row, state: 'right-gone', goneSincePass: null } as const;
    expect(join({ right: [upsert(head('r2', lone))], links: [stays] })).toMatchObject([
      { do: 'stay-gone' },
      { do: 'create', on: 'left', from: { id: 'r2' } },
    ]);
    // Of one that the source deleted it is open.
    const waits = { ...row, state: 'left-gone', goneSincePass: 9 } as const;
    expect(join({ left: [upsert(head('l2', lone))], links: [waits], policy: oneWay })).toContainEqual(
      expect.objectContaining({ do: 'leave', because: 'series-waits' }),
    );
  });

  test('one-way: a copy of an occurrence that the source has by itself is no part of the series beside it', () => {
    const of = (day: string) => identity(`040000008200E00074C5B7101A82E008${day}${'0'.repeat(40)}`);
    const row = link('l1', 'r1', { identity: of('00000000') });
    const copies = {
      left: [upsert(head('l2', { identity: of('07E8030C') }))],
      right: [upsert(head('r2', { identity: of('07E8030C') }))],
      links: [row],
    };
    expect(join({ ...copies, policy: policy({ direction: 'one-way' }) })).toMatchObject([
      { do: 'adopt', left: { id: 'l2' }, right: { id: 'r2' } },
    ]);
    expect(join(copies)).toMatchObject([
      { do: 'dedupe', on: 'left' },
      { do: 'dedupe', on: 'right' },
    ]);
  });

  test('what was found to be no part of the series beside it is an item like any other', () => {
    const of = (day: string) => identity(`040000008200E00074C5B7101A82E008${day}${'0'.repeat(40)}`);
    const row = link('l1', 'r1', { identity: of('00000000') });
    const apart = { left: new Set<ItemId>(), right: new Set(['r2' as ItemId]) };
    const lone = head('r2', { identity: of('07E8030C') });
    expect(join({ right: [upsert(lone)], links: [row], apart })).toMatchObject([
      { do: 'create', on: 'left', from: { id: 'r2' } },
    ]);
    const again = upsert(head('r3', { identity: of('07E8030C') }));
    expect(
      join({ right: [upsert(lone), again], apart: { ...apart, right: new Set(['r2', 'r3'] as ItemId[]) } }),
    ).toMatchObject([{ do: 'dedupe', heads: [{ id: 'r2' }, { id: 'r3' }], link: null }]);
  });

  test('an occurrence waits for its series that is made beside it, and for none that cannot be made', () => {
    const of = (day: string) => identity(`040000008200E00074C5B7101A82E008${day}${'0'.repeat(40)}`);
    const both = {
      left: [upsert(head('l1', { identity: of('07E8030C') }))],
      right: [upsert(head('r1', { identity: of('00000000') }))],
    };
    expect(join(both)).toMatchObject([
      { do: 'create', on: 'left', from: { id: 'r1' } },
      { do: 'leave', side: 'left', because: 'series-waits' },
    ]);
    const setAside = { left: new Set<ItemId>(), right: new Set(['r1' as ItemId]) };
    expect(join({ ...both, setAside })).toMatchObject([{ do: 'create', on: 'right', from: { id: 'l1' } }]);
  });

  test('an occurrence waits for its series of which only a copy of ours is left', () => {
    const of = (day: string) => identity(`040000008200E00074C5B7101A82E008${day}${'0'.repeat(40)}`);
    const stamp = stampOf('r1');
    const intent = { from: { id: 'r1' }, side: 'left', stampKey: stampKey(stamp) } as unknown as TypedIntentRow;
    const copy = head('l1', { identity: of('00000000'), stamp });
    const lone = head('r2', { identity: of('07E8030C') });
    expect(join({ left: [upsert(copy)], right: [gone('r1'), upsert(lone)], intents: [intent] })).toMatchObject([
      { do: 'orphan', copy: { id: 'l1' } },
      { do: 'leave', side: 'right', because: 'series-waits' },
    ]);
  });

  test('an occurrence waits for its series that is moved to where it is', () => {
    const of = (day: string) => identity(`040000008200E00074C5B7101A82E008${day}${'0'.repeat(40)}`);
    const row = { ...link('l1', 'r1', { identity: of('00000000') }), left: end('l1', 'B'), right: end('r1', 'B') };
    const moved = upsert(head('l1', { identity: of('00000000') }));
    const lone = upsert(head('r2', { identity: of('07E8030C') }));
    expect(join({ left: [moved], right: [lone], links: [row] })).toMatchObject([
      { do: 'compare', move: { on: 'right' } },
      { do: 'leave', side: 'right', because: 'series-waits' },
    ]);
  });

  test('a link between folders that do not correspond is undone when there is an item where one of the two belongs', () => {
    const same = { identity: identity('AB') };
    const row = { ...link('l1', 'r1', same), right: end('r1', 'B') };
    const other = upsert(head('r2', same));
    expect(join({ right: [other], links: [row] })).toMatchObject([
      { do: 'unlink', link: { id: 'l1=r1' } },
      { do: 'leave', because: 'twin-unsettled' },
    ]);
    const both = [head('r1', { ...same, folder: 'B' as FolderId }), head('r2', same)];
    expect(join({ left: [upsert(head('l1', same))], right: both.map(upsert) })).toMatchObject([
      { do: 'adopt', left: { id: 'l1' }, right: { id: 'r2' } },
      { do: 'create', on: 'left', folder: 'B', from: { id: 'r1' } },
    ]);
    // Where the two are as they should be, another one in another folder is a copy that somebody made.
    expect(
      join({ right: [upsert(head('r2', { ...same, folder: 'C' as FolderId }))], links: [link('l1', 'r1', same)] }),
    ).toMatchObject([{ do: 'create', on: 'left', folder: 'C' }]);
  });

  test('of two links whose items come together in the same folders one is undone', () => {
    const identities = { identity: identity('AB') };
    const [one, two] = [link('l1', 'r1', identities), link('l2', 'r2', identities)];
    const moved = { left: [upsert(head('l2', { ...identities, version: 'v2' as Version }))], links: [two, one] };
    expect(join(moved)).toMatchObject([{ do: 'unlink', link: { id: 'l2=r2' } }]);
    expect(join({ ...moved, policy: policy({ direction: 'one-way' }) })).toMatchObject([{ do: 'compare' }]);
    const apart = { ...two, left: end('l2', 'B'), right: end('r2', 'B') };
    expect(
      join({ links: [one, apart], left: [upsert(head('l2', { ...identities, folder: 'B' as FolderId }))] }),
    ).toMatchObject([{ do: 'see' }]);
  });

  test('a link of which one side is gone goes on waiting while two of the other side become one', () => {
    const identities = { identity: identity('AB') };
    const decisions = join({
      left: [gone('l1')],
      right: [upsert(head('r2', identities))],
      links: [link('l1', 'r1', identities)],
    });
    const waits = { id: 'l1=r1', state: 'left-gone', goneSincePass: 7 };
    expect(decisions).toMatchObject([
      { do: 'wait', link: waits },
      { do: 'dedupe', on: 'right', link: waits },
    ]);
    const over = link('l1', 'r1', { ...identities, state: 'left-gone', goneSincePass: 6 });
    expect(join({ right: [upsert(head('r2', identities))], links: [over] })).toMatchObject([
      { do: 'wait', link: { goneSincePass: 6 } },
      { do: 'dedupe', on: 'right' },
    ]);
  });
});

describe('linked items', () => {
  test('echo of our own write: nothing but the record', () => {
    expect(join({ links: [link('l1', 'r1')], right: [upsert(head('r1'))] })).toMatchObject([{ do: 'see' }]);
  });

  test('another version: compared, with the sides that moved on', () => {
    const decisions = join({
      links: [link('l1', 'r1')],
      left: [upsert(head('l1', { version: 'v2' as Version }))],
      right: [upsert(head('r1'))],
    });
    expect(decisions).toMatchObject([
      { do: 'compare', left: { id: 'l1' }, right: null, move: null, because: 'changed' },
    ]);
  });

  test('gone on one side: it waits for a pass, then is settled', () => {
    const row = link('l1', 'r1');
    const [waiting] = join({ links: [row], left: [gone('l1')] });
    expect(waiting).toMatchObject({ do: 'wait', link: { state: 'left-gone', goneSincePass: 7 } });
    const gonerow = { ...row, state: 'left-gone', goneSincePass: 7 } as const;
    expect(join({ links: [gonerow] })).toMatchObject([{ do: 'wait' }]);
    expect(join({ links: [gonerow], pass: 8 })).toMatchObject([{ do: 'settle', gone: 'left' }]);
    expect(join({ links: [gonerow], pass: 8, right: [gone('r1')] })).toMatchObject([{ do: 'forget' }]);
  });

  test('recovered under its old id while it waits: alive', () => {
    const row = link('l1', 'r1', { state: 'left-gone', goneSincePass: 6 });
    expect(join({ links: [row], left: [upsert(head('l1'))] })).toMatchObject([
      { do: 'see', link: { state: 'live', goneSincePass: null } },
    ]);
  });

  test('moved: the other side follows, to the folder that corresponds', () => {
    const row = link('l1', 'r1', { identity: identity('AB') });
    const moved = upsert(head('l2', { identity: identity('AB'), folder: 'B' as FolderId }));
    expect(join({ links: [row], left: [gone('l1'), moved] })).toMatchObject([
      {
        do: 'compare',
        link: { left: { id: 'l2', folder: 'B' } },
        move: { on: 'right', to: 'B' },
        movedApart: null,
        because: 'moved',
      },
    ]);
  });

  test('moved between the feeds of two folders, which both show it: asked for, and followed', () => {
    const row = link('l1', 'r1', { identity: identity('AB') });
    const arrived = upsert(head('r2', { identity: identity('AB'), folder: 'B' as FolderId }));
    const entries = { links: [row], right: [upsert(head('r1', { identity: identity('AB') })), arrived] };
    expect(joinQuestions(known(entries)).right).toEqual(['r1']);
    expect(join({ ...entries, gone: { left: new Set(), right: new Set(['r1' as ItemId]) } })).toMatchObject([
      { do: 'compare', link: { right: { id: 'r2' } }, move: { on: 'left', to: 'B' }, because: 'moved' },
    ]);
  });

  test('moved between the feeds of two folders before anybody linked it: asked for, and linked where it is now', () => {
    const [before, now] = [
      head('r1', { identity: identity('AB') }),
      head('r2', { identity: identity('AB'), folder: 'B' as FolderId }),
    ];
    const twin = upsert(head('l1', { identity: identity('AB'), stamp: stampOf('r1') }));
    const entries = { left: [twin], right: [upsert(before), upsert(now)] };
    expect(joinQuestions(known(entries))).toEqual({ left: [], right: ['r1', 'r2'] });
    expect(join({ ...entries, gone: { left: new Set(), right: new Set(['r1' as ItemId]) } })).toMatchObject([
      { do: 'adopt', left: { id: 'l1' }, right: { id: 'r2' }, by: 'identity' },
    ]);
    // Copies in two calendars are two events.
    expect(join(entries)).toMatchObject([
      { do: 'adopt', left: { id: 'l1' }, right: { id: 'r1' }, by: 'stamp' },
      { do: 'create', on: 'left', folder: 'B', from: { id: 'r2' } },
    ]);
  });

  test('moved by a copy of ours, which is known by its stamp where there is no identity', () => {
    const stamp = stampOf('l1');
    const row = link('l1', 'r1', { stampKey: stampKey(stamp), state: 'right-gone', goneSincePass: 6 });
    expect(join({ links: [row], right: [upsert(head('r2', { stamp, folder: 'B' as FolderId }))] })).toMatchObject([
      { do: 'compare', link: { state: 'live', right: { id: 'r2' } }, move: { on: 'left', to: 'B' } },
    ]);
  });

  test('moved apart: the policy names the place', () => {
    const row = link('l1', 'r1');
    const at = (id: string, folder: string) =>
      upsert(head(id, { folder: folder as FolderId, version: 'v2' as Version }));
    for (const [active, on, to] of [
      ['left', 'right', 'B'],
      ['right', 'left', 'C'],
    ] as const) {
      expect(
        join({ links: [row], left: [at('l1', 'B')], right: [at('r1', 'C')], policy: policy({ active }) }),
      ).toMatchObject([{ do: 'compare', move: { on, to }, movedApart: { left: 'B', right: 'C', winner: active } }]);
    }
  });

  test('one-way: what a person removed on the target stays removed, also when both ways are asked for later', () => {
    const [decision] = join({
      links: [link('l1', 'r1')],
      right: [gone('r1')],
      policy: policy({ direction: 'one-way' }),
    });
    expect(decision).toMatchObject({ do: 'stay-gone', link: { state: 'right-gone', goneSincePass: null } });
    if (decision?.do !== 'stay-gone') throw new Error('not gone');
    expect(join({ links: [decision.link], pass: 99 })).toMatchObject([{ do: 'stay-gone' }]);
  });
});

describe('laws of the join', () => {
  const sides = ['left', 'right'] as const;
  const folders = ['A', 'B', 'X'];
  const identities = [null, 'AB', 'CD'];
  const entry = (side: Side) =>
    fc
      .record({
        id: fc.nat(5),
        folder: fc.constantFrom(...folders),
        identity: fc.constantFrom(...identities),
        version: fc.constantFrom('v1', 'v2'),
        isGone: fc.boolean(),
      })
      .map(
        (e): FeedEntry =>
          e.isGone
            ? gone(`${side}${e.id}`)
            : upsert(
                head(`${side}${e.id}`, {
                  folder: e.folder as FolderId,
                  identity: e.identity as EventIdentity | null,
                  version: e.version as Version,
                }),
              ),
      );
  const links = fc
    .array(
      fc.record({
        left: fc.nat(3),
        right: fc.nat(3),
        folder: fc.constantFrom('A', 'B'),
        identity: fc.constantFrom(...identities),
        state: fc.constantFrom<TypedLinkRow['state'][]>('live', 'left-gone', 'right-gone'),
      }),
      { maxLength: 3 },
    )
    .map((all) => {
      const rows: TypedLinkRow[] = [];
      for (const l of all) {
        const [left, right] = [`left${l.left}`, `right${l.right}`];
        if (rows.some((r) => r.left.id === left || r.right.id === right)) continue;
        rows.push(
          link(left, right, {
            left: end(left, l.folder),
            right: end(right, l.folder),
            identity: l.identity as EventIdentity | null,
            state: l.state,
            goneSincePass: l.state === 'live' ? null : 6,
          }),
        );
      }
      return rows;
    });
  const worlds = fc.record({
    left: fc.array(entry('left'), { maxLength: 6 }),
    right: fc.array(entry('right'), { maxLength: 6 }),
    links,
    active: fc.constantFrom<Side[]>('left', 'right'),
  });

  /** Ids of both sides that a decision is about. */
  const idsOf = (d: TypedDecision): readonly string[] => {
    switch (d.do) {
      case 'create':
        return [d.from.id];
      case 'adopt':
        return [d.left.id, d.right.id];
      case 'dedupe':
        return d.heads.map((h) => h.id);
      case 'leave':
        return [d.head.id];
      case 'orphan':
        return [d.copy.id];
      default:
        return [d.link.left.id, d.link.right.id];
    }
  };

  test('every item that a feed shows is in exactly one decision', () => {
    fc.assert(
      fc.property(worlds, ({ left, right, links: rows, active }) => {
        const knowledge = known({ left, right, links: rows, policy: policy({ active }) });
        const ids = joinTyped(knowledge).flatMap(idsOf);
        expect(ids.filter((id, at) => ids.indexOf(id) !== at)).toEqual([]);
        for (const side of sides) {
          const alive = new Map(
            knowledge[side].map((e) => [e.kind === 'upsert' ? e.head.id : e.id, e.kind === 'upsert']),
          );
          for (const [id, isAlive] of alive) if (isAlive) expect(ids).toContain(id);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('nothing is created beside an item that has just taken over a link, although its former twin has a duplicate', () => {
    const like = (id: string, folder: string) =>
      upsert(head(id, { identity: identity('CD'), folder: folder as FolderId }));
    const decisions = join({
      left: [like('left0', 'A')],
      right: [like('right2', 'B'), like('right1', 'A')],
      links: [
        link('left1', 'right0', {
          identity: identity('CD'),
          left: end('left1', 'B'),
          right: end('right0', 'B'),
          state: 'left-gone',
          goneSincePass: 6,
        }),
      ],
    });
    expect(decisions.filter((d) => d.do === 'create')).toEqual([]);
  });

  test('nothing is removed that was not missing for a pass, and nothing is created where its identity is already', () => {
    fc.assert(
      fc.property(worlds, ({ left, right, links: rows }) => {
        for (const d of join({ left, right, links: rows })) {
          if (d.do === 'settle') expect(rows.find((r) => r.id === d.link.id)?.state).toBe(`${d.gone}-gone`);
          if (d.do !== 'create' || d.from.identity === null) continue;
          const there = d.on === 'left' ? left : right;
          const last = new Map(there.map((e) => [e.kind === 'upsert' ? e.head.id : e.id, e]));
          const linked = new Set(rows.map((r) => r[d.on].id));
          const same = [...last.values()].filter(
            (e) =>
              e.kind === 'upsert' &&
              e.head.identity === d.from.identity &&
              e.head.folder === d.folder &&
              !linked.has(e.head.id),
          );
          expect(same).toEqual([]);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test('the order of the sides does not matter', () => {
    const turn = (text: string): string =>
      text.startsWith('left') ? text.replace('left', 'right') : text.replace('right', 'left');
    const turned = (value: unknown): unknown => {
      if (typeof value === 'string') return turn(value);
      if (Array.isArray(value)) return value.map(turned);
      if (value === null || typeof value !== 'object') return value;
      return Object.fromEntries(Object.entries(value).map(([k, v]) => [turn(k), turned(v)]));
    };
    const summary = (d: readonly TypedDecision[]) => d.map((one) => [one.do, ...idsOf(one)].sort().join(' ')).sort();
    fc.assert(
      fc.property(worlds, ({ left, right, links: rows, active }) => {
        const here = join({ left, right, links: rows, policy: policy({ active }) });
        const there = join({
          left: turned(right) as FeedEntry[],
          right: turned(left) as FeedEntry[],
          links: turned(rows) as TypedLinkRow[],
          policy: policy({ active: turn(active) as Side }),
        });
        expect(summary(turned(there) as TypedDecision[])).toEqual(summary(here));
      }),
      { numRuns: 1000 },
    );
  });
});
