import { expect, test } from 'vitest';
import type { Version } from '#model/ids.ts';
import type { Receipt } from '#model/stamp.ts';
import type { Json } from '#model/typed-link.ts';
import { arrived, withFound, withOnTheirWay, withWritten } from './elements-on-their-way.ts';
import { elementBase } from './shown.ts';

const [before, written, later] = ['v1', 'v2', 'v3'] as readonly string[] as [Version, Version, Version];
const now = (names: readonly string[]) => new Map(names.map((name) => [name, 'none']));
const there = (names: readonly string[], version: Version) => ({ elements: now(names), version });
const receipt = 'of the write' as Receipt;
/** What the left says while `cy` is on the way from there to the right. */
const onTheirWay = {
  fields: {
    attendees: withOnTheirWay(new Map([['ben', 'none']]), new Map([['cy', 'none']]), there(['ben'], before), receipt),
  },
  occurrences: {},
};
const answered = withWritten(onTheirWay, written, () => true);

const bases = (
  { fields }: typeof onTheirWay,
  inRight: readonly string[],
  version: Version,
  shownReceipt: Receipt | null = null,
  isTakenOut = true,
) => {
  const { left, right } = arrived(
    { left: elementBase(fields.attendees), right: new Map([['ben', 'none']]) },
    { left: now(['ben', 'cy']), right: now(inRight) },
    { left: { version: before, receipt: null }, right: { version, receipt: shownReceipt } },
    () => isTakenOut,
  );
  return { left: [...(left ?? [])].map(([name]) => name), right: [...(right ?? [])].map(([name]) => name) };
};

test('what is there was carried out, with an answer and without', () => {
  const both = { left: ['ben', 'cy'], right: ['ben', 'cy'] };
  expect(bases(onTheirWay, ['ben', 'cy'], written)).toEqual(both);
  expect(bases(answered as typeof onTheirWay, ['ben', 'cy'], later)).toEqual(both);
});

test('what is not there: new without an answer, taken out by whoever wrote after the answer, left out by the server otherwise', () => {
  expect(bases(onTheirWay, ['ben'], before)).toEqual({ left: ['ben'], right: ['ben'] });
  expect(bases(answered as typeof onTheirWay, ['ben'], later)).toEqual({ left: ['ben', 'cy'], right: ['ben', 'cy'] });
  expect(bases(answered as typeof onTheirWay, ['ben'], written)).toEqual({ left: ['ben', 'cy'], right: ['ben'] });
});

test('what was seen there since, and is not any more, was taken out', () => {
  const attendees = elementBase(onTheirWay.fields.attendees) ?? new Map();
  const seenAt = (names: readonly string[]) => ({
    ...onTheirWay,
    fields: { attendees: withOnTheirWay(attendees, new Map(), there(names, written)) },
  });
  expect(bases(seenAt(['ben', 'cy']), ['ben'], later)).toEqual({ left: ['ben', 'cy'], right: ['ben', 'cy'] });
  expect(bases(seenAt(['ben']), ['ben'], later)).toEqual({ left: ['ben'], right: ['ben'] });
});

test('what was seen there although the answer was lost, and is not any more, was taken out', () => {
  const shows = (attendees: Json) => ({ fields: { attendees, subject: 'a' }, occurrences: {} });
  const seenAt = (attendees: Json) => withFound(onTheirWay, shows(attendees), written) as typeof onTheirWay;
  const arrivedThere = seenAt({ ben: 'none', cy: 'none' });
  expect(bases(arrivedThere, ['ben'], later)).toEqual({ left: ['ben', 'cy'], right: ['ben', 'cy'] });
  expect(bases(seenAt({ ben: 'none' }), ['ben'], later)).toEqual({ left: ['ben'], right: ['ben'] });
  const plain = shows({ ben: 'none' });
  expect(withFound(plain, shows({ ben: 'none', cy: 'none' }), written)).toBe(plain);
});

test('what is not there although the receipt of its write is was taken out, unless its server may have left it out or renamed it', () => {
  const taken = { left: ['ben', 'cy'], right: ['ben', 'cy'] };
  const asNew = { left: ['ben'], right: ['ben'] };
  expect(bases(onTheirWay, ['ben'], later, receipt)).toEqual(taken);
  expect(bases(onTheirWay, ['ben'], later, 'of another write' as Receipt)).toEqual(asNew);
  expect(bases(onTheirWay, ['ben'], later, receipt, false)).toEqual(asNew);
  expect(bases(onTheirWay, ['ben', 'cyrus'], later, receipt)).toEqual(asNew);
  expect(bases(answered as typeof onTheirWay, ['ben'], written, receipt)).toEqual({
    left: ['ben', 'cy'],
    right: ['ben'],
  });
});

test('an answer says nothing of fields that the other side keeps in its own way, and of snapshots from which nothing went', () => {
  expect(withWritten(onTheirWay, written, () => false)).toBe(onTheirWay);
  const plain = { fields: { attendees: { ben: 'none' }, subject: 'a' }, occurrences: {} };
  expect(withWritten(plain, written, () => true)).toBe(plain);
});
