import type { Day } from '../world/calendar-part.ts';
import type { Item, ItemContent } from '../world/item.ts';
import type { Hand, Mailbox } from '../world/mailbox.ts';
import type { Origin } from '../world/post-office.ts';
import type { World } from '../world/world.ts';
import type { Agenda } from './agenda.ts';
import type { Authorship } from './authorship.ts';
import type { CalendarSettings } from './calendar-settings.ts';
import type { Intents } from './intents.ts';
import type { Sending } from './meeting-message.ts';

/** What every part of the meetings' machinery works with. */
export interface Surroundings {
  readonly world: World;
  readonly agenda: Agenda;
  readonly authorship: Authorship;
  readonly intents: Intents;
  settings(address: string): CalendarSettings;
  /** Writes a copy as the machinery does: noted as the work of whoever is behind it, and no reason to send anything. */
  write(
    item: Item,
    content: ItemContent,
    origin: Origin,
    options?: { readonly by?: Hand; readonly day?: Day | null },
  ): void;
  /** Makes a copy in the calendar. */
  place(mailbox: Mailbox, content: ItemContent, origin: Origin, by?: Hand): Item;
  /** Meeting messages that arrived in a mailbox and are still there, oldest first. */
  deliveredTo(mailbox: Mailbox): readonly Item[];
  /** A sender and a Message-ID of its own. */
  sending(from: Mailbox, to: readonly { readonly name: string; readonly address: string }[]): Sending;
}
