/** What tests and the demo do to the lab's meetings through its control interface. */
import type { Doing, Machinery, OutboxCause, OutboxEntry } from '../seams.ts';
import type { MeetingFormat } from '../world/mail-flow.ts';
import type { Organization } from '../world/organization.ts';
import { type CalendarSettings, userDefaults } from './calendar-settings.ts';
import type { Meetings } from './meetings.ts';
import { OutlookClient } from './outlook.ts';
import type { RepairSettings } from './repair-assistant.ts';
import { logNameOf, writeLog } from './repair-log.ts';

/** What left mailboxes, added up. */
export interface OutboxSum {
  readonly cause: OutboxCause;
  readonly doing: Doing;
  readonly through: Machinery | null;
  readonly count: number;
}

export function sumOutbox(outbox: readonly OutboxEntry[]): readonly OutboxSum[] {
  const sums = new Map<string, { cause: OutboxCause; doing: Doing; through: Machinery | null; count: number }>();
  for (const { cause, doing, through } of outbox) {
    const key = `${cause} ${doing} ${through}`;
    const sum = sums.get(key) ?? { cause, doing, through, count: 0 };
    sum.count++;
    sums.set(key, sum);
  }
  return [...sums.values()];
}

/** A setting that cannot be; the message says what would be. */
export class ControlRefusal extends Error {
  override readonly name = 'ControlRefusal';
}

type Fields = Readonly<Record<string, unknown>>;

/** Changes settings of a mailbox: those of `CalendarSettings` by their names. */
export function configureCalendar(meetings: Meetings, address: string, body: Fields): void {
  if (meetings.world.mailbox(address) === null) throw new ControlRefusal(`there is no mailbox ${address}`);
  const changes: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(body)) {
    if (!(name in userDefaults)) throw new ControlRefusal(`${name} is one of ${Object.keys(userDefaults).join(', ')}`);
    if (typeof value !== typeof userDefaults[name as keyof CalendarSettings])
      throw new ControlRefusal(`${name} is a ${typeof userDefaults[name as keyof CalendarSettings]}`);
    if (name === 'automateProcessing' && !['None', 'AutoUpdate', 'AutoAccept'].includes(String(value)))
      throw new ControlRefusal('automateProcessing is None, AutoUpdate or AutoAccept');
    changes[name] = value;
  }
  meetings.configure(address, changes as Partial<CalendarSettings>);
}

/** Redirects an address (`targetAddress`), or takes that back (null). */
export function redirect(meetings: Meetings, address: string, body: Fields): void {
  const target = body['targetAddress'];
  if (target !== null && typeof target !== 'string') throw new ControlRefusal('targetAddress is an address or null');
  const mailbox = meetings.world.mailbox(address);
  if (mailbox === null) throw new ControlRefusal(`there is no mailbox ${address}`);
  mailbox.organization.mailFlow.setTargetAddress(address, target);
}

export function setMeetingFormat(organization: Organization, body: Fields): void {
  const format = (['tnef', 'icalendar', 'text'] as const satisfies readonly MeetingFormat[]).find(
    (one) => one === body['meetingFormat'],
  );
  if (format === undefined) throw new ControlRefusal('meetingFormat is tnef, icalendar or text');
  organization.mailFlow.meetingFormat = format;
}

/** What `PUT assistant/ORG` may set. */
export interface AssistantChanges extends Partial<Omit<RepairSettings, 'workCycleMs'>> {
  readonly workCycleSeconds?: number;
  /** Whether it works by itself, once each cycle. */
  readonly enabled?: boolean;
}

/** Changes the Repair Assistant of an organization, as Set-MailboxServer does, and starts or stops its cycle. */
export function configureAssistant(meetings: Meetings, organization: Organization, body: Fields): void {
  const assistant = meetings.assistant(organization);
  const { workCycleMs, ...settings } = assistant.settings;
  const known = { ...settings, workCycleSeconds: workCycleMs / 1000, enabled: true };
  for (const [name, value] of Object.entries(body)) {
    if (!(name in known)) throw new ControlRefusal(`${name} is one of ${Object.keys(known).join(', ')}`);
    const type = typeof known[name as keyof typeof known];
    if (typeof value !== type) throw new ControlRefusal(`${name} is a ${type}`);
    if (typeof value === 'number' && !(value > 0 && value < 1e6)) throw new ControlRefusal(`${name} is above 0`);
  }
  const { enabled, workCycleSeconds, ...changes } = { ...known, ...body } as typeof known;
  if (changes.mode !== 'RepairAndValidate' && changes.mode !== 'ValidateOnly')
    throw new ControlRefusal('mode is RepairAndValidate or ValidateOnly');
  assistant.settings = { ...changes, workCycleMs: workCycleSeconds * 1000 };
  const stop = assistant.start();
  if (!enabled) stop();
}

/** Lets the Repair Assistant work through an organization once, now. @returns what it found and sent. */
export function repairNow(meetings: Meetings, organization: Organization): object {
  const logs = meetings.assistant(organization).run();
  const all = logs.flatMap((log) => log.meetings);
  return {
    mailboxes: logs.length,
    meetings: all.length,
    failed: all.filter(({ checks }) => checks.some(({ passed }) => !passed)).length,
    sent: all.flatMap(({ rums }) => rums).filter(({ sent }) => sent).length,
  };
}

/** The assistant's logs, as files. */
export function* repairLogs(meetings: Meetings, organization: Organization): Generator<object> {
  for (const log of meetings.assistant(organization).logs) yield { name: logNameOf(log), xml: writeLog(log) };
}

/** Starts an Outlook-like client in every mailbox that was written to, once: it looks at the Inbox and rings. */
export function logOn(meetings: Meetings, organization: Organization): object {
  let processed = 0;
  let rings = 0;
  let late = 0;
  for (const { address } of organization.mailboxes) {
    const mailbox = organization.mailbox(address);
    if (mailbox === null || !mailbox.dirty) continue;
    const client = new OutlookClient(meetings, mailbox);
    processed += client.sniff().length;
    for (const ring of client.ring()) {
      rings++;
      if (ring.late) late++;
    }
  }
  return { processed, rings, late };
}
