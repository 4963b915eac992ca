import { deepEqual, equal, match } from 'node:assert/strict';
import { describe, test } from 'vitest';
import { calendarKey } from '../world/calendar-keys.ts';
import { Conversation, conversationStartMs } from './conversation.fixture.ts';
import { attendeesOf, cleanIdOf, integer, text, withProperties } from './meeting-view.ts';
import { RepairAssistant } from './repair-assistant.ts';
import { writeLog } from './repair-log.ts';

const talkOf = (version: '2007' | '2010' | '2016' = '2016') => {
  const talk = new Conversation({ source: ['ana', 'ben', 'room'], target: ['cara', 'dan'] }, { version });
  return { talk, assistant: new RepairAssistant(talk.meetings, talk.world.organization('source')) };
};

/** What an account that works on others' mailboxes does: nobody is told, and it does not say that it was meant. */
const api = (talk: Conversation, name: string) => {
  const mailbox = talk.mailbox(name);
  return { caller: mailbox.organization.admin.user, displayName: mailbox.displayName };
};

/** The account gives an organizer's copy another place. */
function relocate(talk: Conversation, name: string, subject: string) {
  const item = talk.item(name, subject);
  const { mailbox } = item.folder;
  const by = api(talk, name);
  const before = item.content;
  const after = withProperties(before, {
    [calendarKey.location]: text('Elsewhere'),
    [calendarKey.sequence]: integer(0),
  });
  mailbox.update(item, after, by);
  talk.meetings.written({ kind: 'updated', mailbox, item, day: null, before, after, choice: 'SendToNone', by });
  return by;
}

describe('a work cycle', () => {
  test('finds nothing to do where everybody was told', () => {
    const { talk, assistant } = talkOf();
    talk.play(`
      ana books "Plan" 2026-03-04 10:00-11:00 with ben cara
      ana books "Week" 2026-03-03 09:00-10:00 weekly x4 with ben
      ben accepts "Plan"
      ben accepts "Week"
      wait 1h
      ana moves "Week"@2026-03-03 to 2026-03-04 12:00-13:00
      ana cancels "Plan"
    `);
    talk.mails();
    assistant.run();
    assistant.run();
    talk.play('mail none');
  });

  test('corrects a time that an attendee’s copy has wrong, and files the message away', () => {
    const { talk, assistant } = talkOf();
    talk.play(`
      ana books "Plan" 2026-03-04 10:00-11:00 with ben
      ben accepts "Plan"
      ana moves "Plan" to 2026-03-04 15:00-16:00 silently
    `);
    talk.mails();
    const [log] = assistant.run();
    talk.play(`
      mail repair-update ana -> ben
      ben has "Plan" 2026-03-04 15:00-16:00 busy Accept
      ben inbox 0
    `);
    if (log === undefined) throw new Error('no log');
    const xml = writeLog(log);
    match(xml, /<ConsistencyCheck Type="MeetingExistenceCheck" Result="Passed" \/>/);
    match(
      xml,
      /Type="MeetingPropertiesMatchCheck" Result="Failed"><Inconsistency Owner="Attendee" ShouldFix="true" Flag="StartTime" \/>/,
    );
    match(xml, /<RUM Type="Update" Sent="true" \/>/);
    match(xml, new RegExp(`<CleanGlobalObjectId>${cleanIdOf(talk.item('ana', 'Plan').content)}</CleanGlobalObjectId>`));
    equal(assistant.run().flatMap(({ meetings }) => meetings.flatMap(({ rums }) => rums)).length, 0);
  });

  test('only logs when it may only validate', () => {
    const { talk, assistant } = talkOf();
    talk.play(`
      ana books "Plan" 2026-03-04 10:00-11:00 with ben
      ana moves "Plan" to 2026-03-04 15:00-16:00 silently
    `);
    talk.mails();
    assistant.settings = { ...assistant.settings, mode: 'ValidateOnly' };
    const rums = assistant.run().flatMap(({ meetings }) => meetings.flatMap((one) => one.rums));
    deepEqual(rums[0], { type: 'Update', sent: false });
    talk.play(`
      mail none
      ben has "Plan" 2026-03-04 10:00-11:00 tentative
    `);
  });

  test('makes a copy again that is gone, unless it was declined or deleted on purpose', () => {
    const { talk, assistant } = talkOf();
    talk.play('ana books "Plan" 2026-03-04 10:00-11:00 with ben').mails();
    talk.play('ben drops "Plan"');
    assistant.run();
    talk.play(`
      mail repair-missing ana -> ben
      ben counts "Plan" 1
    `);
    talk.person('ben').removeSilently(talk.item('ben', 'Plan'));
    assistant.run();
    talk.play(`
      mail none
      ben lacks "Plan"
      ana books "Other" 2026-03-05 10:00-11:00 with ben
      ben declines "Other"
    `);
    talk.mails();
    assistant.run();
    talk.play(`
      mail none
      ben lacks "Other"
    `);
  });

  test('knows people by all their addresses', () => {
    const { talk, assistant } = talkOf();
    talk.play(`
      ana books "Plan" 2026-03-04 10:00-11:00 with ben
      ben accepts "Plan"
    `);
    const meeting = talk.item('ana', 'Plan');
    const guests = (address: string) => attendeesOf(meeting.content).map((one) => ({ ...one, address }));
    talk.person('ana').change(meeting, { attendees: guests('ben@elsewhere.test') }, null, 'SendToNone');
    talk.mails();
    talk.world.organization('source').mailFlow.addProxy('ben@elsewhere.test', talk.mailbox('ben').address);
    assistant.run();
    talk.play('mail none');
    // His copy goes without a word: it is missed at whichever address he is listed.
    talk.play('ben drops "Plan"');
    assistant.run();
    talk.play('mail repair-missing ana -> ben');
  });

  test('makes duplicates where the copies have different identities', () => {
    const { talk, assistant } = talkOf();
    talk.play('ana books "Plan" 2026-03-04 10:00-11:00 with ben');
    const copy = talk.item('ben', 'Plan');
    const other = '040000008200E00074C5B7101A82E00800000000'.padEnd(112, 'A');
    const id = { type: 'Binary', value: Buffer.from(other, 'hex').toString('base64') };
    copy.folder.mailbox.update(
      copy,
      withProperties(copy.content, { [calendarKey.globalObjectId]: id, [calendarKey.cleanGlobalObjectId]: id }),
      api(talk, 'ben'),
    );
    assistant.run();
    // Ana's own calendar has no meeting of Ben's identity: his copy is called off, and another one made.
    talk.play('ben counts "Plan" 2');
  });

  test('calls off what the organizer does not have any more', () => {
    const { talk, assistant } = talkOf();
    talk.play('ana books "Plan" 2026-03-04 10:00-11:00 with ben').mails();
    talk.play('ana drops "Plan"');
    assistant.run();
    talk.play(`
      mail repair-cancellation ana -> ben
      ben has "Plan" free cancelled
    `);
  });

  test('compares nothing with itself: an attendee’s copy that names its own mailbox as organizer is left alone', () => {
    const { talk, assistant } = talkOf();
    talk.play('dan books "Plan" 2026-03-04 10:00-11:00 with ben').mails();
    const copy = talk.item('ben', 'Plan');
    const { mailbox } = copy.folder;
    // As a program leaves it that creates copies of meetings over EWS, where the owner becomes the organizer.
    const owner = { name: mailbox.displayName, address: mailbox.address };
    mailbox.update(copy, { ...copy.content, from: owner }, api(talk, 'ben'));
    const checks = assistant.run().flatMap(({ meetings }) => meetings.flatMap((one) => one.checks));
    deepEqual(
      checks.map(({ type, passed }) => [type, passed]),
      [['CanValidateOwnerCheck', false]],
    );
    talk.play(`
      mail none
      ben has "Plan" 2026-03-04 10:00-11:00 tentative
    `);
  });

  test('notes the attendee’s answer with the organizer, without a message', () => {
    const { talk, assistant } = talkOf();
    talk.play(`
      ana books "Plan" 2026-03-04 10:00-11:00 with ben
      ben accepts "Plan" silently
      ana tracks ben Unknown "Plan"
    `);
    talk.mails();
    assistant.run();
    talk.play(`
      mail none
      ana tracks ben Accept "Plan"
    `);
  });

  test('keeps to its window, its organization, its version and its switches', () => {
    const { talk, assistant } = talkOf();
    talk.play(`
      ana books "Far" 2026-05-04 10:00-11:00 with ben
      ana moves "Far" to 2026-05-05 10:00-11:00 silently
      ana books "Across" 2026-03-04 10:00-11:00 with cara
      ana moves "Across" to 2026-03-05 10:00-11:00 silently
      ana books "Near" 2026-03-04 12:00-13:00 with ben
      ana moves "Near" to 2026-03-05 12:00-13:00 silently
    `);
    talk.configure('ben', { calendarRepairDisabled: true });
    talk.mails();
    const checks = assistant.run().flatMap(({ meetings }) => meetings);
    talk.play('mail none');
    deepEqual(
      checks.filter(({ subject }) => subject === 'Across').map(({ checks: [first] }) => [first?.type, first?.passed]),
      [['CanValidateOwnerCheck', false]],
    );
    equal(
      checks.some(({ subject }) => subject === 'Far'),
      false,
    );
    talk.configure('ben', { calendarRepairDisabled: false });
    assistant.run();
    talk.play('mail repair-update ana -> ben');
    const { talk: old, assistant: none } = talkOf('2007');
    old.play(`
      ana books "Plan" 2026-03-04 10:00-11:00 with ben
      ana drops "Plan"
    `);
    equal(none.run().length, 0);
  });

  test('runs once each work cycle of the clock', () => {
    const { talk, assistant } = talkOf();
    const stop = assistant.start();
    talk.play(`
      ana books "Plan" 2026-03-06 10:00-11:00 with ben
      ben drops "Plan"
    `);
    talk.mails();
    talk.play(`
      wait 23h
      work
      mail none
      wait 1h
      work
      mail repair-missing ana -> ben
      ben drops "Plan"
      wait 1d
      work
      mail repair-missing ana -> ben
    `);
    stop();
    equal(assistant.logs.at(-1)?.atMs, conversationStartMs + 2 * 86_400_000);
  });
});

describe('whose doing a repair is', () => {
  test('of a person, when people left the copies as they are', () => {
    const { talk, assistant } = talkOf();
    talk.play(`
      ana books "Plan" 2026-03-04 10:00-11:00 with ben
      ana moves "Plan" to 2026-03-04 15:00-16:00 silently
    `);
    talk.mails();
    assistant.run();
    deepEqual(
      talk.mails().map(({ doing, through }) => [doing, through]),
      [['person', 'repair-assistant']],
    );
  });

  test('of the account that wrote what is wrong', () => {
    const { talk, assistant } = talkOf();
    talk.play('ana books "Plan" 2026-03-04 10:00-11:00 with ben').mails();
    const by = relocate(talk, 'ana', 'Plan');
    assistant.run();
    deepEqual(
      talk.mails().map(({ cause, caller, doing, through }) => [cause, caller, doing, through]),
      [['repair-update', by.caller, 'api', 'repair-assistant']],
    );
  });

  test('of a person, when what people left would have been corrected without the account', () => {
    const { talk, assistant } = talkOf();
    talk.play(`
      ana books "Plan" 2026-03-04 10:00-11:00 with ben
      ana moves "Plan" to 2026-03-04 15:00-16:00 silently
    `);
    talk.mails();
    relocate(talk, 'ana', 'Plan');
    assistant.run();
    deepEqual(
      talk.mails().map(({ cause, doing }) => [cause, doing]),
      [['repair-update', 'person']],
    );
  });

  test('of the account that deleted a copy', () => {
    const { talk, assistant } = talkOf();
    talk.play('ana books "Plan" 2026-03-04 10:00-11:00 with ben').mails();
    const item = talk.item('ben', 'Plan');
    const by = api(talk, 'ben');
    const before = item.content;
    item.folder.mailbox.remove(item, 'SoftDelete', by);
    talk.meetings.written({
      kind: 'deleted',
      mailbox: item.folder.mailbox,
      item,
      day: null,
      before,
      after: null,
      choice: 'SendToNone',
      by,
    });
    assistant.run();
    deepEqual(
      talk.mails().map(({ cause, doing }) => [cause, doing]),
      [['repair-missing', 'api']],
    );
  });
});
