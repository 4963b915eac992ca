import type { Aspect, Authorship } from '#lab/meetings/authorship.ts';
import { cleanIdOf, flag, wasSent, withProperties } from '#lab/meetings/meeting-view.ts';
import type { Meetings } from '#lab/meetings/meetings.ts';
import { calendarKey } from '#lab/world/calendar-keys.ts';
import type { Day } from '#lab/world/calendar-part.ts';
import type { Item, ItemContent } from '#lab/world/item.ts';
import type { Mailbox } from '#lab/world/mailbox.ts';
import type { Origin } from '#lab/world/post-office.ts';
import { copiesOf } from './lab-calendar.ts';
import type { Owner } from './lab-rivals.ts';

/** Changes of these raise the sequence number of an organizer's copy. */
const counted: readonly Aspect[] = ['identity', 'time', 'place', 'words', 'recurrence', 'people', 'response'];

/**
 * What a person did in one calendar and the program carried into the other stays the person's doing, also when machinery over there acts
 * on it: had the person done it there, the same would have happened. Whether it is the same the other checkers see. Only whether a meeting
 * looks as if it had been sent has to be the same on both sides for that: a draft stays a draft, and Outlook sends it wherever it is opened
 * and saved; a copy that lost FInvited on its way is answered for by whoever wrote it.
 */
export function blameFairly(meetings: Meetings, { left, right }: Owner, isStoreLost: () => boolean): void {
  const authorship: Authorship = meetings.authorship;
  const twinOf = (box: Mailbox): Mailbox | null => (box === left ? right : box === right ? left : null);
  const fair = (who: Origin | null, there: () => Origin | null): Origin | null => {
    if (who?.doing !== 'api') return who;
    const other = there();
    return other?.doing === 'person' ? other : who;
  };
  const author = authorship.author.bind(authorship);
  const goneBy = authorship.goneBy.bind(authorship);
  const note = authorship.note.bind(authorship);
  const twinIn = (box: Mailbox | null, { content }: Item): Item | undefined => {
    const cleanId = cleanIdOf(content);
    return box === null || cleanId === null ? undefined : copiesOf(box, cleanId)[0];
  };
  authorship.note = (item: Item, day: Day | null, before: ItemContent | null, after: ItemContent, by: Origin) => {
    // Until the program comes by, a draft that is sent from one calendar is still one in the other, by the hand that made it one here.
    if (before !== null && !wasSent(before) && wasSent(after)) {
      const twin = twinIn(twinOf(item.folder.mailbox), item);
      const drafted = author(item, 'sent');
      if (twin !== undefined && !wasSent(twin.content) && drafted?.doing === 'person')
        note(twin, null, withProperties(twin.content, { [calendarKey.fInvited]: flag(true) }), twin.content, drafted);
    }
    note(item, day, before, after, by);
  };
  authorship.author = (item: Item, aspect: Aspect, day: Day | null = null) => {
    const box = twinOf(item.folder.mailbox);
    const cleanId = cleanIdOf(item.content);
    // Without the database nobody knows that a meeting was called off: it comes back, for nothing may be lost, and its guests hear of it.
    if (aspect === 'cancelled' && isStoreLost() && box !== null && cleanId !== null) {
      const [who] = [item.folder.mailbox, box].flatMap((one) => goneBy(one, cleanId, null) ?? []);
      if (who?.doing === 'person') return who;
    }
    return fair(author(item, aspect, day), () => {
      if (box === null || cleanId === null) return null;
      const twin = twinIn(box, item);
      if (aspect === 'sent')
        return twin !== undefined && wasSent(twin.content) === wasSent(item.content) ? author(twin, aspect, day) : null;
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
