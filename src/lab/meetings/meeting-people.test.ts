import { deepEqual, equal, ok } from 'node:assert/strict';
import { describe, test } from 'vitest';
import { seededRandom } from '#kit/random.ts';
import { endMsOf, startMsOf } from '../world/appointment.ts';
import { Conversation } from './conversation.fixture.ts';
import { MeetingPeople, meetingActions } from './meeting-people.ts';
import {
  appointments,
  attendeeOf,
  cleanIdOf,
  findMeeting,
  idDayOf,
  isCancelled,
  isOrganizers,
  isReceived,
  organizerOf,
  partOf,
} from './meeting-view.ts';
import { showing } from './occurrences.ts';
import { RepairAssistant } from './repair-assistant.ts';

const everybody = ['ana', 'ben', 'eva', 'cara', 'dan'];
function busyWeek(seed: number, steps: number) {
  const talk = new Conversation({ source: ['ana', 'ben', 'eva'], target: ['cara', 'dan'] });
  const people = ['source', 'target'].map(
    (name) => new MeetingPeople(talk.meetings, talk.world.organization(name), seededRandom(`${seed} ${name}`)),
  );
  const deeds = [];
  for (let n = 0; n < steps; n++) {
    const deed = people[n % 2]?.step() ?? null;
    if (deed !== null) deeds.push(deed);
    talk.clock.advance(10 * 60_000);
  }
  return { talk, deeds };
}

describe('people at work with meetings', () => {
  test('do everything there is, the same for the same seed', () => {
    const { deeds } = busyWeek(1, 600);
    deepEqual([...new Set(deeds.map(({ action }) => action))].sort(), [...meetingActions].sort());
    deepEqual(busyWeek(1, 100).deeds, busyWeek(1, 100).deeds);
    ok(JSON.stringify(busyWeek(1, 100).deeds) !== JSON.stringify(busyWeek(2, 100).deeds));
  });

  test.each([1, 2, 3, 4, 5, 6])('leave every copy like its organizer’s, in both organizations, seed %i', (seed) => {
    const { talk } = busyWeek(seed, 300);
    let compared = 0;
    for (const name of everybody) {
      const mailbox = talk.mailbox(name);
      const ids = [...appointments(mailbox)].map(({ content }) => `${cleanIdOf(content)} ${idDayOf(content)}`);
      equal(new Set(ids).size, ids.length, 'nobody has a meeting twice');
      for (const { content } of appointments(mailbox)) {
        if (!isReceived(content) || isCancelled(content)) continue;
        const organizer = talk.world.mailbox(organizerOf(content)?.address ?? '');
        const theirs = organizer === null ? undefined : findMeeting(organizer, cleanIdOf(content) ?? '')[0];
        ok(theirs !== undefined && isOrganizers(theirs.content), 'its organizer has it');
        compared++;
        // Who declined a series and was asked about one occurrence has that one alone.
        const shown = showing(theirs.content, idDayOf(content));
        ok(shown !== null, 'it has that occurrence');
        equal(startMsOf(content), startMsOf(shown));
        equal(endMsOf(content), endMsOf(shown));
        deepEqual(partOf(content).recurrence, partOf(shown).recurrence);
        for (const { day, startMs } of partOf(shown).exceptions) {
          const mine = showing(content, day);
          // Null: declined, and gone.
          if (mine !== null) equal(startMsOf(mine), startMs);
        }
        ok(attendeeOf(theirs.content, mailbox.address) !== null, 'it is invited');
      }
    }
    ok(compared > 5);
  });

  test.each([11, 12, 13])('leave nothing to repair but answers that were not sent, seed %i', (seed) => {
    const { talk } = busyWeek(seed, 300);
    talk.mails();
    for (const name of ['source', 'target'])
      new RepairAssistant(talk.meetings, talk.world.organization(name), { endWindowDays: 60 }).run();
    deepEqual(talk.mails(), []);
  });
});
