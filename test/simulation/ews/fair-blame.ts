import type { Aspect, Authorship } from '#lab/meetings/authorship.ts';
import { cleanIdOf, findMeeting } from '#lab/meetings/meeting-view.ts';
import type { Meetings } from '#lab/meetings/meetings.ts';
import type { Day } from '#lab/world/calendar-part.ts';
import type { Item } from '#lab/world/item.ts';
import type { Mailbox } from '#lab/world/mailbox.ts';
import type { Origin } from '#lab/world/post-office.ts';
import type { Owner } from './lab-rivals.ts';

/** Changes of these raise the sequence number of an organizer's copy. */
const counted: readonly Aspect[] = ['identity', 'time', 'place', 'words', 'recurrence', 'people', 'response'];

/**
 * What a person did in one calendar and the program carried into the other stays the person's doing, also when machinery over there acts
 * on it: had the person done it there, the same would have happened. Whether it is the same the other checkers see. Only whether a meeting
 * looks as if it had been sent is answered for by whoever wrote that.
 */
export function blameFairly(meetings: Meetings, { left, right }: Owner): void {
  const authorship: Authorship = meetings.authorship;
  const twinOf = (box: Mailbox): Mailbox | null => (box === left ? right : box === right ? left : null);
  const fair = (who: Origin | null, there: () => Origin | null): Origin | null => {
    if (who?.doing !== 'api') return who;
    const other = there();
    return other?.doing === 'person' ? other : who;
  };
  const author = authorship.author.bind(authorship);
  const goneBy = authorship.goneBy.bind(authorship);
  authorship.author = (item: Item, aspect: Aspect, day: Day | null = null) => {
    const box = twinOf(item.folder.mailbox);
    const cleanId = cleanIdOf(item.content);
    return fair(author(item, aspect, day), () => {
      if (box === null || cleanId === null || aspect === 'sent') return null;
      const [twin] = findMeeting(box, cleanId);
      if (twin === undefined) return goneBy(box, cleanId, null);
      // Servers count what is written, whoever wrote it: the number is the doing of whoever changed what it counts.
      const behind = aspect === 'identity' ? counted.map((one) => author(twin, one, day)) : [author(twin, aspect, day)];
      return behind.find((one) => one?.doing === 'person') ?? null;
    });
  };
  authorship.goneBy = (mailbox: Mailbox, cleanId: string, day: Day | null) => {
    const box = twinOf(mailbox);
    return fair(goneBy(mailbox, cleanId, day), () => (box === null ? null : goneBy(box, cleanId, day)));
  };
}
