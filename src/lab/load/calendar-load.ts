import { must } from '#kit/assert.ts';
import type { Clock } from '#kit/clock.ts';
import type { Random } from '#kit/random.ts';
import { cleanIdOf } from '../meetings/meeting-view.ts';
import type { Meetings } from '../meetings/meetings.ts';
import { showingsBetween } from '../meetings/occurrences.ts';
import { type Change, Person } from '../meetings/person.ts';
import { startMsOf } from '../world/appointment.ts';
import type { Day } from '../world/calendar-part.ts';
import type { Item } from '../world/item.ts';
import type { World } from '../world/world.ts';

/** What people do with calendars while it is measured how long the others wait for it, in parts of a hundred. */
export const calendarMix = {
  book: 30,
  'book-series': 5,
  move: 25,
  edit: 20,
  'edit-occurrence': 8,
  'delete-occurrence': 4,
  delete: 8,
} as const;
type Deed = keyof typeof calendarMix;
const deedNames = Object.keys(calendarMix) as readonly Deed[];

const tickMs = 50;
const firstDayNumber = 20_200;
const hourMs = 3_600_000;

interface Done {
  readonly deed: Deed;
  readonly atMs: number;
  /** Place in the journal of commits: what comes after it may be its delivery. */
  readonly sequence: number;
  readonly identity: string;
  /** Mailbox of the same person in the other organization. */
  readonly twin: string;
}

/** An event that this load booked. */
interface Booked {
  readonly item: Item;
  readonly twin: string;
  readonly isSeries: boolean;
  touchedMs: number;
}

export interface CalendarLoadReport {
  readonly changes: number;
  /** In the order of the changes. */
  readonly lags: readonly {
    readonly deed: Deed;
    /** Name of the organization that it has to come to. */
    readonly to: string;
    /** Milliseconds until somebody else's program wrote it into the twin's calendar; null: not yet. */
    readonly ms: number | null;
  }[];
  /** Events that are in one calendar of a person and not in the other, as it is now. */
  readonly lost: number;
  /** Events that are more than once in one calendar. */
  readonly duplicated: number;
}

/** People of both organizations at work with their calendars, at a steady rate, each in the own mailbox. */
export class CalendarLoad {
  readonly #world: World;
  readonly #meetings: Meetings;
  readonly #clock: Clock;
  readonly #random: Random;
  /** Addresses of the same person in the two organizations. */
  readonly #everybody: readonly (readonly [string, string])[];
  #pairs: readonly (readonly [string, string])[] = [];
  /** Of the last run. */
  #done: Done[] = [];
  #events: Booked[] = [];
  #restMs = 0;
  /** Pairs in whose calendars something was booked. */
  readonly #took = new Set<readonly [string, string]>();
  #number = 0;

  constructor(world: World, meetings: Meetings, clock: Clock, random: Random) {
    this.#world = world;
    this.#meetings = meetings;
    this.#clock = clock;
    this.#random = random;
    const [one, other] = world.organizations;
    const local = (address: string) => address.slice(0, address.indexOf('@'));
    const twins = new Map(other?.mailboxes.map(({ address }) => [local(address), address]));
    this.#everybody = (one?.mailboxes ?? []).flatMap(({ address }) => {
      const twin = twins.get(local(address));
      return twin === undefined ? [] : [[address, twin] as const];
    });
  }

  /**
   * @param people who take part: the first so many that are in both organizations.
   * @param restSeconds nobody touches an event again before its last change had time to arrive, so that each change is told from the next.
   * @throws RangeError when nobody is.
   */
  async run({
    perSecond,
    seconds,
    people,
    restSeconds,
  }: {
    readonly perSecond: number;
    readonly seconds: number;
    readonly people: number;
    readonly restSeconds: number;
  }): Promise<void> {
    this.#restMs = restSeconds * 1000;
    this.#pairs = this.#everybody.slice(0, people);
    this.#done = [];
    this.#events = [];
    if (this.#pairs.length === 0) throw new RangeError('nobody has a mailbox in both organizations');
    const beganMs = this.#clock.monotonicMs();
    const due = () => Math.min(seconds * perSecond, ((this.#clock.monotonicMs() - beganMs) / 1000) * perSecond);
    for (let done = 0; done < Math.floor(seconds * perSecond); ) {
      for (; done < due(); done++) this.#act();
      await this.#clock.sleep(tickMs, new AbortController().signal);
    }
  }

  /** Of the last run; what is lost and duplicated is that of all. */
  report(): CalendarLoadReport {
    const first = this.#done[0]?.sequence ?? 0;
    const written = new Map<string, { readonly sequence: number; readonly atMs: number }[]>();
    for (const { identity, mailbox, caller, sequence, atMs } of this.#world.journal.since(first)) {
      if (identity === undefined || caller === 'people' || caller === 'server') continue;
      const key = `${mailbox} ${identity}`;
      const list = written.get(key) ?? [];
      if (list.length === 0) written.set(key, list);
      list.push({ sequence, atMs });
    }
    const lags = this.#done.map(({ deed, atMs, sequence, identity, twin }) => {
      const arrived = written.get(`${twin} ${identity}`)?.find((entry) => entry.sequence > sequence);
      const to = must(this.#world.mailbox(twin), 'a twin').organization.name;
      return { deed, to, ms: arrived === undefined ? null : arrived.atMs - atMs };
    });
    return { changes: this.#done.length, lags, ...this.#compare() };
  }

  /** Both calendars of everybody who took part. */
  #compare(): { readonly lost: number; readonly duplicated: number } {
    let [lost, duplicated] = [0, 0];
    for (const [one, other] of this.#took) {
      const [left, right] = [this.#identities(one), this.#identities(other)];
      for (const identity of new Set([...left.keys(), ...right.keys()])) {
        const [l, r] = [left.get(identity) ?? 0, right.get(identity) ?? 0];
        if (l === 0 || r === 0) lost++;
        if (l > 1 || r > 1) duplicated++;
      }
    }
    return { lost, duplicated };
  }

  #identities(address: string): ReadonlyMap<string, number> {
    const counts = new Map<string, number>();
    const mailbox = this.#world.mailbox(address);
    for (const item of mailbox?.folder('calendar').items() ?? []) {
      const identity = cleanIdOf(item.content);
      if (identity !== null) counts.set(identity, (counts.get(identity) ?? 0) + 1);
    }
    return counts;
  }

  #act(): void {
    const deed = this.#choose();
    const nowMs = this.#clock.nowMs();
    const rested = this.#events.filter(
      (e) => !e.item.gone && nowMs - e.touchedMs > this.#restMs && (!deed.endsWith('-occurrence') || e.isSeries),
    );
    const event = rested[this.#random.int(Math.max(1, rested.length))];
    if (event === undefined || deed.startsWith('book')) this.#book(deed === 'book-series');
    else this.#change(deed, event);
  }

  #choose(): Deed {
    let at = this.#random.int(100);
    for (const deed of deedNames) {
      at -= calendarMix[deed];
      if (at < 0) return deed;
    }
    return 'book';
  }

  #book(isSeries: boolean): void {
    const pair = must(this.#pairs[this.#random.int(this.#pairs.length)], 'a person');
    this.#took.add(pair);
    const [address, twin] = this.#random.int(2) === 0 ? pair : [pair[1], pair[0]];
    const mailbox = must(this.#world.mailbox(address), 'a mailbox of the organization');
    const day = firstDayNumber + this.#random.int(60);
    const startMs = day * 24 * hourMs + (8 + this.#random.int(9)) * hourMs;
    const sequence = this.#world.journal.length;
    const item = new Person(this.#meetings, mailbox).book(
      {
        subject: `Appointment ${++this.#number}`,
        body: 'Agenda follows.',
        startMs,
        endMs: startMs + hourMs / 2,
        ...(isSeries
          ? { recurrence: { pattern: { kind: 'daily', interval: 1 }, range: { kind: 'count', count: 10 } } }
          : {}),
      },
      'SendToNone',
    );
    this.#events.push({ item, twin, isSeries, touchedMs: this.#clock.nowMs() });
    this.#remember(isSeries ? 'book-series' : 'book', item, twin, sequence);
  }

  #change(deed: Deed, event: Booked): void {
    const { item, twin } = event;
    const person = new Person(this.#meetings, item.folder.mailbox);
    const sequence = this.#world.journal.length;
    const subject: Change = { subject: `Appointment ${++this.#number}` };
    event.touchedMs = this.#clock.nowMs();
    this.#remember(deed, item, twin, sequence);
    switch (deed) {
      case 'move': {
        const startMs = (firstDayNumber + this.#random.int(60)) * 24 * hourMs + (8 + this.#random.int(9)) * hourMs;
        person.change(item, event.isSeries ? subject : { startMs, endMs: startMs + hourMs }, null, 'SendToNone');
        return;
      }
      case 'edit-occurrence':
        person.change(item, subject, this.#someDay(item), 'SendToNone');
        return;
      case 'delete-occurrence':
        person.remove(item, this.#someDay(item), 'SendToNone');
        return;
      case 'delete':
        person.remove(item, null, 'SendToNone');
        return;
      default:
        person.change(item, subject, null, 'SendToNone');
    }
  }

  #someDay({ content }: Item): Day {
    const startMs = startMsOf(content);
    const days = showingsBetween(content, startMs, startMs + 30 * 24 * hourMs).flatMap(({ day }) => day ?? []);
    return must(days[this.#random.int(days.length)], 'a series has days');
  }

  #remember(deed: Deed, item: Item, twin: string, sequence: number): void {
    const identity = must(cleanIdOf(item.content), 'an appointment has an identity');
    this.#done.push({ deed, atMs: this.#clock.nowMs(), sequence, identity, twin });
  }
}
