import { deepEqual, equal } from 'node:assert/strict';
import { describe, expect, test } from 'vitest';
import { calendarKey } from '../world/calendar-keys.ts';
import { exportMime } from '../world/export-mime.ts';
import { key, messageFlag } from '../world/property.ts';
import { Conversation } from './conversation.fixture.ts';
import { meetingKey } from './meeting-keys.ts';
import { attendeeOf, cleanIdOf, flag, isMeetingMessage, propertyValue, withProperties } from './meeting-view.ts';
import { OutlookClient, Phone } from './outlook.ts';

const both = (): Conversation => new Conversation({ source: ['ana', 'ben'], target: ['cara', 'dan'] });
const adminOf = (talk: Conversation, name: string) => ({
  caller: talk.mailbox(name).organization.admin.user,
  displayName: 'Migration',
});

describe('what lies in the Inbox', () => {
  test('a migrated request that is not marked is processed, and makes an appointment', () => {
    const talk = both();
    talk.play('ana books "Plan" 2026-03-09 10:00-11:00 with ben');
    const [request] = [...talk.mailbox('ben').folder('inbox').items()];
    if (request === undefined) throw new Error('no request');
    const target = talk.mailbox('dan');
    const content = withProperties(request.content, { [meetingKey.processed]: null });
    const copy = target.create(target.folder('inbox'), { content, messageFlags: 1 }, adminOf(talk, 'dan'));
    const client = new OutlookClient(talk.meetings, target);
    equal(client.sniff().length, 1);
    talk.play('dan has "Plan" 2026-03-09 10:00-11:00 tentative NoResponseReceived');
    equal(propertyValue(copy.content, meetingKey.processed), true);
    equal(client.sniff().length, 0);
    equal(talk.meetings.authorship.author(talk.item('dan', 'Plan'), 'existence')?.doing, 'api');
  });

  test('a message says the same after somebody dealt with it', async () => {
    const talk = both();
    talk.play('ana books "Plan" 2026-03-09 10:00-11:00 with ben');
    const [request] = [...talk.mailbox('ben').folder('inbox').items()];
    if (request === undefined) throw new Error('no request');
    const before = (await exportMime(request, false)).toString();
    talk.play('wait 2h');
    equal(new OutlookClient(talk.meetings, talk.mailbox('ben')).sniff().length, 1);
    equal(request.gone, false);
    equal((await exportMime(request, false)).toString(), before);
  });

  test('one that is marked is left alone', () => {
    const talk = both();
    talk.play('ana books "Plan" 2026-03-09 10:00-11:00 with ben');
    const [request] = [...talk.mailbox('ben').folder('inbox').items()].filter(isMeetingMessage);
    if (request === undefined) throw new Error('no request');
    const target = talk.mailbox('dan');
    const content = withProperties(request.content, { [meetingKey.processed]: flag(true) });
    target.create(target.folder('inbox'), { content, messageFlags: 1 }, adminOf(talk, 'dan'));
    equal(new OutlookClient(talk.meetings, target).sniff().length, 0);
    talk.play('dan lacks "Plan"');
  });

  test('an old answer that was migrated is counted once more, unless something newer is known', () => {
    const talk = both();
    talk.play(`
      ana books "Plan" 2026-03-09 10:00-11:00 with ben
      ben declines "Plan"
      ana tracks ben Decline "Plan"
    `);
    const [answer] = [...talk.mailbox('ana').folder('inbox').items()];
    if (answer === undefined) throw new Error('no answer');
    const { mailbox } = answer.folder;
    mailbox.update(answer, withProperties(answer.content, { [meetingKey.processed]: null }), mailbox.server);
    talk.play(`
      wait 1h
      ana moves "Plan" to 2026-03-10 10:00-11:00
      ben considers "Plan"
    `);
    new OutlookClient(talk.meetings, mailbox).sniff();
    equal(attendeeOf(talk.item('ana', 'Plan').content, talk.mailbox('ben').address)?.response, 'Tentative');
  });
});

describe('a meeting that looks unsent', () => {
  const left = (sent: boolean) => {
    const talk = both();
    const mailbox = talk.mailbox('cara');
    const by = adminOf(talk, 'cara');
    talk.play('cara books "Plan" 2026-03-09 10:00-11:00 with dan silently');
    const draft = talk.item('cara', 'Plan');
    const content = sent ? withProperties(draft.content, { [calendarKey.fInvited]: flag(true) }) : draft.content;
    mailbox.remove(draft, 'HardDelete', mailbox.server);
    const item = mailbox.create(mailbox.folder('calendar'), { content, messageFlags: messageFlag.read }, by);
    talk.meetings.written({
      kind: 'created',
      mailbox,
      item,
      day: null,
      before: null,
      after: content,
      choice: 'SendToNone',
      by,
    });
    return { talk, item, client: new OutlookClient(talk.meetings, mailbox, { sendsUpdates: false }) };
  };

  test('is sent to everybody when its owner edits it, by the doing of who left it so', () => {
    const { talk, item, client } = left(false);
    client.edit(item, { location: 'Room 3' });
    deepEqual(
      talk.mails().map(({ cause, doing, through }) => [cause, doing, through]),
      [['meeting-request', 'api', 'client']],
    );
  });

  test('is not sent where FInvited says that it was', () => {
    const { talk, item, client } = left(true);
    client.edit(item, { location: 'Room 3' });
    talk.play('mail none');
  });
});

test('reminders ring once when they are due, also late ones', () => {
  const talk = both();
  talk.play(`
    ana books "Soon" 2026-03-02 10:00-11:00
    ana books "Later" 2026-03-03 10:00-11:00
  `);
  const client = new OutlookClient(talk.meetings, talk.mailbox('ana'));
  equal(client.ring().length, 0);
  talk.play('wait 1h');
  deepEqual(
    client.ring().map(({ late }) => late),
    [false],
  );
  equal(client.ring().length, 0);
  talk.play('wait 3d');
  deepEqual(
    client.ring().map(({ late }) => late),
    [true],
  );
  client.snooze(talk.item('ana', 'Later'), talk.clock.nowMs() + 60_000);
  talk.play('wait 5min');
  equal(client.ring().length, 1);
  client.dismiss(talk.item('ana', 'Later'));
  equal(client.rings.length, 3);
});

test('a phone makes an event again, with its identity and without what only Exchange knows', () => {
  const talk = both();
  talk.play('ana books "Plan" 2026-03-09 10:00-11:00 with ben');
  talk.mails();
  const before = talk.item('ben', 'Plan');
  const made = new Phone(talk.meetings, talk.mailbox('ben')).recreate(before, { location: 'Somewhere' });
  expect(cleanIdOf(made.content)).toBe(cleanIdOf(before.content));
  equal(propertyValue(made.content, calendarKey.ownerCriticalChange), null);
  equal(propertyValue(made.content, key.subject), 'Plan');
  talk.play(`
    mail none
    ben counts "Plan" 1
  `);
  const other = new Phone(talk.meetings, talk.mailbox('ben')).recreate(made, {}, false);
  expect(cleanIdOf(other.content)).toMatch(/^040000008200E00074C5B7101A82E008/);
  expect(cleanIdOf(other.content)).not.toBe(cleanIdOf(before.content));
});
