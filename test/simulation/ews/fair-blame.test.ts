import { describe, expect, test } from 'vitest';
import { Conversation } from '#lab/meetings/conversation.fixture.ts';
import { integer, text, withProperties } from '#lab/meetings/meeting-view.ts';
import { calendarKey } from '#lab/world/calendar-keys.ts';
import type { Item } from '#lab/world/item.ts';
import type { Hand } from '#lab/world/mailbox.ts';
import type { Property, PropertyKey } from '#lab/world/property.ts';
import { blameFairly } from './fair-blame.ts';

/** Ana’s calendars are ana and ana2; ben is invited. The program has made her meeting in the other one by a stream. */
function storyOf(isStoreLost = false) {
  const talk = new Conversation({ source: ['ana', 'ben'], target: ['ana2'] });
  blameFairly(talk.meetings, { left: talk.mailbox('ana'), right: talk.mailbox('ana2') }, () => isStoreLost);
  talk.play('ana books "Plan" 2026-03-04 10:00-11:00 with ben');
  const program = (item: Item): Hand => {
    const { organization, displayName } = item.folder.mailbox;
    return { caller: organization.admin.user, displayName };
  };
  const person = (item: Item): Hand => ({ caller: 'people', displayName: item.folder.mailbox.displayName });
  const made = talk.mailbox('ana2');
  const left = talk.item('ana', 'Plan');
  const right = made.create(
    made.folder('calendar'),
    { content: left.content, messageFlags: 0, isRead: true },
    program(left),
  );
  const write = (item: Item, hand: (item: Item) => Hand, changes: Readonly<Record<PropertyKey, Property | null>>) => {
    const { mailbox } = item.folder;
    const [before, by] = [item.content, hand(item)];
    const after = withProperties(before, changes);
    mailbox.update(item, after, by);
    talk.meetings.written({ kind: 'updated', mailbox, item, day: null, before, after, choice: 'SendToNone', by });
  };
  const doing = (item: Item, aspect: 'place' | 'identity') => talk.meetings.authorship.author(item, aspect)?.doing;
  return { talk, left, right, program, person, write, doing };
}
const place = (name: string) => ({ [calendarKey.location]: text(name) });

describe('what the program carries', () => {
  test('stays the person’s when it comes back to where it was done', () => {
    const { left, right, program, person, write, doing } = storyOf();
    write(right, person, place('Room 2'));
    write(left, program, place('Room 2'));
    write(right, program, place('Room 2 '));
    expect([doing(left, 'place'), doing(right, 'place')]).toEqual(['person', 'person']);
  });

  test('is the person’s with the number that the server counts for it', () => {
    const { left, right, program, person, write, doing } = storyOf();
    write(left, person, place('Room 2'));
    write(right, program, { ...place('Room 2'), [calendarKey.sequence]: integer(1) });
    write(left, program, { [calendarKey.sequence]: integer(1) });
    expect([doing(left, 'identity'), doing(right, 'identity')]).toEqual(['person', 'person']);
  });

  test('is its own doing where it is put over what others were told later', () => {
    const { talk, left, right, program, write, doing } = storyOf();
    write(right, program, { [calendarKey.reminderMinutes]: integer(15) });
    talk.play('ana moves "Plan" to 2026-03-04 15:00-16:00');
    const when = [calendarKey.start, calendarKey.end].map((at) => [at, right.content.properties.get(at) ?? null]);
    write(left, program, Object.fromEntries(when));
    expect(talk.meetings.authorship.author(left, 'time')?.doing).toBe('api');
    expect([doing(left, 'place'), talk.meetings.authorship.author(right, 'time')?.doing]).toEqual(['person', 'api']);
  });

  test('is its own doing where it makes again what the person called off', () => {
    const { talk, left, right, program } = storyOf();
    const { mailbox } = left.folder;
    talk.person('ana').removeSilently(left);
    const content = { content: right.content, messageFlags: 0, isRead: true };
    const again = mailbox.create(mailbox.folder('calendar'), content, program(left));
    expect(talk.meetings.authorship.author(again, 'cancelled')?.doing).toBe('api');
    expect(talk.meetings.authorship.author(again, 'place')?.doing).toBe('person');
  });

  test('is the person’s where it calls back, without its database, what the person called off', () => {
    const { talk, left, right, program } = storyOf(true);
    const { mailbox } = left.folder;
    talk.person('ana').removeSilently(left);
    const content = { content: right.content, messageFlags: 0, isRead: true };
    const again = mailbox.create(mailbox.folder('calendar'), content, program(left));
    const { authorship } = talk.meetings;
    expect((['cancelled', 'existence'] as const).map((aspect) => authorship.author(again, aspect)?.doing)).toEqual([
      'person',
      'person',
    ]);
  });

  test('is the person’s where it is made again with what it says here, and what it said there went with the copy', () => {
    const { talk, left, right, program, write } = storyOf();
    write(right, program, { [calendarKey.reminderMinutes]: integer(15) });
    talk.play('ana2 moves "Plan" to 2026-03-04 15:00-16:00');
    const { mailbox } = right.folder;
    talk.person('ana2').removeSilently(right);
    const content = { content: left.content, messageFlags: 0, isRead: true };
    const again = mailbox.create(mailbox.folder('calendar'), content, program(right));
    expect(talk.meetings.authorship.author(again, 'time')?.doing).toBe('person');
  });

  test('is the person’s where it is put over what nobody was told', () => {
    const { left, right, program, person, write, doing } = storyOf();
    write(right, person, place('Room 2'));
    write(left, person, place('Room 3'));
    write(left, program, place('Room 2'));
    expect(doing(left, 'place')).toBe('person');
  });
});
