import type { TrueEvent } from '#lab/world/ground-truth.ts';

/** How the calendars of two mailboxes differ, by the lab's own memory, series expanded: no code of ours had a hand in it. */
export interface CalendarTruth {
  /** Single events and series that either side has. */
  readonly events: number;
  readonly series: number;
  /** Occurrences that differ from their series, on the source; deleted ones are not counted. */
  readonly exceptions: number;
  /** Events, or occurrences of a series, that are on one side only. */
  readonly lost: number;
  /** Items beyond the first with the same identity, and the same day of a series, in one mailbox. */
  readonly duplicated: number;
  /** Events and occurrences that look different on the two sides. */
  readonly altered: number;
  /** What differs, for a person who looks for the reason, with its count. */
  readonly differences: Readonly<Record<string, number>>;
}

/** One difference, with the items of the lab that it was seen on. */
export interface EventDifference {
  readonly what: string;
  /** Clean global object id. */
  readonly id: string;
  readonly source: readonly string[];
  readonly target: readonly string[];
  /** Of an occurrence. */
  readonly day?: string | null;
  /** What the source and what the target have; not told of what people wrote, since the items may be the user's own samples. */
  readonly values?: readonly unknown[];
}

/**
 * What a person sees and what other programs act on. Left out is what the two sides do not share by design: who is the organizer and
 * what others answered are for each server to know, and a reminder rings on one side only.
 */
const shared = {
  start: ({ startMs }) => startMs,
  end: ({ endMs }) => endMs,
  allDay: ({ allDay }) => allDay,
  subject: ({ subject }) => subject ?? '',
  location: ({ location }) => location ?? '',
  body: ({ bodySha256 }) => bodySha256,
  showAs: ({ busyStatus }) => busyStatus,
  sensitivity: ({ sensitivity }) => sensitivity,
  categories: ({ categories }) => categories.join('\n'),
  attendees: ({ attendees }) => attendees.map((one) => one.split(' ').slice(0, 2).join(' ')).join('\n'),
  attachments: ({ attachments }) => attachments.join('\n'),
  state: ({ state }) => state,
  response: ({ response }) => response,
  sequence: ({ sequence }) => sequence,
  invited: ({ invited }) => invited,
} as const satisfies Readonly<Record<string, (event: TrueEvent) => string | number | boolean>>;

/** What people wrote, and who they are. */
const written: ReadonlySet<string> = new Set(['subject', 'location', 'categories', 'attendees', 'attachments']);

/** @param tell Called with each difference, for a person who looks for the reason. */
export async function compareCalendars(
  source: AsyncIterable<TrueEvent>,
  target: AsyncIterable<TrueEvent>,
  tell: (difference: EventDifference) => void = () => {},
): Promise<CalendarTruth> {
  const [left, right] = await Promise.all([byIdentity(source), byIdentity(target)]);
  const differences: Record<string, number> = {};
  const sum = { events: 0, series: 0, exceptions: 0, lost: 0, duplicated: 0, altered: 0 };
  for (const id of new Set([...left.keys(), ...right.keys()])) {
    const [here, there] = [left.get(id), right.get(id)];
    const note = (what: string, of: Partial<EventDifference> = {}) => {
      differences[what] = (differences[what] ?? 0) + 1;
      tell({ what, id, source: itemsOf(here), target: itemsOf(there), ...of });
    };
    sum.events++;
    if ([...(here ?? there ?? [])].some(([day]) => day !== null)) sum.series++;
    for (const side of [here, there]) {
      const extra = beyondTheFirst(side);
      sum.duplicated += extra.size;
      if (extra.size > 0) note(`twice on the ${side === here ? 'source' : 'target'}`);
    }
    if (here === undefined || there === undefined) {
      sum.lost++;
      note(`not on the ${here === undefined ? 'source' : 'target'}`);
      continue;
    }
    for (const day of new Set([...here.keys(), ...there.keys()])) {
      const [mine, other] = [here.get(day)?.[0], there.get(day)?.[0]];
      if (mine?.isException) sum.exceptions++;
      if (mine === undefined || other === undefined) {
        sum.lost++;
        note(`occurrence not on the ${mine === undefined ? 'source' : 'target'}`, { day });
        continue;
      }
      const unlike = differencesOf(mine, other);
      if (unlike.length > 0) sum.altered++;
      for (const what of unlike)
        note(what, { day, ...(written.has(what) ? {} : { values: [shared[what](mine), shared[what](other)] }) });
    }
  }
  return { ...sum, differences };
}

function differencesOf(source: TrueEvent, target: TrueEvent): readonly (keyof typeof shared)[] {
  // A changed occurrence counts its own updates, also one that was changed to what its series says; what clients go by is the series'.
  const countsItsOwn = source.isException || target.isException;
  return (Object.keys(shared) as (keyof typeof shared)[]).filter(
    (name) => shared[name](source) !== shared[name](target) && !(name === 'sequence' && countsItsOwn),
  );
}

/** Occurrences that are in a calendar without their series are items of their own, a day each; all else is there once. */
function beyondTheFirst(days: ReadonlyMap<string | null, readonly TrueEvent[]> | undefined): ReadonlySet<string> {
  const all = [...(days?.values() ?? [])];
  const whole = new Set(all.flatMap((same) => same.filter(({ isAlone }) => !isAlone)).map(({ itemId }) => itemId));
  const again = all.flatMap((same) =>
    same.filter(({ isAlone }, at) => isAlone && same.some((other, n) => !other.isAlone || n < at)),
  );
  return new Set([...[...whole].slice(1), ...again.map(({ itemId }) => itemId)]);
}

/** The items that an identity has in one mailbox. */
const itemsOf = (days: ReadonlyMap<string | null, readonly TrueEvent[]> | undefined): readonly string[] => [
  ...new Set([...(days?.values() ?? [])].flatMap((events) => events.map(({ itemId }) => itemId))),
];

/** By identity, then by day of the series; null: a single event. */
async function byIdentity(events: AsyncIterable<TrueEvent>) {
  const all = new Map<string, Map<string | null, TrueEvent[]>>();
  for await (const event of events) {
    const days = all.get(event.id) ?? new Map<string | null, TrueEvent[]>();
    if (days.size === 0) all.set(event.id, days);
    const same = days.get(event.day) ?? [];
    if (same.length === 0) days.set(event.day, same);
    same.push(event);
  }
  return all;
}
