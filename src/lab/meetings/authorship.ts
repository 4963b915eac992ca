import { calendarKey } from '../world/calendar-keys.ts';
import type { Day } from '../world/calendar-part.ts';
import type { Item, ItemContent, Lineage } from '../world/item.ts';
import type { Mailbox } from '../world/mailbox.ts';
import { type Origin, originOfCall } from '../world/post-office.ts';
import { key, type PropertyKey } from '../world/property.ts';
import { isCancelled, partOf, propertyValue } from './meeting-view.ts';

/** What of a copy somebody is answerable for. */
export const aspects = [
  'existence',
  'time',
  'place',
  'words',
  'recurrence',
  'people',
  'response',
  'identity',
  'sent',
  'cancelled',
] as const;
export type Aspect = (typeof aspects)[number];

const properties: Readonly<Partial<Record<Aspect, readonly PropertyKey[]>>> = {
  time: [calendarKey.start, calendarKey.end, calendarKey.allDay],
  place: [calendarKey.location],
  words: [key.subject],
  response: [calendarKey.response, calendarKey.busyStatus],
  identity: [
    calendarKey.cleanGlobalObjectId,
    calendarKey.globalObjectId,
    calendarKey.sequence,
    calendarKey.ownerCriticalChange,
  ],
  sent: [calendarKey.fInvited],
};

function changed(aspect: Aspect, before: ItemContent, after: ItemContent): boolean {
  const keys = properties[aspect];
  if (keys?.some((at) => JSON.stringify(propertyValue(before, at)) !== JSON.stringify(propertyValue(after, at))))
    return true;
  const [was, is] = [partOf(before), partOf(after)];
  switch (aspect) {
    case 'time':
      return was.startZone.id !== is.startZone.id || was.endZone.id !== is.endZone.id;
    case 'words':
      return before.body?.text !== after.body?.text;
    case 'recurrence':
      return (
        JSON.stringify(was.recurrence) !== JSON.stringify(is.recurrence) ||
        JSON.stringify(was.deletedDays) !== JSON.stringify(is.deletedDays) ||
        JSON.stringify(was.exceptions.map(({ day }) => day)) !== JSON.stringify(is.exceptions.map(({ day }) => day))
      );
    case 'people':
      return JSON.stringify(was.attendees) !== JSON.stringify(is.attendees);
    case 'cancelled':
      return isCancelled(before) !== isCancelled(after);
    default:
      return false;
  }
}

/**
 * Who wrote what of each appointment last, by occurrence: machinery that acts on a copy later acts on what that one left. This is
 * how a message that nobody sent is somebody's doing.
 */
export class Authorship {
  readonly #items = new WeakMap<Lineage, Map<string, Origin>>();

  readonly #gone = new WeakMap<Mailbox, Map<string, Origin>>();

  note(item: Item, day: Day | null, before: ItemContent | null, after: ItemContent, by: Origin): void {
    const authors = this.#items.get(item.lineage) ?? new Map<string, Origin>();
    this.#items.set(item.lineage, authors);
    for (const aspect of aspects)
      if (before === null || changed(aspect, before, after)) authors.set(`${day ?? ''} ${aspect}`, by);
  }

  /** Who wrote an aspect of an item, or of its occurrence on a day; null: nobody since the world began. */
  author(item: Item, aspect: Aspect, day: Day | null = null): Origin | null {
    const authors = this.#items.get(item.lineage);
    const known = authors?.get(`${day ?? ''} ${aspect}`) ?? authors?.get(` ${aspect}`);
    if (known !== undefined) return known;
    const { madeBy } = item.lineage;
    if (madeBy === '' || madeBy === 'server') return null;
    return originOfCall(item.folder.mailbox.organization, { caller: madeBy, displayName: '' });
  }

  /** Notes who took a copy away. */
  noteGone(mailbox: Mailbox, cleanId: string, day: Day | null, by: Origin): void {
    const gone = this.#gone.get(mailbox) ?? new Map<string, Origin>();
    this.#gone.set(mailbox, gone);
    gone.set(`${cleanId} ${day ?? ''}`, by);
  }
  /** Who took a copy away; null: nobody that is known. */
  goneBy(mailbox: Mailbox, cleanId: string, day: Day | null): Origin | null {
    return this.#gone.get(mailbox)?.get(`${cleanId} ${day ?? ''}`) ?? null;
  }

  /**
   * Whose doing it is when machinery acts on these aspects of these items: of an account that works on others' mailboxes, when any of
   * it was its work; else of whoever wrote first in the list.
   */
  blame(items: readonly Item[], what: readonly Aspect[], day: Day | null = null): Origin | null {
    const authors = items.flatMap((item) => what.map((aspect) => this.author(item, aspect, day)));
    const known = authors.filter((one) => one !== null);
    return known.find(({ doing }) => doing === 'api') ?? known[0] ?? null;
  }
}
