import { FaultError } from '#kit/fault.ts';
import type { Instant } from '#model/mail.ts';
import type { BusyTime, Context } from '../contract.ts';
import { readTime } from '../ews/ews-time.ts';
import { type JsonObject, objectAt, objectsAt, textAt } from './json.ts';
import type { MailboxTools } from './mailbox-tools.ts';

/** The longest view of somebody's time that is handed out in one go (GDOC `api-reference/v1.0/api/calendar-getschedule.md`: 62 days; EWS gives 42). */
const viewMaxMs = 42 * 86_400_000;

const statuses: Readonly<Record<string, BusyTime['showAs']>> = {
  tentative: 'tentative',
  busy: 'busy',
  oof: 'oof',
  workingelsewhere: 'working-elsewhere',
};

/** What the person is doing as the organization answers anybody who asks (getSchedule). */
export async function freeBusyOf(
  { client, user, address }: MailboxTools,
  from: Instant,
  to: Instant,
  context: Context,
): Promise<readonly BusyTime[]> {
  const busy = new Map<string, BusyTime>();
  for (let at = from; at < to; at += viewMaxMs) {
    const answer = await client.call(
      {
        method: 'POST',
        path: `${user}/calendar/getSchedule`,
        name: 'getSchedule',
        subject: { writes: false, about: 'mailbox' },
        headers: { prefer: 'outlook.timezone="UTC"' },
        body: {
          schedules: [address],
          startTime: utc(at),
          endTime: utc(Math.min(to, at + viewMaxMs)),
          availabilityViewInterval: 30,
        },
      },
      address,
      context,
    );
    const [schedule] = objectsAt(answer, 'value');
    if (schedule === undefined) continue;
    const error = objectAt(schedule, 'error');
    if (error !== null)
      throw new FaultError({
        kind: 'transient',
        detail: `getSchedule: ${textAt(error, 'responseCode') ?? 'no answer for this mailbox'}`,
        mayHaveHappened: false,
      });
    // What stands in two answers stands at the seam of both.
    for (const item of objectsAt(schedule, 'scheduleItems')) {
      const time = busyTimeOf(item);
      if (time !== null) busy.set(JSON.stringify(time), time);
    }
  }
  return [...busy.values()];
}

const utc = (ms: Instant) => ({ dateTime: new Date(ms).toISOString().slice(0, 19), timeZone: 'UTC' });

function busyTimeOf(item: JsonObject): BusyTime | null {
  const [start, end] = [instantAt(item, 'start'), instantAt(item, 'end')];
  const showAs = statuses[(textAt(item, 'status') ?? '').toLowerCase()];
  return start === null || end === null || showAs === undefined ? null : { start, end, showAs };
}

/** Asked for in UTC, and shown without a zone: `2026-11-22T09:00:00.0000000`. */
const instantAt = (item: JsonObject, key: string): Instant | null => {
  const value = textAt(objectAt(item, key) ?? {}, 'dateTime');
  return value === null ? null : (readTime(value) ?? null);
};
