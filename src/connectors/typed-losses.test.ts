import { expect, test } from 'vitest';
import { attachment, attendees, day, draftOf, eventDraft, nth, seriesDraft } from '#test/suites/typed-drafts.ts';
import { davLosses, graphLosses, unkeptBy } from './typed-losses.ts';

const me = { name: 'Ana', address: 'ana@source.example' };

test('answers are named where they are written, and not where they stay as they are', () => {
  const { item } = eventDraft({ attendees, organizer: me });
  expect(Object.keys(unkeptBy(davLosses, item, null))).toEqual(['attendees']);
  expect(unkeptBy(davLosses, item, { subject: 'x' })).toEqual({});
  const open = attendees.map((one) => ({ ...one, response: 'none' as const, respondedAt: null }));
  expect(unkeptBy(davLosses, eventDraft({ attendees: open, organizer: me }).item, null)).toEqual({});
});

test('answers to single occurrences are named, and days that nobody could show', () => {
  const { item } = seriesDraft({
    fields: { organizer: me },
    occurrences: [{ day: nth(1), overrides: { attendees, attachments: [attachment('a', 'a').head] } }],
    deletedDays: [day('2030-01-01')],
  });
  expect(Object.keys(unkeptBy(davLosses, item, null))).toEqual(['attendees', 'occurrences']);
  expect(unkeptBy(graphLosses, item, null)).toEqual({ occurrences: '1 days that the pattern does not have' });
});

test('what the owner organizes stays so, and what nobody does becomes the owner’s', () => {
  const { item } = eventDraft({ organizer: null });
  expect(Object.keys(unkeptBy(davLosses, item, null))).toEqual(['organizer']);
  expect(unkeptBy(davLosses, item, { subject: 'x' })).toEqual({});
  expect(unkeptBy(graphLosses, item, null)).toEqual({});
});

test('an occurrence that has no categories while its series has some is named', () => {
  const { item } = seriesDraft({
    fields: { organizer: me, categories: ['Red'] },
    occurrences: [{ day: nth(1), overrides: { categories: [] } }],
  });
  expect(Object.keys(unkeptBy(davLosses, item, { subject: 'x' }))).toEqual(['categories']);
});

test('a file without a name or a type is named, of an item or of one of its occurrences', () => {
  const { head } = attachment('', 'x');
  const bare = { ...head, contentType: null };
  const of = (item: Parameters<typeof unkeptBy>[1]) => unkeptBy(davLosses, item, null)['attachments']?.split('; ');
  expect(of(draftOf('tasks', { fields: { attachments: [bare] } }).item)).toHaveLength(2);
  expect(of(draftOf('contacts', { fields: { attachments: [head] } }).item)).toHaveLength(1);
  const { item } = seriesDraft({ occurrences: [{ day: nth(1), overrides: { attachments: [bare] } }] });
  expect(of(item)).toHaveLength(2);
  expect(Object.keys(unkeptBy(graphLosses, item, null))).toEqual(['attachments']);
});

test('contacts arrive as they are', () => {
  expect(unkeptBy(davLosses, draftOf('contacts').item, null)).toEqual({});
});
