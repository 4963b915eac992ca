import type { CalendarWrite, MeetingAnswer, MeetingMachinery } from '../world/calendar-hooks.ts';
import type { Item, ItemContent } from '../world/item.ts';
import type { Hand, Mailbox } from '../world/mailbox.ts';
import type { Organization } from '../world/organization.ts';
import { type Delivery, type Origin, originOfCall } from '../world/post-office.ts';
import { messageFlag } from '../world/property.ts';
import type { World } from '../world/world.ts';
import { Agenda } from './agenda.ts';
import { carryOut } from './answer.ts';
import { attend } from './attendant.ts';
import { Authorship } from './authorship.ts';
import { book } from './booking.ts';
import { type CalendarSettings, roomDefaults, userDefaults } from './calendar-settings.ts';
import { copyToDelegates } from './delegate-copies.ts';
import { Intents } from './intents.ts';
import { asIcalendar, asText } from './meeting-message.ts';
import { cleanIdOf, idDayOf, isMeetingMessage, isRequest } from './meeting-view.ts';
import { showing } from './occurrences.ts';
import { tellAttendees } from './organizer.ts';
import { RepairAssistant } from './repair-assistant.ts';
import { storedProcessing, storeProcessing } from './stored-processing.ts';
import type { Surroundings } from './surroundings.ts';

export interface MeetingsOptions {
  /** How long after a delivery the Calendar Attendant works. Default 0: in the same turn. */
  readonly attendantDelayMs?: number;
}

/** Meetings of a world: who sends what to whom when appointments are written, and what servers do at delivery. */
export class Meetings implements MeetingMachinery, Surroundings {
  readonly world: World;
  readonly agenda = new Agenda();
  readonly authorship = new Authorship();
  readonly intents = new Intents();
  /** May be changed while the lab runs. */
  attendantDelayMs: number;
  readonly #settings = new Map<string, CalendarSettings>();
  readonly #delivered = new WeakMap<Mailbox, Item[]>();
  readonly #assistants = new Map<Organization, RepairAssistant>();
  #sent = 0;

  /** Registers with the world. */
  constructor(world: World, options: MeetingsOptions = {}) {
    this.world = world;
    this.attendantDelayMs = options.attendantDelayMs ?? 0;
    world.meetings = this;
    world.postOffice.crossing = (content, into) => crossed(content, into.mailFlow.meetingFormat);
    world.postOffice.onDelivery((delivery) => this.#arrived(delivery));
  }

  settings(address: string): CalendarSettings {
    const settings = this.#settings.get(address.toLowerCase()) ?? userDefaults;
    if (!settings.isResource) return settings;
    const mailbox = this.world.mailbox(address);
    const stored = mailbox === null ? null : storedProcessing(mailbox);
    return stored === null ? settings : { ...settings, automateProcessing: stored };
  }
  /** Changes some settings of a mailbox; becoming a resource brings a room's defaults along. */
  configure(address: string, changes: Partial<CalendarSettings>): void {
    const lower = address.toLowerCase();
    const isNewRoom = changes.isResource === true && !this.settings(lower).isResource;
    const settings = { ...(isNewRoom ? roomDefaults : this.settings(lower)), ...changes };
    this.#settings.set(lower, settings);
    const mailbox = settings.isResource ? this.world.mailbox(address) : null;
    if (mailbox !== null) storeProcessing(mailbox, settings.automateProcessing);
  }

  /** The Calendar Repair Assistant of an organization. It works when it is told to, or each work cycle once it was started. */
  assistant(organization: Organization): RepairAssistant {
    const known = this.#assistants.get(organization) ?? new RepairAssistant(this, organization);
    this.#assistants.set(organization, known);
    return known;
  }

  /** Does what servers and clients have planned until now. @returns how much that was. */
  runDue(): number {
    return this.agenda.runDue(this.world.surroundings.clock.nowMs());
  }

  // MeetingMachinery

  written(write: CalendarWrite): void {
    const { mailbox, item, day, before, after, by } = write;
    const origin = originOfCall(mailbox.organization, by);
    if (after !== null) this.authorship.note(item, day, before, after, origin);
    else {
      const cleanId = before === null ? null : cleanIdOf(before);
      if (cleanId !== null) this.authorship.noteGone(mailbox, cleanId, day, origin);
    }
    this.intents.written(write);
    tellAttendees(this, write, origin);
  }

  answer(answer: MeetingAnswer): readonly Item[] {
    return carryOut(this, answer, originOfCall(answer.item.folder.mailbox.organization, answer.by));
  }

  // Surroundings

  write(
    item: Item,
    content: ItemContent,
    origin: Origin,
    options: { readonly by?: Hand; readonly day?: string | null } = {},
  ): void {
    const { mailbox } = item.folder;
    const day = options.day ?? null;
    this.authorship.note(
      item,
      day,
      showing(item.content, day) ?? item.content,
      showing(content, day) ?? content,
      origin,
    );
    mailbox.update(item, content, options.by ?? mailbox.server);
  }

  place(mailbox: Mailbox, content: ItemContent, origin: Origin, by: Hand = mailbox.server): Item {
    const item = mailbox.create(
      mailbox.folder('calendar'),
      { content, messageFlags: messageFlag.read, isRead: true },
      by,
    );
    this.authorship.note(item, null, null, content, origin);
    const cleanId = cleanIdOf(content);
    if (cleanId !== null) this.intents.forget(mailbox, cleanId, idDayOf(content));
    return item;
  }

  deliveredTo(mailbox: Mailbox): readonly Item[] {
    const all = (this.#delivered.get(mailbox) ?? []).filter((item) => !item.gone);
    this.#delivered.set(mailbox, all);
    return all;
  }

  sending(from: Mailbox, to: readonly { readonly name: string; readonly address: string }[]) {
    return {
      from: { name: from.displayName, address: from.address },
      to: to.map(({ name, address }) => ({ name, address })),
      nowMs: from.nowMs,
      id: `${(++this.#sent).toString(36)}.${from.guid.slice(0, 8)}@${from.organization.domain}`,
    };
  }

  // Delivery

  #arrived(delivery: Delivery): void {
    const { item, mailbox } = delivery;
    if (!isMeetingMessage(item)) return;
    const list = this.#delivered.get(mailbox) ?? [];
    list.push(item);
    this.authorship.note(item, null, null, item.content, delivery.mail.origin);
    this.#delivered.set(mailbox, list);
    const isRepair = delivery.mail.cause.startsWith('repair-');
    const run = (): void => this.#attend(delivery, isRepair);
    if (this.attendantDelayMs === 0 || isRepair) run();
    else
      this.agenda.plan({
        atMs: mailbox.nowMs + this.attendantDelayMs,
        name: `attendant ${mailbox.address}`,
        run,
      });
  }

  #attend({ item, mailbox, mail, external }: Delivery, repair: boolean): void {
    if (item.gone) return;
    const wasRequest = isRequest(item);
    if (!repair) copyToDelegates(this, item, mail.origin);
    const processed = attend(this, item, { origin: mail.origin, external, repair });
    const settings = this.settings(mailbox.address);
    if (
      wasRequest &&
      settings.automateProcessing === 'AutoAccept' &&
      processed.item !== null &&
      (processed.outcome === 'created' || processed.outcome === 'updated')
    )
      book(this, item, processed.item, mail.origin);
  }
}

function crossed(content: ItemContent, format: 'tnef' | 'icalendar' | 'text'): ItemContent {
  if (content.calendar === undefined || format === 'tnef') return content;
  return format === 'text' ? asText(content) : asIcalendar(content);
}
