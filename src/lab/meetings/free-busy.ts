import { calendarKey } from '../world/calendar-keys.ts';
import { atLeast, type CalendarLevel, calendarRightsOf } from '../world/calendar-rights.ts';
import type { Item } from '../world/item.ts';
import type { Mailbox } from '../world/mailbox.ts';
import type { Organization } from '../world/organization.ts';
import { key } from '../world/property.ts';
import { busy } from './meeting-keys.ts';
import { appointments, isMeeting, numberOf, propertyText, propertyValue } from './meeting-view.ts';
import { showingsBetween } from './occurrences.ts';

/** One time somebody is not simply free. Times are UTC milliseconds. */
export interface BusyTime {
  readonly startMs: number;
  readonly endMs: number;
  /** PidLidBusyStatus. */
  readonly busyStatus: number;
  /** Null: the asker may not know. */
  readonly details: BusyDetails | null;
}

export interface BusyDetails {
  /** Null: a private one, or only subject and place may be known. */
  readonly item: Item | null;
  readonly subject: string | null;
  readonly location: string | null;
  readonly isMeeting: boolean;
  readonly isRecurring: boolean;
  readonly isException: boolean;
  readonly isReminderSet: boolean;
  readonly isPrivate: boolean;
}

/** Where the free/busy of an address is asked, and what the asker may see there. */
export interface BusySource {
  readonly mailbox: Mailbox;
  readonly level: CalendarLevel;
  /** Another organization answers: nothing but when and how busy, whatever rights there are. */
  readonly external: boolean;
}

/** Redirections that are followed from one organization into the next. */
const hopsMax = 8;

/**
 * Finds the calendar behind an address, as the Availability service does: here, or in the organization that mail for it goes to.
 * @param viewer address of who asks; null: nobody in particular.
 * @returns null: there is no such recipient.
 */
export function busySource(
  asked: Organization,
  address: string,
  viewer: string | null,
  hasFullAccess: (mailbox: Mailbox) => boolean,
): BusySource | null {
  let at = asked;
  let to = at.mailFlow.primary(address);
  for (let hops = 0; hops < hopsMax; hops++) {
    const domain = to.slice(to.lastIndexOf('@') + 1);
    const next = at.domain === domain ? at : at.world.organizations.find((one) => one.domain === domain);
    if (next === undefined) return null;
    at = next;
    to = at.mailFlow.primary(to);
    const target = at.mailFlow.targetAddress(to);
    if (target === null) break;
    to = target;
  }
  const mailbox = at.mailbox(to);
  if (mailbox === null) return null;
  const external = at !== asked;
  const rights = calendarRightsOf(at);
  const level = external
    ? rights.levelFor(mailbox.address, null)
    : hasFullAccess(mailbox)
      ? 'Owner'
      : rights.levelFor(mailbox.address, viewer);
  return { mailbox, level: external && atLeast(level, 'FreeBusyTimeOnly') ? 'FreeBusyTimeOnly' : level, external };
}

/** When somebody is taken, by the calendar; in order of their start. */
export function busyTimes(
  { mailbox, level }: BusySource,
  viewer: string | null,
  fromMs: number,
  toMs: number,
): readonly BusyTime[] {
  const found: BusyTime[] = [];
  const seesWords = atLeast(level, 'FreeBusyTimeAndSubjectAndLocation');
  const delegate = viewer === null ? null : calendarRightsOf(mailbox.organization).delegate(mailbox.address, viewer);
  const seesPrivate = level === 'Owner' || (delegate?.seesPrivate ?? false);
  for (const item of appointments(mailbox))
    for (const { startMs, endMs, day, isException, content } of showingsBetween(item.content, fromMs, toMs)) {
      const isPrivate = (numberOf(content, key.sensitivity) ?? 0) === 2;
      const hidden = isPrivate && !seesPrivate;
      found.push({
        startMs,
        endMs,
        busyStatus: numberOf(content, calendarKey.busyStatus) ?? busy.busy,
        details: seesWords
          ? {
              item: hidden || !atLeast(level, 'Reviewer') ? null : item,
              subject: hidden ? null : propertyText(content, key.subject),
              location: hidden ? null : propertyText(content, calendarKey.location),
              isMeeting: isMeeting(content),
              isRecurring: day !== null,
              isException,
              isReminderSet: propertyValue(content, key.reminderSet) === true,
              isPrivate,
            }
          : null,
      });
    }
  return found.sort((a, b) => a.startMs - b.startMs || a.endMs - b.endMs);
}

/** The stream of digits: the highest status within each interval. (EWS doc: mergedfreebusy) */
export function mergedStream(times: readonly BusyTime[], fromMs: number, toMs: number, intervalMs: number): string {
  const slots = Math.ceil((toMs - fromMs) / intervalMs);
  const stream = new Uint8Array(slots);
  for (const { startMs, endMs, busyStatus } of times) {
    // Working elsewhere is no digit of its own before 2013, and free afterwards. (assumed)
    const digit = busyStatus > busy.away ? busy.free : busyStatus;
    const first = Math.max(0, Math.floor((startMs - fromMs) / intervalMs));
    const last = Math.min(slots, Math.ceil((endMs - fromMs) / intervalMs));
    for (let slot = first; slot < last; slot++) stream[slot] = Math.max(stream[slot] ?? 0, digit);
  }
  return stream.join('');
}
