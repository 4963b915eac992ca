import { expect, test } from 'vitest';
import { attachment, attendees, day, draftOf, eventDraft, nth, seriesDraft } from '#test/suites/typed-drafts.ts';
import { davLosses, graphLosses, unkeptBy } from './typed-losses.ts';

test('answers are named where they are written, and not where they stay as they are', () => {
  const { item } = eventDraft({ attendees });
  expect(Object.keys(unkeptBy(davLosses, item, null))).toEqual(['attendees']);
  expect(unkeptBy(davLosses, item, { subject: 'x' })).toEqual({});
  const open = attendees.map((one) => ({ ...one, response: 'none' as const, respondedAt: null }));
  expect(unkeptBy(davLosses, eventDraft({ attendees: open }).item, null)).toEqual({});
});

test('answers to single occurrences are named, and days that nobody could show', () => {
  const { item } = seriesDraft({
    occurrences: [{ day: nth(1), overrides: { attendees, attachments: [attachment('a', 'a').head] } }],
    deletedDays: [day('2030-01-01')],
  });
  expect(Object.keys(unkeptBy(davLosses, item, null))).toEqual(['attendees', 'occurrences']);
  expect(unkeptBy(graphLosses, item, null)).toEqual({ occurrences: '1 days that the pattern does not have' });
});

test('contacts arrive as they are', () => {
  expect(unkeptBy(davLosses, draftOf('contacts').item, null)).toEqual({});
});
