import { isMaster } from '../world/appointment.ts';
import type { Day } from '../world/calendar-part.ts';
import type { Item, ItemContent } from '../world/item.ts';
import type { Mailbox } from '../world/mailbox.ts';
import type { Organization } from '../world/organization.ts';
import type { Origin } from '../world/post-office.ts';
import { withTracking } from './apply-message.ts';
import { type Answer, cancellationContent, requestContent } from './meeting-message.ts';
import {
  appointments,
  attendeesOf,
  cleanIdOf,
  findMeeting,
  idDayOf,
  isMeeting,
  isOrganizers,
  isReceived,
  organizerOf,
  responseOf,
  subjectOf,
  wasSent,
} from './meeting-view.ts';
import { type Showing, showing, showingsBetween } from './occurrences.ts';
import { type Copies, type Inconsistency, listedIn, meetingTypeOf, type RumType, runChecks } from './repair-checks.ts';
import type { LoggedMeeting, RepairLog } from './repair-log.ts';
import type { Surroundings } from './surroundings.ts';

const dayMs = 86_400_000;

/** Set-MailboxServer. */
export interface RepairSettings {
  readonly mode: 'RepairAndValidate' | 'ValidateOnly';
  readonly missingItemFixDisabled: boolean;
  /** CalendarRepairIntervalEndWindow: days ahead. Default 30 (2010, 2013), 7 (later). */
  readonly endWindowDays: number;
  /** How far back: "a few days" (assumed: 3). */
  readonly startWindowDays: number;
  /** CalendarRepairWorkCycle. */
  readonly workCycleMs: number;
}

const repairDefaults = (organization: Organization): RepairSettings => ({
  mode: 'RepairAndValidate',
  missingItemFixDisabled: false,
  endWindowDays: organization.version === '2010' || organization.version === '2013' ? 30 : 7,
  startWindowDays: 3,
  workCycleMs: dayMs,
});

/** Logs that are kept: ten days of them, in reality. */
const logsMax = 1_000;

const causes = {
  Update: 'repair-update',
  MissingAttendee: 'repair-missing',
  Cancellation: 'repair-cancellation',
} as const satisfies Record<RumType, string>;

/**
 * The Calendar Repair Assistant of an organization: compares the organizer's and the attendees' copies of meetings within its own
 * walls, and sends repair messages. Whose an address is the directory says, by all proxy addresses. Exchange 2010 and later.
 * FACTS §9; EXDOC recipient-resolution; learn.microsoft.com ee424432(v=exchg.140)
 */
export class RepairAssistant {
  readonly organization: Organization;
  settings: RepairSettings;
  /** Newest last. */
  readonly logs: RepairLog[] = [];
  readonly #surroundings: Surroundings;
  /** Of the newest `start`; cycles that were planned before it are void. */
  #started = 0;

  constructor(surroundings: Surroundings, organization: Organization, settings: Partial<RepairSettings> = {}) {
    this.#surroundings = surroundings;
    this.organization = organization;
    this.settings = { ...repairDefaults(organization), ...settings };
  }

  /**
   * Works through all mailboxes once each work cycle, from the next one on. Started again it goes by the settings of now.
   * @returns a function that stops it.
   */
  start(): () => void {
    const number = ++this.#started;
    if (this.organization.version === '2007') return () => {};
    const plan = (): void => {
      this.#surroundings.agenda.plan({
        atMs: this.organization.world.surroundings.clock.nowMs() + this.settings.workCycleMs,
        name: `repair ${this.organization.name}`,
        run: () => {
          if (this.#started !== number) return;
          this.run();
          plan();
        },
      });
    };
    plan();
    return () => {
      if (this.#started === number) this.#started++;
    };
  }

  /** One work cycle. @returns the logs it wrote. */
  run(): readonly RepairLog[] {
    const written: RepairLog[] = [];
    if (this.organization.version === '2007') return written;
    for (const { address } of this.organization.mailboxes) {
      const mailbox = this.organization.mailbox(address);
      if (mailbox !== null && this.#isWatched(mailbox)) written.push(this.#repair(mailbox));
    }
    this.logs.push(...written);
    if (this.logs.length > logsMax) this.logs.splice(0, this.logs.length - logsMax);
    return written;
  }

  /** Resources are skipped, and mailboxes whose switch says so; a redirected one is somebody else's. */
  #isWatched({ address }: Mailbox): boolean {
    const { isResource, calendarRepairDisabled } = this.#surroundings.settings(address);
    return !isResource && !calendarRepairDisabled && this.organization.mailFlow.targetAddress(address) === null;
  }

  #repair(mailbox: Mailbox): RepairLog {
    const fromMs = mailbox.nowMs - this.settings.startWindowDays * dayMs;
    const toMs = mailbox.nowMs + this.settings.endWindowDays * dayMs;
    const meetings: LoggedMeeting[] = [];
    for (const item of [...appointments(mailbox)]) {
      if (item.gone || !isMeeting(item.content)) continue;
      for (const one of this.#inWindow(item, fromMs, toMs))
        meetings.push(...(isOrganizers(item.content) ? this.#asOrganizer(item, one) : this.#asAttendee(item, one)));
    }
    return { mailbox: mailbox.address, atMs: mailbox.nowMs, mode: this.settings.mode, meetings };
  }

  /** A series is looked at as a whole first, then by its occurrences. */
  #inWindow(item: Item, fromMs: number, toMs: number): readonly Showing[] {
    const { content } = item;
    const shown = showingsBetween(content, fromMs, toMs);
    const [first] = shown;
    if (!isMaster(content) || first === undefined) return shown;
    return [{ ...first, day: null, isException: false, content }, ...shown];
  }

  #asOrganizer(item: Item, one: Showing): readonly LoggedMeeting[] {
    const cleanId = cleanIdOf(item.content);
    if (cleanId === null || item.gone) return [];
    // What was never sent has no copies.
    if (!wasSent(item.content)) return [];
    return attendeesOf(one.content)
      .filter(({ role }) => role !== 'resource')
      .map(({ address }) => ({ address, ...this.#local(address) }))
      .filter(({ mailbox }) => mailbox !== item.folder.mailbox)
      .map(({ address, mailbox, reason }) => {
        const copy = mailbox === null ? null : attendeesCopy(mailbox, cleanId, one.day);
        return this.#check(item.folder.mailbox, item, mailbox, copy, one, cleanId, address, reason);
      });
  }

  #asAttendee(item: Item, one: Showing): readonly LoggedMeeting[] {
    const cleanId = cleanIdOf(item.content);
    const organizer = organizerOf(item.content);
    if (cleanId === null || organizer === null || item.gone) return [];
    // Compared with itself a copy proves nothing, and nobody else is there to be asked.
    const local = this.#local(organizer.address);
    const { mailbox, reason } = local.mailbox === item.folder.mailbox ? alone : local;
    const found = mailbox === null ? null : (findMeeting(mailbox, cleanId)[0] ?? null);
    // An organizer's mailbox that holds itself for an attendee proves nothing.
    const organizers = found !== null && isReceived(found.content) ? null : found;
    const day = one.day ?? idDayOf(item.content);
    return [
      this.#check(
        mailbox,
        organizers,
        item.folder.mailbox,
        item,
        { ...one, day },
        cleanId,
        item.folder.mailbox.address,
        reason,
      ),
    ];
  }

  /** The mailbox behind an address, when this organization has it and may repair it. */
  #local(address: string): { readonly mailbox: Mailbox | null; readonly reason: string | null } {
    const primary = this.organization.mailFlow.primary(address);
    const mailbox = this.organization.mailbox(primary);
    if (mailbox === null) return { mailbox, reason: 'not of this organization' };
    if (this.organization.mailFlow.targetAddress(primary) !== null) return { mailbox: null, reason: 'redirected' };
    return { mailbox, reason: null };
  }

  #check(
    organizer: Mailbox | null,
    organizers: Item | null,
    attendee: Mailbox | null,
    attendees: Item | null,
    one: Showing,
    cleanId: string,
    attendeeAddress: string,
    cannotValidate: string | null,
  ): LoggedMeeting {
    const copies: Copies = {
      day: one.day,
      organizers,
      attendees,
      attendeeAddresses: new Set(this.organization.mailFlow.addressesOf(attendeeAddress)),
      intent: attendee === null ? 0 : this.#intentOf(attendee, cleanId, one.day),
      cannotValidate,
      missingItemFixDisabled: this.settings.missingItemFixDisabled,
    };
    const checks = runChecks(copies);
    const rums: { type: RumType; sent: boolean }[] = [];
    for (const { inconsistencies } of checks) {
      // One message corrects all that is wrong with a copy.
      const byMessage = inconsistencies.filter(({ shouldFix, rum }) => shouldFix && rum !== null);
      const rum = byMessage[0]?.rum;
      if (rum && rums.length === 0 && organizer !== null && attendee !== null) {
        const sent = this.settings.mode === 'RepairAndValidate' && this.#isWatched(attendee);
        if (sent) this.#send(rum, organizer, attendee, copies, cleanId, byMessage);
        rums.push({ type: rum, sent });
      }
      const byWrite = inconsistencies.find(({ shouldFix, rum }) => shouldFix && rum === null);
      if (byWrite && this.settings.mode === 'RepairAndValidate' && organizer !== null && this.#isWatched(organizer))
        this.#track(copies, byWrite);
    }
    const shown = one.content;
    return {
      subject: subjectOf(shown),
      meetingType: meetingTypeOf(organizers?.content ?? attendees?.content ?? shown, one),
      startMs: one.startMs,
      endMs: one.endMs,
      organizer: organizerOf(shown)?.address ?? '',
      attendee: attendeeAddress,
      cleanId,
      checks,
      rums,
    };
  }

  /** What the version store tells about a copy; nothing when it is switched off. */
  #intentOf(mailbox: Mailbox, cleanId: string, day: Day | null): number {
    if (this.#surroundings.settings(mailbox.address).calendarVersionStoreDisabled) return 0;
    const { intents } = this.#surroundings;
    return intents.of(mailbox, cleanId, day) | intents.of(mailbox, cleanId, null);
  }

  /** Any one of the inconsistencies sends the message: it is an account's doing when nothing that people did would have sent it. */
  #blame(
    copies: Copies,
    attendee: Mailbox,
    organizer: Mailbox,
    cleanId: string,
    found: readonly Inconsistency[],
  ): Origin {
    return found
      .map((what) => this.#blameFor(copies, attendee, organizer, cleanId, what))
      .reduce((one, other) => (one.doing === 'api' ? other : one));
  }

  #blameFor(copies: Copies, attendee: Mailbox, organizer: Mailbox, cleanId: string, what: Inconsistency): Origin {
    const { authorship } = this.#surroundings;
    const items = [copies.organizers, copies.attendees].filter((item) => item !== null);
    const gone =
      copies.attendees === null || copies.organizers === null
        ? (authorship.goneBy(copies.attendees === null ? attendee : organizer, cleanId, copies.day) ??
          authorship.goneBy(copies.attendees === null ? attendee : organizer, cleanId, null))
        : null;
    const left = authorship.blame(items, what.aspects, copies.day);
    const who = gone?.doing === 'api' || left === null ? (gone ?? left) : left;
    return { caller: who?.caller ?? 'people', doing: who?.doing ?? 'person', through: 'repair-assistant' };
  }

  #send(
    type: RumType,
    organizer: Mailbox,
    attendee: Mailbox,
    copies: Copies,
    cleanId: string,
    found: readonly Inconsistency[],
  ): void {
    const source = copies.organizers ?? copies.attendees;
    if (source === null) return;
    const meeting = this.#meetingFor(source, copies.day);
    if (meeting === null) return;
    const sending = this.#surroundings.sending(organizer, [{ name: attendee.displayName, address: attendee.address }]);
    this.#surroundings.world.postOffice.send(organizer, {
      cause: causes[type],
      content:
        type === 'Cancellation'
          ? cancellationContent(meeting, copies.day, sending)
          : requestContent(meeting, copies.day, 'informational', sending),
      recipients: [attendee.address],
      origin: this.#blame(copies, attendee, organizer, cleanId, found),
    });
  }

  #meetingFor(item: Item, day: Day | null): ItemContent | null {
    return day !== null && !isMaster(item.content) ? item.content : showing(item.content, day);
  }

  /** The attendee's copy is right about the own answer: the organizer's tracking follows, without a message. */
  #track(copies: Copies, what: Inconsistency): void {
    const { organizers, attendees, day } = copies;
    if (organizers === null || attendees === null) return;
    const mine = this.#meetingFor(attendees, day);
    const theirs = showing(organizers.content, day);
    if (mine === null || theirs === null) return;
    const { mailbox } = organizers.folder;
    const after = withTracking(
      organizers.content,
      isMaster(organizers.content) ? day : null,
      {
        name: attendees.folder.mailbox.displayName,
        address: listedIn(theirs, copies)?.address ?? attendees.folder.mailbox.address,
      },
      responseOf(mine) as Answer,
      mailbox.nowMs,
      mailbox.nowMs,
    );
    const by = this.#surroundings.authorship.blame([attendees, organizers], what.aspects, day);
    if (after !== null)
      this.#surroundings.write(
        organizers,
        after,
        { caller: by?.caller ?? 'people', doing: by?.doing ?? 'person', through: 'repair-assistant' },
        { day: isMaster(organizers.content) ? day : null },
      );
  }
}

const alone = { mailbox: null, reason: 'its own organizer' };

/** The attendee's series, or the occurrence that stands alone. */
function attendeesCopy(mailbox: Mailbox, cleanId: string, day: Day | null): Item | null {
  const found = findMeeting(mailbox, cleanId);
  return (
    found.find((item) => isMaster(item.content)) ??
    found.find((item) => idDayOf(item.content) === day) ??
    found.find((item) => idDayOf(item.content) === null) ??
    null
  );
}
