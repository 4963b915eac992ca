/**
 * Why a value lost. A closed list: each has a section in `docs/operating/calendars.md`, and each is in the journal with both values.
 */
export const mergeOutcomes = {
  'both-changed': 'the same field was changed on both sides',
  'no-common-past': 'both sides had the item before they were linked, and differ',
  'organizer-newer': 'the organizer updated one copy later than the other',
  'response-newer': 'the person answered on both sides; the later answer counts',
  'attendee-removed': 'an attendee was removed on one side and changed on the other',
  'taken-out-unseen':
    'what our write had put into a list was taken out there before its answer or anybody’s look told of it',
  'occurrence-changed-and-deleted': 'an occurrence was changed on one side and deleted on the other; the change stays',
  'occurrence-out-of-pattern': 'the new pattern has no occurrence on the day of a changed one',
  'occurrence-erased': 'a new pattern on one side erased a changed occurrence there',
  'occurrences-collide': 'occurrences that were moved on different sides would lie on one day, or in the wrong order',
  'last-occurrence-stays': 'each side deleted the occurrences that the other one had left; one of them stays',
  'occurrence-told-twice': 'a series and an occurrence that came by itself say different things of one day',
  'rewritten-together':
    'both sides got a new pattern at once; changed occurrences were written down in case of an interruption',
  'item-changed-and-deleted': 'the item was changed on one side and deleted on the other; the change stays',
  'meeting-called-off': 'a meeting of one’s own was deleted on one side and changed on the other; it is off',
  'invitation-deleted':
    'a copy of somebody else’s meeting was deleted on one side and changed by the person on the other; it is gone',
  'moved-apart': 'the item was moved to different folders on both sides',
  'duplicate-removed': 'two items had one identity in one folder; the poorer one was merged into the other and removed',
} as const;
export type MergeOutcome = keyof typeof mergeOutcomes;
