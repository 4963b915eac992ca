import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { MailState, MailStateField } from '#model/mail.ts';
import { mailProperties, mailStateFields } from '#model/mail-properties.ts';
import { changedFields, mergeSet, mergeState, sameValue } from './merge-state.ts';

/** Any state that the samples of the property table can make. */
const states: fc.Arbitrary<MailState> = fc.record(
  Object.fromEntries(
    mailStateFields.map((f) => [f, fc.constantFrom(...(mailProperties[f].sample as readonly unknown[]))]),
  ),
) as unknown as fc.Arbitrary<MailState>;
const policies = fc.constantFrom('source' as const, 'target' as const);
const touchedSets = fc.subarray([...mailStateFields]);
const words = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'Ä'), { maxLength: 5 });

/** What the right holds once a merge is carried out. */
const carriedOut = (right: MailState, set: Partial<MailState>): MailState => ({ ...right, ...set });

describe('merging the state of a mail', () => {
  test('nothing changed on the left: nothing is written', () => {
    fc.assert(
      fc.property(states, states, touchedSets, policies, (left, right, touched, policy) => {
        const merge = mergeState(left, left, right, touched, policy);
        expect(merge.set).toEqual({});
        expect(merge.conflicts).toEqual([]);
      }),
    );
  });

  test('nobody touched the right: it becomes what the left is, in every field that changed', () => {
    fc.assert(
      fc.property(states, states, policies, (seen, left, policy) => {
        const merge = mergeState(seen, left, seen, [], policy);
        expect(changedFields(carriedOut(seen, merge.set), left)).toEqual([]);
        expect(merge.conflicts).toEqual([]);
      }),
    );
  });

  test('a second merge of the same makes no write and no conflict', () => {
    fc.assert(
      fc.property(states, states, states, touchedSets, policies, (seen, left, right, touched, policy) => {
        const first = mergeState(seen, left, right, touched, policy);
        const second = mergeState(left, left, carriedOut(right, first.set), first.touched, policy);
        expect(second.set).toEqual({});
        expect(second.conflicts).toEqual([]);
      }),
    );
  });

  test('what a person touched is overwritten only by the policy, and then the loser is named', () => {
    fc.assert(
      fc.property(states, states, states, policies, (seen, left, right, policy) => {
        const touched = changedFields(seen, right);
        const merge = mergeState(seen, left, right, touched, policy);
        for (const field of touched) {
          if (mailProperties[field].merge === 'set' || !(field in merge.set)) continue;
          expect(policy).toBe('source');
          expect(merge.conflicts.find((c) => c.field === field)).toMatchObject({ right: right[field], winner: 'left' });
        }
        for (const c of merge.conflicts) expect(c.winner).toBe(policy === 'source' ? 'left' : 'right');
      }),
    );
  });

  test('what stays different is exactly what stays touched or was never the left’s to change', () => {
    fc.assert(
      fc.property(states, states, states, (seen, left, right) => {
        const touched = changedFields(seen, right);
        const merge = mergeState(seen, left, right, touched, 'target');
        const different = changedFields(carriedOut(right, merge.set), left);
        for (const field of different) expect(merge.touched).toContain(field);
      }),
    );
  });

  test('the fields of a flag are one thing: touching one contests all', () => {
    const seen = { ...base(), flagStatus: 0, flagDueAt: null };
    const left = { ...seen, flagStatus: 2, flagDueAt: 1_700_006_400_000 };
    const right = { ...seen, flagStatus: 1 };
    const merge = mergeState(seen, left, right, ['flagStatus'], 'target');
    expect(merge.set).toEqual({});
    expect(merge.conflicts.map((c) => c.field)).toEqual(['flagStatus', 'flagDueAt']);
  });

  test('a copy that was not read back yet is untouched', () => {
    expect(mergeState(base(), { ...base(), isRead: true }, null, [], 'target').set).toEqual({ isRead: true });
  });
});

describe('merging a set', () => {
  test('keeps what either side added, drops what either side removed', () => {
    fc.assert(
      fc.property(words, words, words, (before, left, right) => {
        const merged = mergeSet(before, left, right);
        expect(new Set(merged).size).toBe(merged.length);
        for (const w of left) if (!before.includes(w)) expect(merged).toContain(w);
        for (const w of right) if (!before.includes(w)) expect(merged).toContain(w);
        for (const w of before) if (!left.includes(w) || !right.includes(w)) expect(merged).not.toContain(w);
      }),
    );
  });

  test('order is no difference', () => {
    fc.assert(
      fc.property(words, (a) => {
        expect(sameValue('categories', a, [...a].reverse())).toBe(true);
      }),
    );
  });
});

function base(): MailState {
  return Object.fromEntries(
    mailStateFields.map((f: MailStateField) => [f, mailProperties[f].sample[0]]),
  ) as unknown as MailState;
}
