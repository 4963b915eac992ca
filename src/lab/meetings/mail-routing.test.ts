import { deepEqual, equal, match } from 'node:assert/strict';
import { describe, test } from 'vitest';
import { calendarKey } from '../world/calendar-keys.ts';
import { key } from '../world/property.ts';
import { Conversation } from './conversation.fixture.ts';
import { propertyText, propertyValue } from './meeting-view.ts';

const both = (): Conversation => new Conversation({ source: ['ana', 'ben'], target: ['cara', 'dan'] });
const inbox = (talk: Conversation, name: string) => [...talk.mailbox(name).folder('inbox').items()];
const mailFlow = (talk: Conversation, name: string) => talk.mailbox(name).organization.mailFlow;

describe('mail between organizations', () => {
  test('a redirected mailbox gets no copy, the one behind it does', () => {
    const talk = both();
    mailFlow(talk, 'ben').setTargetAddress(talk.mailbox('ben').address, talk.mailbox('dan').address);
    talk.play(`
      ana books "Plan" 2026-03-09 10:00-11:00 with ben
      ben lacks "Plan"
      dan has "Plan" 2026-03-09 10:00-11:00 tentative
    `);
    deepEqual(inbox(talk, 'ben'), []);
  });

  test('two mailboxes that redirect to each other make a loop, which ends in a report', () => {
    const talk = both();
    const [ben, dan] = [talk.mailbox('ben'), talk.mailbox('dan')];
    mailFlow(talk, 'ben').setTargetAddress(ben.address, dan.address);
    mailFlow(talk, 'dan').setTargetAddress(dan.address, ben.address);
    talk.play('ana books "Plan" 2026-03-09 10:00-11:00 with ben');
    talk.play('mail meeting-request ana -> ben, delivery-report ana -> ana');
    const [report] = inbox(talk, 'ana');
    equal(report?.itemClass, 'REPORT.IPM.Note.NDR');
    match(report?.content.body?.text ?? '', /^ben|5\.4\.6/m);
  });

  test('who is unknown in an organization is reported, who is outside the lab hears nothing and is counted', () => {
    const talk = both();
    talk.person('ana').book({
      subject: 'Plan',
      startMs: talk.instant('2026-03-09', '10:00'),
      endMs: talk.instant('2026-03-09', '11:00'),
      attendees: [{ address: 'nobody@target.test' }, { address: 'partner@elsewhere.example' }],
    });
    deepEqual(
      talk.mails().map(({ cause, to }) => [cause, ...to]),
      [
        ['meeting-request', 'nobody@target.test', 'partner@elsewhere.example'],
        ['delivery-report', talk.mailbox('ana').address],
      ],
    );
  });

  test('forwarding is a message of its own, counted as a rule', () => {
    const talk = both();
    mailFlow(talk, 'ben').setForwarding(talk.mailbox('ben').address, {
      to: talk.mailbox('cara').address,
      keepsCopy: true,
    });
    talk.play(`
      ana books "Plan" 2026-03-09 10:00-11:00 with ben
      mail meeting-request ana -> ben, rule ben -> cara
      ben has "Plan" 2026-03-09 10:00-11:00 tentative
    `);
    equal(inbox(talk, 'cara').length, 1);
  });

  test('without TNEF a request is text to the other organization, and nothing there processes it', () => {
    const talk = both();
    mailFlow(talk, 'cara').meetingFormat = 'text';
    talk.play(`
      ana books "Plan" 2026-03-09 10:00-11:00 at "Room 1" with ben cara
      ben has "Plan" tentative
      cara lacks "Plan"
    `);
    const [mail] = inbox(talk, 'cara');
    equal(mail?.itemClass, 'IPM.Note');
    match(mail?.content.body?.text ?? '', /When: 2026-03-09T09:00:00.000Z\r\nWhere: Room 1/);
  });

  test('iMIP brings identity, time and people, and loses what only Exchange knows', () => {
    const talk = both();
    mailFlow(talk, 'cara').meetingFormat = 'icalendar';
    const item = talk.person('ana').book({
      subject: 'Plan',
      startMs: talk.instant('2026-03-09', '10:00'),
      endMs: talk.instant('2026-03-09', '11:00'),
      attendees: [{ address: talk.mailbox('cara').address }],
    });
    const copy = talk.item('cara', 'Plan');
    equal(
      propertyText(copy.content, calendarKey.cleanGlobalObjectId),
      propertyText(item.content, calendarKey.cleanGlobalObjectId),
    );
    equal(propertyValue(copy.content, key.subject), 'Plan');
    talk.play(`
      cara accepts "Plan"
      ana tracks cara Accept "Plan"
    `);
  });

  test('addresses of the other organization that somebody here has as a proxy stay here', () => {
    const talk = both();
    mailFlow(talk, 'ben').addProxy(talk.mailbox('dan').address, talk.mailbox('ben').address);
    talk.play(`
      ana books "Plan" 2026-03-09 10:00-11:00 with dan
      ben has "Plan" tentative
      dan lacks "Plan"
    `);
  });
});
