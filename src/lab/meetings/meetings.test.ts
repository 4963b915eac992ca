import { equal } from 'node:assert/strict';
import { describe, test } from 'vitest';
import { Conversation } from './conversation.fixture.ts';

const both = (): Conversation => new Conversation({ source: ['ana', 'ben', 'room'], target: ['cara', 'dan', 'hall'] });

describe('a single meeting', () => {
  test('is invited, answered, moved and called off across organizations', () => {
    both().play(`
      ana books "Plan" 2026-03-09 10:00-11:00 at "Room 1" with ben cara?
      mail meeting-request ana -> ben cara
      ben has "Plan" 2026-03-09 10:00-11:00 tentative NoResponseReceived at "Room 1"
      cara has "Plan" 2026-03-09 10:00-11:00 tentative NoResponseReceived
      ana tracks ben Unknown "Plan"
      ben accepts "Plan"
      cara considers "Plan"
      mail meeting-response ben -> ana, meeting-response cara -> ana
      ben has "Plan" busy Accept
      cara has "Plan" tentative Tentative
      ana tracks ben Accept "Plan"
      ana tracks cara Tentative "Plan"
      wait 1h
      ana moves "Plan" to 2026-03-10 14:00-15:30
      mail meeting-update ana -> ben cara
      ben has "Plan" 2026-03-10 14:00-15:30 tentative NoResponseReceived
      ana tracks ben NoResponseReceived "Plan"
      wait 1h
      ana cancels "Plan"
      mail meeting-cancellation ana -> ben cara
      ana lacks "Plan"
      ben has "Plan" 2026-03-10 14:00-15:30 free cancelled
      ben counts "Plan" 1
    `);
  });

  test('an update of words only takes no answer back', () => {
    both().play(`
      ana books "Plan" 2026-03-09 10:00-11:00 with ben
      ben accepts "Plan"
      wait 1h
      ana relocates "Plan" "Room 2"
      ben has "Plan" busy Accept at "Room 2"
      ana tracks ben Accept "Plan"
    `);
  });

  test('who comes later gets a request, who is taken off a cancellation, the others nothing', () => {
    const talk = both().play(`
      ana books "Plan" 2026-03-09 10:00-11:00 with ben
      ben accepts "Plan"
    `);
    talk.mails();
    talk.play(`
      wait 1h
      ana invites "Plan" dan
      mail meeting-request ana -> dan
      ana uninvites "Plan" ben
      mail meeting-cancellation ana -> ben
      ben has "Plan" free cancelled
      ana tracks ben nobody "Plan"
    `);
  });

  test('nothing written silently is heard of', () => {
    both().play(`
      ana books "Plan" 2026-03-09 10:00-11:00 with ben silently
      ana moves "Plan" to 2026-03-09 12:00-13:00 silently
      ana drops "Plan"
      mail none
      ben lacks "Plan"
    `);
  });

  test('an answer to what was before an update is not counted', () => {
    const talk = both();
    talk.play(`ana books "Plan" 2026-03-09 10:00-11:00 with ben`);
    // Ben is on a train: neither update nor answer go through while he reads the old request.
    const before = talk.item('ben', 'Plan').content;
    talk.play(`
      wait 1h
      ana moves "Plan" to 2026-03-11 10:00-11:00
    `);
    const copy = talk.item('ben', 'Plan');
    copy.folder.mailbox.update(copy, before, copy.folder.mailbox.server);
    talk.play(`
      ben accepts "Plan"
      ana tracks ben NoResponseReceived "Plan"
    `);
  });
});

describe('a series', () => {
  test('one occurrence is moved, answered apart, and called off', () => {
    both().play(`
      ana books "Week" 2026-03-09 09:00-10:00 weekly x4 with ben cara
      ben accepts "Week"
      wait 1h
      ana moves "Week"@2026-03-16 to 2026-03-17 12:00-13:00
      ben has "Week"@2026-03-16 2026-03-17 12:00-13:00 tentative NoResponseReceived
      ben has "Week"@2026-03-23 2026-03-23 09:00-10:00 busy Accept
      ben declines "Week"@2026-03-16
      ben lacks "Week"@2026-03-16
      ana tracks ben Decline "Week"@2026-03-16
      ana tracks ben Accept "Week"
      wait 1h
      ana cancels "Week"@2026-03-23
      ana lacks "Week"@2026-03-23
      cara has "Week"@2026-03-23 2026-03-23 09:00-10:00 free cancelled
      cara has "Week"@2026-03-30 2026-03-30 09:00-10:00 tentative
    `);
  });

  test('an update of the series leaves what was moved where it is', () => {
    both().play(`
      ana books "Week" 2026-03-09 09:00-10:00 weekly x4 with ben
      ana moves "Week"@2026-03-16 to 2026-03-17 12:00-13:00
      wait 1h
      ana relocates "Week" "Room 9"
      ben has "Week"@2026-03-16 2026-03-17 12:00-13:00 at "Room 9"
      ben has "Week"@2026-03-30 2026-03-30 09:00-10:00 at "Room 9"
      ben counts "Week" 1
    `);
  });

  test('another time of the series wipes its exceptions on both sides', () => {
    both().play(`
      ana books "Week" 2026-03-09 09:00-10:00 weekly x4 with ben
      ana moves "Week"@2026-03-16 to 2026-03-17 12:00-13:00
      wait 1h
      ana moves "Week" to 2026-03-09 15:00-16:00
      ana has "Week"@2026-03-16 2026-03-16 15:00-16:00
      ben has "Week"@2026-03-16 2026-03-16 15:00-16:00
    `);
  });
});

describe('a series that was declined', () => {
  test('comes back occurrence by occurrence, and ends as a whole', () => {
    both().play(`
      ana books "Week" 2026-03-09 09:00-10:00 weekly x4 with ben
      ben declines "Week"
      ben lacks "Week"
      wait 1h
      ana moves "Week"@2026-03-16 to 2026-03-17 12:00-13:00
      ben counts "Week" 1
      ben has "Week" 2026-03-17 12:00-13:00 tentative NoResponseReceived
      ben accepts "Week"
      ana tracks ben Accept "Week"@2026-03-16
      ana tracks ben Decline "Week"
      wait 1h
      ana cancels "Week"
      ben has "Week" 2026-03-17 12:00-13:00 free cancelled
    `);
  });

  test('takes its lone occurrences in when it is sent anew', () => {
    both().play(`
      ana books "Week" 2026-03-09 09:00-10:00 weekly x4 with ben
      ben declines "Week"
      ana moves "Week"@2026-03-16 to 2026-03-17 12:00-13:00
      wait 1h
      ana relocates "Week" "Room 2"
      ben counts "Week" 1
      ben has "Week"@2026-03-16 2026-03-17 12:00-13:00 at "Room 2"
    `);
  });

  test('who joins a series joins its moved occurrences', () => {
    both().play(`
      ana books "Week" 2026-03-09 09:00-10:00 weekly x4 with ben
      ana moves "Week"@2026-03-16 to 2026-03-17 12:00-13:00
      ana invites "Week" dan
      ana tracks dan Unknown "Week"@2026-03-16
      dan has "Week"@2026-03-16 2026-03-17 12:00-13:00 tentative
    `);
  });
});

describe('rooms', () => {
  test('answer for themselves, and only once for one time', () => {
    const talk = both();
    talk.configure('room', { isResource: true });
    talk.play(`
      ana books "Plan" 2026-03-09 10:00-11:00 with room!
      mail meeting-request ana -> room, meeting-response room -> ana
      ana tracks room Accept "Plan"
      ben books "Rival" 2026-03-09 10:30-11:30 with room!
      mail meeting-request ben -> room, meeting-response room -> ben
      ben tracks room Decline "Rival"
      room inbox 0
    `);
    // The room keeps the organizer's name in place of the subject.
    equal(talk.item('room', talk.mailbox('ana').displayName).folder.role, 'calendar');
  });

  test('do not hear strangers unless they are told to', () => {
    const talk = both();
    talk.configure('room', { isResource: true });
    talk.play(`
      cara books "Visit" 2026-03-09 10:00-11:00 with room!
      mail meeting-request cara -> room
      room inbox 1
      cara tracks room Unknown "Visit"
    `);
    talk.configure('room', { processExternalMeetingMessages: true });
    talk.play(`
      cara books "Again" 2026-03-09 12:00-13:00 with room!
      mail meeting-request cara -> room, meeting-response room -> cara
      cara tracks room Accept "Again"
    `);
  });
});
