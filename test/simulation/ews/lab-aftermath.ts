import type { SteppingClock } from '#kit/stepping-clock.ts';
import { appointments, cleanIdOf, isOrganizers, propertyText, wasSent } from '#lab/meetings/meeting-view.ts';
import type { Meetings } from '#lab/meetings/meetings.ts';
import { OutlookClient } from '#lab/meetings/outlook.ts';
import { calendarKey } from '#lab/world/calendar-keys.ts';
import type { Owner } from './lab-rivals.ts';

const DAY_MS = 86_400_000;

/**
 * The days after: assistants work through both organizations, the person starts an eager Outlook on both sides, whose reminders ring, and
 * changes a little of every meeting that was ever sent. What leaves a mailbox then is counted, by who is behind it.
 */
export function aftermathOf(meetings: Meetings, { left, right }: Owner, clock: SteppingClock): void {
  const assist = () => {
    for (const organization of meetings.world.organizations) meetings.assistant(organization).run();
  };
  const sent = new Set(
    [left, right].flatMap((box) =>
      [...appointments(box)].filter(({ content }) => wasSent(content)).map(({ content }) => cleanIdOf(content)),
    ),
  );
  meetings.agenda.runDue(left.nowMs + meetings.attendantDelayMs);
  assist();
  for (const mailbox of [left, right]) {
    const outlook = new OutlookClient(meetings, mailbox);
    outlook.sniff();
    outlook.ring();
    for (const item of [...appointments(mailbox)])
      if (isOrganizers(item.content) && sent.has(cleanIdOf(item.content)))
        outlook.edit(item, { location: `${propertyText(item.content, calendarKey.location)}, later` });
  }
  clock.advance(DAY_MS);
  meetings.runDue();
  assist();
}
