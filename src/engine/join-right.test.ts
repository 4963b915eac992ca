import { describe, expect, test } from 'vitest';
import type { FolderId, ItemId, MailboxGuid, Version } from '#model/ids.ts';
import { type LinkRow, updating } from '#model/link.ts';
import type { MailState } from '#model/mail.ts';
import { stampKey } from '#model/stamp.ts';
import { head, link, stamp, unread } from './join-mail.fixture.ts';
import { joinRight, observeRight, type RightKnowledge, rightQuestions } from './join-right.ts';
import { mergeState } from './merge-state.ts';

const known = (links: readonly LinkRow[], gone: readonly string[] = []): RightKnowledge => ({
  byRightId: new Map(links.map((l) => [l.rightId, l])),
  byStamp: new Map([[stampKey(stamp), links]]),
  intents: new Map(),
  inFlight: new Set(),
  gone: new Set(gone as readonly ItemId[]),
  source: { organization: 'o', mailbox: 'm' as MailboxGuid },
  pass: 7,
});
const moved = [{ kind: 'upsert', head: head('new', { folder: 'B' as FolderId }) }] as const;

describe('a copy under another id', () => {
  const first = link('f', 'first');
  const second = link('s', 'second');

  test('of several links with its stamp each is asked for', () => {
    expect(rightQuestions(moved, known([first, second]))).toEqual(['first', 'second']);
  });

  test.each([
    [first, second],
    [second, first],
  ])('of several links with its stamp it is the one whose copy is gone', (...links) => {
    const joined = joinRight(moved, known(links, ['first']));
    expect(joined.links.map((l) => [l.id, l.rightId])).toEqual([[first.id, 'new']]);
    expect(joined.unclaimed).toEqual([]);
  });

  test('is a copy that a person made when all of them are there', () => {
    const joined = joinRight(moved, known([first, second]));
    expect(joined.links).toEqual([]);
    expect(joined.unclaimed.map((u) => u.right.id)).toEqual(['new']);
  });

  test('is none of a mail when it is an event that somebody deleted', () => {
    const { facts } = head('new');
    const event = { kind: 'upsert', head: head('new', { facts: { ...facts, itemClass: 'IPM.Appointment' } }) } as const;
    expect(joinRight([event], known([])).unclaimed).toEqual([]);
    expect(joinRight(moved, known([])).unclaimed).toHaveLength(1);
  });

  test("is nobody else's to claim once it has a link, also when it was seen before, as a copy that a person made", () => {
    expect(joinRight(moved, known([first], ['first'])).taken).toEqual(['new']);
    expect(joinRight(moved, known([first])).taken).toEqual([]);
  });

  test('two of them take two links', () => {
    const two = [...moved, { kind: 'upsert', head: head('newer') } as const];
    const joined = joinRight(two, known([first, second], ['first', 'second']));
    expect(joined.links.map((l) => l.rightId)).toEqual(['new', 'newer']);
  });
});

describe('an update of ours whose answer was lost', () => {
  const read: MailState = { ...unread, isRead: true, categories: ['ours'] };
  const waiting = link('l', 'r', { touched: updating({ isRead: true, categories: ['ours'] }) });
  const shows = (state: MailState, on = waiting) => observeRight(on, head('r', { state }));
  const due = (seen: LinkRow, left: MailState) => mergeState(seen.seenLeft, left, seen.seenRight, [], 'target').set;

  test("is no person's doing, and over once it shows", () => {
    expect(shows(read).touched).toEqual([]);
  });

  test('is taken back when the source goes back to what it was before', () => {
    expect(due(shows(read), unread)).toEqual({ isRead: false, categories: [] });
  });

  test('is taken back also when the copy had not been read before', () => {
    expect(due(shows(read, { ...waiting, seenRight: null }), unread)).toEqual({ isRead: false, categories: [] });
  });

  test('is taken back also when it moved no version', () => {
    const seen = observeRight(waiting, head('r', { state: { ...unread, isRead: true }, version: 'v1' as Version }));
    expect(seen.touched).toEqual([]);
    expect(due(seen, unread)).toEqual({ isRead: false });
  });

  test('leaves the categories that a person of the target added', () => {
    const before = { ...waiting, seenRight: { ...unread, categories: ['theirs'] } };
    const seen = shows({ ...unread, categories: ['theirs', 'ours'] }, before);
    expect(seen.seenLeft.categories).toEqual(['ours']);
  });

  test("what it did not write is a person's", () => {
    expect(shows({ ...read, importance: 'low' }).touched).toEqual(['importance']);
  });

  test("another value than it wrote is a person's", () => {
    const important = link('l', 'r', { touched: updating({ importance: 'high' }) });
    const seen = shows({ ...unread, importance: 'low' }, important);
    expect([seen.touched, seen.seenLeft.importance]).toEqual([['importance'], 'normal']);
    expect(shows({ ...unread, importance: 'high' }, important).touched).toEqual([]);
  });

  test('of a flag: whatever else of the flag the server set is not', () => {
    const flagged = link('l', 'r', { touched: updating({ flagStatus: 2 }) });
    expect(shows({ ...unread, flagStatus: 2, flagColour: 6 }, flagged).touched).toEqual([]);
  });

  test('goes on waiting while nothing changed', () => {
    expect(observeRight(waiting, head('r', { version: 'v1' as Version })).touched).toEqual(waiting.touched);
  });
});
