import { deepEqual, equal, fail } from 'node:assert/strict';
import { seededRandom } from '#kit/random.ts';
import { SteppingClock } from '#kit/stepping-clock.ts';
import type { EwsVersion, OutboxEntry } from '../seams.ts';
import type { InvitationChoice } from '../world/calendar-hooks.ts';
import { calendarKey } from '../world/calendar-keys.ts';
import type { Item, ItemContent } from '../world/item.ts';
import type { Mailbox } from '../world/mailbox.ts';
import { createWorld, type World } from '../world/world.ts';
import { instantOf, windowsZone, type Zone } from '../world/zone.ts';
import type { CalendarSettings } from './calendar-settings.ts';
import {
  appointments,
  attendeeOf,
  isCancelled,
  isMeetingMessage,
  numberOf,
  propertyText,
  responseOf,
  subjectOf,
} from './meeting-view.ts';
import { Meetings, type MeetingsOptions } from './meetings.ts';
import { showing } from './occurrences.ts';
import { Person } from './person.ts';

/** Monday morning of a week without changes of the clock; the last Sunday of March follows in four. */
export const conversationStartMs = Date.UTC(2026, 2, 2, 8);

const busyNames = ['free', 'tentative', 'busy', 'away'];
const minuteMs = 60_000;

/**
 * A conversation of people about meetings, as a script that can be read aloud. One line, one step:
 *
 *     ana books "Plan" 2026-03-09 10:00-11:00 with ben cara?          `?` optional, `!` resource; `weekly x4`, `daily x3`, at "Room 1"
 *     ana moves "Plan"@2026-03-16 to 2026-03-17 12:00-13:00           one occurrence by the day of the series
 *     ana renames "Plan" "Plan B" · relocates "Plan" "Room 2" · invites "Plan" dan · uninvites "Plan" ben
 *     ana cancels "Plan" · drops "Plan"                                `drops`: deletes and tells nobody
 *     ben accepts|considers|declines "Plan"                            `silently` behind any of them: nobody is told
 *     wait 2h · work                                                   time passes; what is due is done
 *     mail meeting-request ana -> ben cara                             everything that left since the last `mail`, in order
 *     ben has "Plan" 2026-03-09 10:00-11:00 tentative NoResponseReceived [cancelled] [at "Room 1"]
 *     ben lacks "Plan" · ben counts "Plan" 2 · ana tracks ben Accept "Plan" · ben inbox 1
 */
export class Conversation {
  readonly clock = new SteppingClock(conversationStartMs);
  readonly world: World;
  readonly meetings: Meetings;
  readonly #mailboxes = new Map<string, Mailbox>();
  readonly #persons = new Map<string, Person>();
  #zone: Zone = windowsZone('W. Europe Standard Time') as Zone;
  #seen = 0;

  /** @param people of each organization, in the order of its mailboxes. */
  constructor(
    people: Readonly<Record<string, readonly string[]>>,
    options: MeetingsOptions & { readonly version?: EwsVersion } = {},
  ) {
    const names = Object.entries(people);
    const counts: Record<string, number> = {};
    this.world = createWorld({
      organizations: names.map(([name, list]) => ({
        name,
        version: options.version ?? '2016',
        domain: `${name}.test`,
        mailboxes: list.length,
      })),
      mailboxes: 0,
      items: 0,
      seed: 1,
      surroundings: {
        clock: this.clock,
        random: seededRandom(1),
        faults: { strike: () => null, counts: counts as never, set: () => {} },
      },
    });
    this.meetings = new Meetings(this.world, options);
    for (const [name, list] of names)
      for (const [index, person] of list.entries()) {
        const organization = this.world.organization(name);
        const mailbox = organization.mailbox(organization.mailboxes[index]?.address ?? '');
        if (mailbox === null) fail(`no mailbox for ${person}`);
        this.#mailboxes.set(person, mailbox);
        this.#persons.set(person, new Person(this.meetings, mailbox));
      }
  }

  mailbox(name: string): Mailbox {
    return this.#mailboxes.get(name) ?? fail(`nobody is called ${name}`);
  }
  person(name: string): Person {
    return this.#persons.get(name) ?? fail(`nobody is called ${name}`);
  }
  configure(name: string, settings: Partial<CalendarSettings>): void {
    this.meetings.configure(this.mailbox(name).address, settings);
  }
  /** The appointment of that subject; `Canceled:` in front does not count. */
  item(name: string, subject: string): Item {
    return this.#find(name, subject)[0] ?? fail(`${name} has no "${subject}"`);
  }
  /** What left mailboxes since the script last looked. */
  mails(): readonly OutboxEntry[] {
    const fresh = this.world.outbox.slice(this.#seen);
    this.#seen = this.world.outbox.length;
    return fresh;
  }
  instant(day: string, clock: string): number {
    return instantOf(this.#zone, Date.parse(`${day}T${clock}:00Z`));
  }

  #find(name: string, subject: string): readonly Item[] {
    return [...appointments(this.mailbox(name))].filter(
      ({ content }) => subjectOf(content).replace(/^Canceled: /, '') === subject,
    );
  }
  #nameOf(address: string): string {
    for (const [name, mailbox] of this.#mailboxes) if (mailbox.address === address) return name;
    return address;
  }

  /** Runs a script. A step that fails says which it was. */
  play(script: string): this {
    for (const [at, line] of script.split('\n').entries()) {
      const words = line.trim();
      if (words === '' || words.startsWith('#')) continue;
      try {
        this.#step(words);
      } catch (error) {
        if (error instanceof Error) error.message = `line ${at + 1}: ${words}\n${error.message}`;
        throw error;
      }
    }
    return this;
  }

  #step(line: string): void {
    const [first = '', verb = ''] = line.split(' ');
    const rest = line.slice(first.length + verb.length + 2);
    if (first === 'wait') {
      const [, amount = '', unit = ''] = /^(\d+)(min|h|d)$/.exec(verb) ?? fail('wait 5min, 2h or 1d');
      this.clock.advance(Number(amount) * ({ min: 1, h: 60, d: 1440 }[unit] ?? 0) * minuteMs);
      return;
    }
    if (first === 'work') {
      this.meetings.runDue();
      return;
    }
    if (first === 'mail') {
      const wanted = line === 'mail none' ? [] : line.slice(5).split(', ');
      deepEqual(
        this.mails().map(
          ({ cause, from, to }) => `${cause} ${this.#nameOf(from)} -> ${to.map((a) => this.#nameOf(a)).join(' ')}`,
        ),
        wanted,
      );
      return;
    }
    const choice: InvitationChoice = rest.endsWith(' silently') ? 'SendToNone' : 'SendToAllAndSaveCopy';
    const args = rest.replace(/ silently$/, '');
    const [, subject = '', day = null] = /^"([^"]*)"(?:@(\S+))?/.exec(args) ?? [];
    const person = (): Person => this.person(first);
    const item = (): Item => this.item(first, subject);
    const second = /^"[^"]*"(?:@\S+)? "?([^"]*)"?$/.exec(args)?.[1] ?? '';
    switch (verb) {
      case 'books': {
        const { startMs, endMs } = this.#span(args);
        const repeat = / (daily|weekly) x(\d+)/.exec(args);
        const weekday = new Date(startMs).getUTCDay();
        person().book(
          {
            subject,
            startMs,
            endMs,
            zone: this.#zone,
            location: / at "([^"]*)"/.exec(args)?.[1] ?? '',
            attendees: (/ with (.*)$/.exec(args)?.[1] ?? '')
              .split(' ')
              .filter((one) => one !== '')
              .map((one) => this.#attendee(one)),
            ...(repeat === null
              ? {}
              : {
                  recurrence: {
                    pattern:
                      repeat[1] === 'daily'
                        ? { kind: 'daily', interval: 1 }
                        : { kind: 'weekly', interval: 1, days: [weekday], firstDay: 1 },
                    range: { kind: 'count', count: Number(repeat[2]) },
                  },
                }),
          },
          choice,
        );
        return;
      }
      case 'moves':
        person().change(item(), this.#span(args), day, choice);
        return;
      case 'renames':
        person().change(item(), { subject: second }, day, choice);
        return;
      case 'relocates':
        person().change(item(), { location: second }, day, choice);
        return;
      case 'invites':
      case 'uninvites': {
        const address = this.mailbox(second).address;
        const others = (item().content.calendar?.attendees ?? []).filter((one) => one.address !== address);
        const attendees = verb === 'invites' ? [...others, this.#attendee(second)] : others;
        person().change(item(), { attendees }, day, choice === 'SendToNone' ? choice : 'SendOnlyToChanged');
        return;
      }
      case 'cancels':
        person().remove(item(), day, choice);
        return;
      case 'drops':
        person().remove(item(), day, 'SendToNone');
        return;
      case 'accepts':
      case 'considers':
      case 'declines': {
        const kind = ({ accepts: 'AcceptItem', considers: 'TentativelyAcceptItem', declines: 'DeclineItem' } as const)[
          verb
        ];
        const request = [...this.mailbox(first).folder('inbox').items()].find(
          (one) => isMeetingMessage(one) && subjectOf(one.content) === subject && day === null,
        );
        person().answer(request ?? item(), kind, { day, send: choice !== 'SendToNone' });
        return;
      }
      case 'has':
        this.#expectShown(item(), day, args);
        return;
      case 'lacks':
        if (day === null) equal(this.#find(first, subject).length, 0);
        else equal(showing(item().content, day), null);
        return;
      case 'counts':
        equal(this.#find(first, subject).length, Number(second));
        return;
      case 'tracks': {
        const [, who = '', response = '', title = '', on = null] =
          /^(\S+) (\S+) "([^"]*)"(?:@(\S+))?/.exec(args) ?? fail('ana tracks ben Accept "Plan"');
        const shown = showing(this.item(first, title).content, on) ?? fail('there is no such occurrence');
        equal(attendeeOf(shown, this.mailbox(who).address)?.response ?? 'nobody', response);
        return;
      }
      case 'inbox':
        equal([...this.mailbox(first).folder('inbox').items()].length, Number(args));
        return;
      default:
        fail(`nobody knows how to ${verb}`);
    }
  }

  #attendee(word: string) {
    const mailbox = this.mailbox(word.replace(/[?!]$/, ''));
    const role = word.endsWith('?')
      ? ('optional' as const)
      : word.endsWith('!')
        ? ('resource' as const)
        : ('required' as const);
    return { address: mailbox.address, name: mailbox.displayName, role };
  }

  #span(args: string): { readonly startMs: number; readonly endMs: number } {
    const [, day = '', from = '', to = ''] = / (\d{4}-\d\d-\d\d) (\d\d:\d\d)-(\d\d:\d\d)/.exec(args) ?? fail('no time');
    return { startMs: this.instant(day, from), endMs: this.instant(day, to) };
  }

  #expectShown(item: Item, day: string | null, args: string): void {
    const shown: ItemContent = showing(item.content, day) ?? fail('it has no such occurrence');
    const time = / \d{4}-\d\d-\d\d \d\d:\d\d-\d\d:\d\d/.exec(args);
    if (time !== null)
      deepEqual(
        [numberOf(shown, calendarKey.start), numberOf(shown, calendarKey.end)],
        Object.values(this.#span(args)),
        'it is at another time',
      );
    const words = args.split(' ');
    for (const name of busyNames)
      if (words.includes(name)) equal(busyNames[numberOf(shown, calendarKey.busyStatus) ?? -1], name);
    for (const response of ['Unknown', 'Organizer', 'Tentative', 'Accept', 'Decline', 'NoResponseReceived'])
      if (words.includes(response)) equal(responseOf(shown), response);
    equal(isCancelled(shown), words.includes('cancelled'), 'cancelled or not');
    const place = / at "([^"]*)"/.exec(args)?.[1];
    if (place !== undefined) equal(propertyText(shown, calendarKey.location), place);
  }
}
