import { expect, test } from 'vitest';
import { Conversation } from '#lab/meetings/conversation.fixture.ts';
import { withProperties } from '#lab/meetings/meeting-view.ts';
import { OutlookClient } from '#lab/meetings/outlook.ts';
import { calendarKey } from '#lab/world/calendar-keys.ts';
import type { Item, ItemContent } from '#lab/world/item.ts';
import { messageFlag } from '#lab/world/property.ts';
import { blameFairly } from './fair-blame.ts';

/** Ana has a mailbox in both organizations, and the program writes what it found in the left one into the right one. */
function twoCalendars(booking: string) {
  const talk = new Conversation({ source: ['ana', 'ben'], target: ['ana-there', 'dan'] });
  const box = talk.mailbox('ana-there');
  blameFairly(talk.meetings, { left: talk.mailbox('ana'), right: box }, () => false);
  talk.play(`ana books "Plan" 2026-03-09 10:00-11:00 with ben${booking}`);
  talk.mails();
  const by = { caller: box.organization.admin.user, displayName: 'Migration' };
  const original = talk.item('ana', 'Plan');
  const written = (kind: 'created' | 'updated', item: Item, before: ItemContent | null) =>
    talk.meetings.written({
      kind,
      mailbox: item.folder.mailbox,
      item,
      day: null,
      before,
      after: item.content,
      choice: 'SendToNone',
      by,
    });
  return {
    talk,
    original,
    carry(content = original.content): Item {
      const copy = box.create(box.folder('calendar'), { content, messageFlags: messageFlag.read }, by);
      written('created', copy, null);
      return copy;
    },
    write(item: Item, content: ItemContent): void {
      const before = item.content;
      item.folder.mailbox.update(item, content, by);
      written('updated', item, before);
    },
    edit(item: Item): void {
      new OutlookClient(talk.meetings, item.folder.mailbox).edit(item, { location: 'Room 3' });
    },
    mails: () => talk.mails().map(({ cause, doing }) => `${cause} ${doing}`),
  };
}

const unsent = (content: ItemContent): ItemContent => withProperties(content, { [calendarKey.fInvited]: null });

test('a draft that the program carried is sent by the doing of the person who wrote it', () => {
  const { carry, edit, mails } = twoCalendars(' silently');
  edit(carry());
  expect(mails()).toEqual(['meeting-request person']);
});

test('also when the person has just sent it from the other calendar', () => {
  const { carry, edit, mails, original } = twoCalendars(' silently');
  const copy = carry();
  edit(original);
  edit(copy);
  expect(mails()).toEqual(['meeting-request person', 'meeting-request person']);
});

test('a copy that lost FInvited on its way is sent by the doing of the program', () => {
  const { carry, edit, mails, original } = twoCalendars('');
  edit(carry(unsent(original.content)));
  expect(mails()).toEqual(['meeting-request api']);
});

test('and so is one in both calendars that lost it by the program in each', () => {
  const { carry, edit, mails, original, write } = twoCalendars('');
  const copy = carry(unsent(original.content));
  write(original, unsent(original.content));
  edit(copy);
  expect(mails()).toEqual(['meeting-request api']);
});

test('a copy that lost it after it had been carried as sent is the doing of the program, whatever was sent before', () => {
  const { carry, edit, mails, original, write } = twoCalendars(' silently');
  const copy = carry();
  edit(original);
  write(copy, original.content);
  write(copy, unsent(copy.content));
  edit(copy);
  expect(mails()).toEqual(['meeting-request person', 'meeting-request api']);
});
