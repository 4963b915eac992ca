import { must } from '#kit/assert.ts';
import { type Aspect, type Authorship, aspects } from '#lab/meetings/authorship.ts';
import { cleanIdOf, flag, isOrganizers, wasSent, withProperties } from '#lab/meetings/meeting-view.ts';
import type { Meetings } from '#lab/meetings/meetings.ts';
import { calendarKey } from '#lab/world/calendar-keys.ts';
import type { Day } from '#lab/world/calendar-part.ts';
import type { Item, ItemContent, Lineage } from '#lab/world/item.ts';
import type { Mailbox } from '#lab/world/mailbox.ts';
import type { Origin } from '#lab/world/post-office.ts';
import { copiesOf } from './lab-calendar.ts';
import type { Owner } from './lab-rivals.ts';

/** Changes of these raise the sequence number of an organizer's copy. */
const counted: readonly Aspect[] = ['time', 'place', 'words', 'recurrence', 'people', 'response'];

/** Of what is made again: that it is there, and looks as if its guests had been told. */
const isThere: ReadonlySet<Aspect> = new Set(['existence', 'sent']);

/** What somebody did to an aspect of an item, or of its occurrence on a day. */
interface Deed {
  readonly by: Origin;
  /** Deeds are counted. One that was carried over is as old as it was on the other side. */
  readonly no: number;
}

/**
 * Whether the other people have it: a message brought it, or the number under which it was told came with it or later. What they do not
 * have is corrected with or without the program.
 */
const isTold = ({ by, no }: Deed, number: Deed | null): boolean => by.through !== null || no <= (number?.no ?? 0);

/**
 * What a person did in one calendar and the program carried into the other stays the person's doing, also when machinery over there acts
 * on it, and when it comes back from there: had the person done it there, the same would have happened. Whether it is the same the other
 * checkers see. What was put over something newer that both copies had is the program's doing. Only whether a meeting looks as if it had
 * been sent has to be the same on both sides for that: a draft stays a draft, and Outlook sends it wherever it is opened and saved; a copy
 * that lost FInvited on its way is answered for by whoever wrote it.
 */
export function blameFairly(meetings: Meetings, { left, right }: Owner, isStoreLost: () => boolean): void {
  const authorship: Authorship = meetings.authorship;
  const twinOf = (box: Mailbox): Mailbox | null => (box === left ? right : box === right ? left : null);
  const author = authorship.author.bind(authorship);
  const goneBy = authorship.goneBy.bind(authorship);
  const note = authorship.note.bind(authorship);
  const noteGone = authorship.noteGone.bind(authorship);
  /** By calendar, meeting, day and aspect: those of a copy that is gone are known when it is made again. */
  const deeds = new Map<string, Deed>();
  const noted = new WeakSet<Lineage>();
  let last = 0;
  const keyOf = (box: Mailbox, cleanId: string, aspect: Aspect, day: Day | null): string =>
    [box.organization.name, cleanId, day ?? '', aspect].join(' ');
  const deedOf = (box: Mailbox, cleanId: string, aspect: Aspect, day: Day | null): Deed | null =>
    deeds.get(keyOf(box, cleanId, aspect, day)) ?? deeds.get(keyOf(box, cleanId, aspect, null)) ?? null;
  const carried = (box: Mailbox, cleanId: string, aspect: Aspect, day: Day | null, isMade: boolean): Deed | null => {
    const there = deedOf(must(twinOf(box), 'a calendar of the person'), cleanId, aspect, day);
    // With the copy a person took away what it said: what is made again is put over nothing.
    const isTakenAway = isMade && goneBy(box, cleanId, null)?.doing === 'person';
    const here = isTakenAway ? null : deedOf(box, cleanId, aspect, day);
    if (there?.by.doing !== 'person') return null;
    const isNewer = here !== null && here.by.doing !== 'api' && here.no > there.no;
    return isNewer && isTold(here, deedOf(box, cleanId, 'identity', day)) ? null : there;
  };
  /** Of what is made by a stream nobody is told: it was made of what the other calendar had until now. */
  const settle = (item: Item, cleanId: string): void => {
    if (noted.has(item.lineage)) return;
    noted.add(item.lineage);
    const box = item.folder.mailbox;
    for (const aspect of aspects) {
      const by = author(item, aspect);
      if (by !== null)
        deeds.set(keyOf(box, cleanId, aspect, null), carried(box, cleanId, aspect, null, true) ?? { by, no: last });
    }
  };
  /** Until the program comes by, a draft that is sent from one calendar is still one in the other, by the hand that made it one here. */
  const draftSent = (item: Item): void => {
    const [box, cleanId] = [twinOf(item.folder.mailbox), cleanIdOf(item.content)];
    const [twin] = box === null || cleanId === null ? [] : copiesOf(box, cleanId);
    const drafted = author(item, 'sent');
    if (twin !== undefined && !wasSent(twin.content) && drafted?.doing === 'person')
      note(twin, null, withProperties(twin.content, { [calendarKey.fInvited]: flag(true) }), twin.content, drafted);
  };
  authorship.note = (item: Item, day: Day | null, before: ItemContent | null, after: ItemContent, by: Origin) => {
    if (before !== null && !wasSent(before) && wasSent(after)) draftSent(item);
    note(item, day, before, after, by);
    const box = item.folder.mailbox;
    const twin = twinOf(box);
    const cleanId = cleanIdOf(after);
    if (twin === null || cleanId === null || !/^ipm\.appointment/i.test(item.itemClass)) return;
    if (before === null) noted.add(item.lineage);
    for (const one of [item, ...copiesOf(twin, cleanId)]) settle(one, cleanId);
    const own = { by, no: ++last };
    const done = new Map(
      aspects
        .filter((aspect) => author(item, aspect, day) === by)
        .map(
          (aspect) =>
            [aspect, by.doing === 'api' ? (carried(box, cleanId, aspect, day, before === null) ?? own) : own] as const,
        ),
    );
    // Servers count what is written, whoever wrote it: the number is the doing of whoever changed what it counts.
    const behind = before === null ? [] : counted.flatMap((aspect) => done.get(aspect) ?? []);
    const [first] = behind;
    if (done.has('identity') && first !== undefined)
      done.set('identity', behind.find((deed) => deed.by.doing === 'api') ?? first);
    for (const [aspect, deed] of done) deeds.set(keyOf(box, cleanId, aspect, day), deed);
  };
  authorship.noteGone = (box: Mailbox, cleanId: string, day: Day | null, by: Origin) => {
    noteGone(box, cleanId, day, by);
    const twin = twinOf(box);
    for (const one of twin === null ? [] : copiesOf(twin, cleanId)) settle(one, cleanId);
  };
  authorship.author = (item: Item, aspect: Aspect, day: Day | null = null) => {
    const who = author(item, aspect, day);
    const box = item.folder.mailbox;
    const cleanId = cleanIdOf(item.content);
    const twin = twinOf(box);
    if (who?.doing !== 'api' || twin === null || cleanId === null) return who;
    // Without the database nobody knows that a meeting was called off: it comes back, for nothing may be lost, and its guests hear of it. (ADR 15)
    if (isStoreLost() && (aspect === 'cancelled' || (isThere.has(aspect) && isOrganizers(item.content)))) {
      const [by] = [box, ...(aspect === 'cancelled' ? [twin] : [])].flatMap((one) => goneBy(one, cleanId, null) ?? []);
      if (by?.doing === 'person') return by;
    }
    if (aspect === 'existence' || aspect === 'cancelled') {
      // It is there, and on, because the other one is, or was. One that is made again is not what it was before a person took it away.
      const [other] = copiesOf(twin, cleanId);
      const behind = other === undefined ? goneBy(twin, cleanId, null) : author(other, aspect, day);
      return behind?.doing === 'person' ? behind : who;
    }
    if (aspect === 'sent') {
      const [other] = copiesOf(twin, cleanId);
      const behind =
        other !== undefined && wasSent(other.content) === wasSent(item.content) ? author(other, aspect, day) : null;
      return behind?.doing === 'person' ? behind : who;
    }
    const deed = noted.has(item.lineage) ? deedOf(box, cleanId, aspect, day) : carried(box, cleanId, aspect, day, true);
    // The older of two stands here because the program put it over the newer one there.
    const there = deedOf(twin, cleanId, aspect, day);
    if (there?.by.doing === 'api' && deed !== null && there.no > deed.no) return who;
    return deed?.by ?? who;
  };
  authorship.goneBy = (mailbox: Mailbox, cleanId: string, day: Day | null) => {
    const who = goneBy(mailbox, cleanId, day);
    const box = twinOf(mailbox);
    if (who?.doing !== 'api' || box === null) return who;
    const other = goneBy(box, cleanId, day);
    return other?.doing === 'person' ? other : who;
  };
}
