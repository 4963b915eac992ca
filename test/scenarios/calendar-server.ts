import type { FeedEntry } from '#engine/join-typed-decisions.ts';
import { effectiveOccurrences } from '#formats/occurrences.ts';
import { clockOf } from '#formats/zones/zone-clock.ts';
import { assert, must } from '#kit/assert.ts';
import { isOccurrenceDay } from '#model/expand-recurrence.ts';
import type { FolderId, ItemId, Version } from '#model/ids.ts';
import type { StampText } from '#model/stamp.ts';
import type { TypedEdit, TypedItem } from '#model/typed-item.ts';
import { dayOfWall } from '#model/wall-time.ts';
import type { NewEvent } from './scenario-world.ts';

type Event = TypedItem<'calendar'>;

/** An occurrence is moved neither onto nor across the day of its neighbour, nor into its time. */
function refuseCrossing(before: Event, after: Event): void {
  const { when, recurrence } = after.fields;
  if (recurrence === null || JSON.stringify(timesOf(before)) === JSON.stringify(timesOf(after))) return;
  const clock = clockOf(when.startZone);
  const days = effectiveOccurrences(
    { ...after, fields: { when, recurrence } },
    { from: Date.UTC(2024, 0, 1), until: Date.UTC(2025, 0, 1) },
  );
  const inOrder = [...days].sort((a, b) => (a.day < b.day ? -1 : 1));
  for (const [at, { day, start }] of inOrder.entries()) {
    const previous = inOrder[at - 1];
    const isFree = !previous || (start >= previous.end && dayIn(clock, start) > dayIn(clock, previous.start));
    assert(isFree, `ErrorOccurrenceCrossingBoundary: ${previous?.day} and ${day}`);
  }
}
const dayIn = (clock: ReturnType<typeof clockOf>, instant: number) => dayOfWall(clock.toWall(instant));
const timesOf = ({ fields, occurrences, deletedDays }: Event) => [
  fields.when,
  fields.recurrence,
  occurrences.map(({ day, overrides }) => [day, overrides.when]),
  deletedDays,
];

/** The smallest calendar server that behaves like Exchange where a merge can tell. Times are steps of a counter. */
export class CalendarServer {
  readonly items = new Map<ItemId, Event>();
  readonly feed: FeedEntry[] = [];
  writes = 0;
  private readonly name: string;
  private readonly tick: () => number;
  private made = 0;

  /** @param tick The next time; one clock for both servers. */
  constructor(name: string, tick: () => number) {
    this.name = name;
    this.tick = tick;
  }

  create(
    folder: FolderId,
    event: NewEvent,
    stamp: StampText | null,
    like?: Pick<Event, 'occurrences' | 'deletedDays'>,
  ): Event {
    const at = this.tick();
    const item: Event = {
      kind: 'calendar',
      head: {
        id: `${this.name}-${++this.made}` as ItemId,
        version: `${at}` as Version,
        folder,
        itemClass: 'IPM.Appointment',
        identity: event.identity,
        stamp,
        receipt: null,
        searchKey: '',
        sizeBytes: 1000,
        createdAt: at,
        modifiedAt: at,
      },
      fields: event.fields,
      occurrences: like?.occurrences ?? [],
      deletedDays: like?.deletedDays ?? [],
      extras: [],
    };
    this.put(item);
    return item;
  }

  update(id: ItemId, edit: TypedEdit<'calendar'>): Event {
    const before = this.get(id);
    const { recurrence, when, organizer, invited } = edit.set;
    assert(organizer === undefined, 'the organizer of an event cannot be changed');
    assert(!(before.fields.invited && invited === false), 'invitations that were sent stay sent');
    const fields = { ...before.fields, ...edit.set };
    // [MS-OXOCAL] 3.1.4.7.3.5
    const drops = before.fields.recurrence !== null && (recurrence !== undefined || when !== undefined);
    const occurrences = new Map(drops ? [] : before.occurrences.map((o) => [o.day, o]));
    const deletedDays = new Set(drops ? [] : before.deletedDays);
    for (const entry of edit.occurrences) {
      assert(
        fields.recurrence && isOccurrenceDay(fields.recurrence, entry.day),
        `ErrorOccurrenceTimeSpanTooBig: no occurrence on ${entry.day}`,
      );
      assert(!deletedDays.has(entry.day), `ErrorItemNotFound: the occurrence of ${entry.day} was deleted`);
      occurrences.delete(entry.day);
      if (entry.do === 'delete') deletedDays.add(entry.day);
      else occurrences.set(entry.day, { day: entry.day, overrides: entry.overrides });
    }
    const item = this.handedOut({
      ...before,
      head: { ...before.head, receipt: edit.receipt ?? before.head.receipt },
      fields,
      occurrences: [...occurrences.values()].sort((a, b) => (a.day < b.day ? -1 : 1)),
      deletedDays: [...deletedDays].sort(),
    });
    refuseCrossing(before, item);
    this.put(item);
    return item;
  }

  /** A move is a delete and a create in the feed, and the id is new. */
  move(id: ItemId, folder: FolderId): Event {
    const before = this.get(id);
    this.delete(id);
    const item = { ...before, head: { ...before.head, id: `${this.name}-${++this.made}` as ItemId, folder } };
    this.put(item);
    return this.get(item.head.id);
  }

  delete(id: ItemId): void {
    this.get(id);
    this.writes++;
    this.items.delete(id);
    this.feed.push({ kind: 'delete', id });
  }

  touch(id: ItemId): void {
    this.put(this.get(id));
  }

  get(id: ItemId): Event {
    return must(this.items.get(id), `ErrorItemNotFound: ${id}`);
  }

  private put(item: Event): void {
    const at = this.tick();
    const stored = { ...item, head: { ...item.head, version: `${at}` as Version, modifiedAt: at } };
    this.writes++;
    this.items.set(stored.head.id, stored);
    this.feed.push({ kind: 'upsert', head: stored.head });
  }

  /** Values that are the series' are not handed out as the occurrence's own. */
  private handedOut(item: Event): Event {
    const series = item.fields as unknown as Readonly<Record<string, unknown>>;
    return {
      ...item,
      occurrences: item.occurrences.map(({ day, overrides }) => ({
        day,
        overrides: Object.fromEntries(
          Object.entries(overrides).filter(
            ([field, value]) => field === 'when' || JSON.stringify(value) !== JSON.stringify(series[field]),
          ),
        ),
      })),
    };
  }
}
