import type { Random } from '#kit/random.ts';
import {
  appointments,
  attendeeOf,
  isCancelled,
  isMeeting,
  isOrganizers,
  isReceived,
  isRequest,
} from '#lab/meetings/meeting-view.ts';
import type { Meetings } from '#lab/meetings/meetings.ts';
import { showingsBetween } from '#lab/meetings/occurrences.ts';
import { OutlookClient, Phone } from '#lab/meetings/outlook.ts';
import { Person } from '#lab/meetings/person.ts';
import { isMaster } from '#lab/world/appointment.ts';
import type { Item } from '#lab/world/item.ts';
import type { Mailbox } from '#lab/world/mailbox.ts';
import { Refusal } from '#lab/world/refusal.ts';
import { windowsZone } from '#lab/world/zone.ts';
import type { EventIdentity } from '#model/appointment.ts';
import type { ItemId } from '#model/ids.ts';
import { tokensIn } from '../calendar/ledger.ts';
import type { RivalMove, RivalScene } from '../calendar/rivals.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** The mailboxes of the person whose calendars are kept in step. */
export interface Owner {
  readonly left: Mailbox;
  readonly right: Mailbox;
}

/**
 * Each mailbox of the person has the address of the other one as a proxy address, as the directory sync and calendars.md have it, and one in a routing
 * domain that is its own.
 * @returns the address by which mail leads there from the other organization.
 */
function addressesOf({ left, right }: Owner): (box: Mailbox) => string {
  const routed = (box: Mailbox) => box.address.replace('@', '@route.');
  for (const [box, other] of [
    [left, right],
    [right, left],
  ] as const) {
    const { mailFlow, domain } = box.organization;
    mailFlow.acceptedDomains.set(`route.${domain}`, 'authoritative');
    for (const proxy of [other.address, routed(box)]) mailFlow.addProxy(proxy, box.address);
  }
  return routed;
}

/**
 * Where mail for the person goes: to the mailbox of the organization that it was sent in, or that it is addressed to from elsewhere; all of it to one
 * side, as before and after a switch; or to the target besides. What crosses arrives with all its properties, or as iMIP.
 */
export function directMail({ left, right }: Owner, random: Random): void {
  const flow = (box: Mailbox) => box.organization.mailFlow;
  const routed = addressesOf({ left, right });
  const way = random.int(5);
  if (way === 0) flow(left).setTargetAddress(left.address, routed(right));
  if (way === 1) flow(right).setTargetAddress(right.address, routed(left));
  if (way === 2) flow(left).setForwarding(left.address, { to: routed(right), keepsCopy: true });
  for (const box of [left, right]) flow(box).meetingFormat = random.int(2) === 0 ? 'tnef' : 'icalendar';
}

/** What a calendar shows of its events: as text to compare, and its tokens. */
type Sight = ReadonlyMap<EventIdentity, { readonly shown: string; readonly tokens: ReadonlySet<string> }>;

function look(calendar: RivalScene['left']): Sight {
  const events = new Map<EventIdentity, unknown[]>();
  for (const { identity, item } of calendar.events())
    events.set(identity, [...(events.get(identity) ?? []), [item.fields, item.occurrences, item.deletedDays]]);
  return new Map(
    [...events].map(([identity, items]) => [
      identity,
      { shown: JSON.stringify(items), tokens: new Set(tokensIn(items)) },
    ]),
  );
}

/**
 * Enters into the ledger what a move did to both calendars: what is new was written, and what is not there any more was seen by whoever
 * took it away, since nobody but the move wrote in between.
 */
function watched({ left, right, ledger }: RivalScene, move: () => void): void {
  const calendars = [left, right].map((calendar) => ({ calendar, before: look(calendar), ids: idsIn(calendar) }));
  move();
  for (const { calendar, before, ids } of calendars) {
    const after = look(calendar);
    const there = idsIn(calendar);
    for (const id of ids) if (!there.has(id)) ledger.taken.add(id);
    for (const identity of new Set([...before.keys(), ...after.keys()])) {
      const [was, is] = [before.get(identity), after.get(identity)];
      if (was?.shown === is?.shown) continue;
      ledger.meddled.add(identity);
      // What is true of it now only the lab knows.
      ledger.meetings.delete(identity);
      if (!is) ledger.removed.add(identity);
      for (const token of is?.tokens ?? [])
        if (!ledger.written.has(token)) ledger.written.set(token, `${identity.slice(-8)} on ${calendar.address}`);
      for (const token of was?.tokens ?? []) if (!is?.tokens.has(token)) ledger.dropped.add(token);
    }
  }
}

const idsIn = (calendar: RivalScene['left']): ReadonlySet<ItemId> => new Set(calendar.events().map(({ id }) => id));

/** Everybody with a calendar, and what they and the servers do because of meetings. */
export function labRivals(meetings: Meetings, owner: Owner, random: Random): readonly RivalMove[] {
  const { world } = meetings;
  const sides = [owner.left, owner.right];
  const pick = <T>(list: readonly T[]): T | undefined => list[random.int(Math.max(1, list.length))];
  // Far enough ahead for everything that is booked here.
  for (const organization of world.organizations) {
    const assistant = meetings.assistant(organization);
    assistant.settings = { ...assistant.settings, endWindowDays: 120 };
  }
  const colleagues = world.organizations.flatMap((organization) =>
    organization.mailboxes.flatMap(({ address }) => {
      const box = organization.mailbox(address);
      return box === null || sides.includes(box) ? [] : [box];
    }),
  );
  const own = (box: Mailbox, wanted: (item: Item) => boolean): Item | undefined =>
    pick([...appointments(box)].filter(wanted));
  const invites = (item: Item, whom: readonly Mailbox[]): boolean =>
    whom.some(({ address }) => attendeeOf(item.content, address) !== null);
  /** A meeting of a colleague to which the person is invited. */
  const called = (): readonly [Person, Item] | null => {
    const found = colleagues.flatMap((box) =>
      [...appointments(box)]
        .filter((item) => isOrganizers(item.content) && invites(item, sides))
        .map((item) => [new Person(meetings, box), item] as const),
    );
    return pick(found) ?? null;
  };
  const dayIn = (item: Item) => {
    if (!isMaster(item.content)) return null;
    const { nowMs } = item.folder.mailbox;
    return pick(showingsBetween(item.content, nowMs, nowMs + 120 * DAY_MS))?.day ?? null;
  };
  const guest = ({ address, displayName }: Mailbox) => ({ address, name: displayName });
  const whole = (hours: number, box: Mailbox) => Math.floor(box.nowMs / DAY_MS) * DAY_MS + hours * HOUR_MS;
  const book = (scene: RivalScene, box: Mailbox, guests: readonly Mailbox[]): void => {
    const startMs = whole(24 * (2 + random.int(20)) + 7 + random.int(9), box);
    new Person(meetings, box).book({
      subject: `~${scene.next()}~`,
      location: `~${scene.next()}~`,
      startMs,
      endMs: startMs + (1 + random.int(3)) * (HOUR_MS / 2),
      zone: windowsZone('W. Europe Standard Time') as NonNullable<ReturnType<typeof windowsZone>>,
      attendees: guests.map(guest),
      ...(random.int(3) === 0
        ? {
            recurrence: { pattern: { kind: 'daily', interval: 1 }, range: { kind: 'count', count: 3 + random.int(4) } },
          }
        : {}),
    });
  };
  const answers = ['AcceptItem', 'TentativelyAcceptItem', 'DeclineItem'] as const;
  const answer = (box: Mailbox): void => {
    const request = [...box.folder('inbox').newest()].slice(0, 20).find(isRequest);
    const item = request ?? own(box, ({ content }) => isReceived(content) && !isCancelled(content));
    if (item === undefined) return;
    new Person(meetings, box).answer(item, pick(answers) ?? 'AcceptItem', { send: random.int(5) > 0 });
  };

  const onBothSides: readonly (readonly [string, (scene: RivalScene, box: Mailbox) => void])[] = [
    [
      'the person calls a meeting',
      (scene, box) => {
        const guests = colleagues.filter(() => random.int(2) === 0);
        if (guests.length > 0) book(scene, box, guests);
      },
    ],
    ['the person answers an invitation', (_, box) => answer(box)],
    [
      'the person calls a meeting off',
      (_, box) => {
        const item = own(box, ({ content }) => isOrganizers(content));
        if (item) new Person(meetings, box).remove(item);
      },
    ],
    ['Outlook starts', (_, box) => void OutlookClient.seeded(meetings, box, random).sniff()],
    [
      'Outlook edits a meeting',
      (scene, box) => {
        const item = own(box, ({ content }) => isMeeting(content) && !isCancelled(content));
        if (item)
          OutlookClient.seeded(meetings, box, random).edit(item, { location: `~${scene.next()}~` }, dayIn(item));
      },
    ],
    [
      'Outlook deletes without a word',
      (_, box) => {
        const item = own(box, () => true);
        if (item) new Person(meetings, box).removeSilently(item);
      },
    ],
    [
      'a phone deletes and recreates',
      (scene, box) => {
        const item = own(box, ({ content }) => !isMaster(content));
        if (item) new Phone(meetings, box).recreate(item, { location: `~${scene.next()}~` }, random.int(3) > 0);
      },
    ],
    [
      'the Calendar Repair Assistant works',
      (_, box) => {
        // It goes round once a day, and the Attendant takes seconds: whom it overtakes it mails without us, too.
        meetings.agenda.runDue(box.nowMs + meetings.attendantDelayMs);
        meetings.assistant(box.organization).run();
      },
    ],
  ];
  const elsewhere: readonly RivalMove[] = [
    {
      name: 'a colleague invites the person',
      act(scene) {
        const box = pick(colleagues);
        const who = pick([[owner.left], [owner.right], sides]) ?? sides;
        if (box) book(scene, box, [...who, ...colleagues.filter((one) => one !== box && random.int(3) === 0)]);
      },
    },
    {
      name: 'the organizer changes a meeting',
      act(scene) {
        const [person, item] = called() ?? [];
        if (!person || !item) return;
        const startMs = whole(24 * (2 + random.int(20)) + 7 + random.int(9), person.mailbox);
        const change = pick([
          { subject: `~${scene.next()}~` },
          { location: `~${scene.next()}~` },
          { startMs, endMs: startMs + HOUR_MS },
        ]);
        if (change) person.change(item, change);
      },
    },
    {
      name: 'the organizer changes an occurrence',
      act(scene) {
        const [person, item] = called() ?? [];
        const day = item ? dayIn(item) : null;
        if (!person || !item || day === null) return;
        if (random.int(3) === 0) person.remove(item, day);
        else person.change(item, { location: `~${scene.next()}~` }, day);
      },
    },
    {
      name: 'the organizer takes the person off the list',
      act() {
        const [person, item] = called() ?? [];
        const out = pick(sides);
        if (!person || !item || !out) return;
        const attendees = (item.content.calendar?.attendees ?? []).filter(({ address }) => address !== out.address);
        person.change(item, { attendees }, null, 'SendToChangedAndSaveCopy');
      },
    },
    {
      name: 'the organizer calls a meeting off',
      act() {
        const [person, item] = called() ?? [];
        if (person && item) person.remove(item);
      },
    },
    {
      name: 'a colleague answers',
      act() {
        const box = pick(colleagues);
        if (box) answer(box);
      },
    },
    { name: 'the Calendar Attendant catches up', act: () => void meetings.runDue() },
  ];
  const moves = [
    ...elsewhere,
    ...onBothSides.flatMap(([name, act]) =>
      sides.map(
        (box, at): RivalMove => ({
          name: `${name} on the ${at === 0 ? 'left' : 'right'}`,
          act: (scene) => act(scene, box),
        }),
      ),
    ),
  ];
  return moves.map(({ name, act }) => ({
    name,
    act: (scene) =>
      watched(scene, () => {
        try {
          act(scene);
        } catch (error) {
          // Answering what was cancelled, an occurrence that would cross its neighbour: people meet that too, and leave it.
          if (!(error instanceof Refusal)) throw error;
        }
      }),
  }));
}
