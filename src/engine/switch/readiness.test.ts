import { describe, expect, test } from 'vitest';
import { measuredState, readiness, readinessChecks, type SwitchFacts, standsInTheWay } from './readiness.ts';

const track = {
  kind: 'mail',
  state: 'in-step',
  stoppedBecause: null,
  lastOutcome: 'complete',
  quarantined: 0,
  held: 0,
  lagMs: 0,
} as const;
const fine: SwitchFacts = {
  nowMs: 1e12,
  mailboxes: { source: true, target: true },
  entries: {
    source: { found: true, redirectsTo: null, answersOld: true },
    target: { found: true, redirectsTo: 'ana@old.example', answersOld: true },
  },
  reachedAt: { source: ['ana@old.example'], target: ['ana@new.example'] },
  tracks: [track],
  lagObjectiveMs: 60_000,
  grade: { grade: 'good', atMs: 1e12 },
  gradeMaxAgeMs: 86_400_000,
  delegates: [],
  rivals: 0,
  autodiscover: { answers: true, detail: 'answers' },
  downloadBytes: 2e9,
  clientBytesPerSecond: 2.5e6,
};
const blocked = (facts: Partial<SwitchFacts>, accepted: readonly string[] = []) =>
  standsInTheWay(readiness({ ...fine, ...facts }), accepted).map(({ check }) => check);

describe('readiness', () => {
  test('has one finding a check, and nothing stands in the way of a pair that is fine', () => {
    expect(readiness(fine).map(({ check }) => check)).toEqual(readinessChecks);
    expect(blocked({})).toEqual([]);
    expect(measuredState(fine, [])).toBe('ready');
    expect(readiness(fine).at(-1)?.detail).toMatch(/2000 MB, 14 min/);
  });

  test.each([
    ['mailboxes', { mailboxes: { source: true, target: false } }],
    ['directory', { entries: { ...fine.entries, target: { found: false, redirectsTo: undefined, answersOld: null } } }],
    [
      'directory',
      { entries: { ...fine.entries, target: { found: true, redirectsTo: 'ana@old.example', answersOld: false } } },
    ],
    ['redirection', { entries: { ...fine.entries, target: { found: true, redirectsTo: null, answersOld: true } } }],
    [
      'redirection',
      { entries: { ...fine.entries, target: { found: true, redirectsTo: 'x@y.example', answersOld: true } } },
    ],
    [
      'redirection',
      { entries: { ...fine.entries, source: { found: true, redirectsTo: 'a@b.example', answersOld: true } } },
    ],
    ['copy', { tracks: [{ ...track, state: 'first-pass' }] }],
    ['copy', { tracks: [{ ...track, stoppedBecause: 'auth: refused' }] }],
    ['lag', { tracks: [{ ...track, lagMs: 61_000 }] }],
    ['grade', { grade: null }],
    ['grade', { grade: { grade: 'poor', atMs: 1e12 } }],
    ['grade', { grade: { grade: 'good', atMs: 1e12 - 2 * 86_400_000 } }],
    ['quarantine', { tracks: [{ ...track, quarantined: 1 }] }],
    ['deletions', { tracks: [{ ...track, held: 3 }] }],
    ['delegates', { delegates: [{ address: 'bo@old.example', together: false }] }],
    ['rivals', { rivals: 2 }],
    ['autodiscover', { autodiscover: { answers: false, detail: 'no answer' } }],
  ] as const satisfies readonly (readonly [string, Partial<SwitchFacts>])[])('%s stands in the way', (check, facts) => {
    expect(blocked(facts)).toEqual([check]);
    const found = readiness({ ...fine, ...facts }).find((one) => one.verdict === 'not-ready');
    expect(found?.advice).not.toBeNull();
    expect(measuredState({ ...fine, ...facts }, [])).not.toBe('ready');
  });

  test('what is accepted by name does not stand in the way, but for what would lose mail', () => {
    const waiting = { ...fine, tracks: [{ ...track, quarantined: 1 }] };
    expect(measuredState(waiting, [])).toBe('syncing');
    expect(measuredState(waiting, ['quarantine'])).toBe('ready');
  });

  test('nothing was copied: provisioned', () => {
    expect(measuredState({ ...fine, tracks: [{ ...track, state: 'new', lagMs: null }] }, [])).toBe('provisioned');
  });
});
