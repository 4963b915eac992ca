import type { EventFields } from '#model/appointment.ts';
import { dropTokens, type Ledger } from './ledger.ts';
import type { SimulatedCalendar, SimulatedEvent } from './simulated-calendar.ts';

/** Both calendars of a person, and what may not get lost in them. */
export interface RivalScene {
  readonly left: SimulatedCalendar;
  readonly right: SimulatedCalendar;
  readonly ledger: Ledger;
  /** Numbers for tokens. */
  next(): number;
  /** Done when the pass that is going on is over, and before another one begins. */
  soon(work: () => void): void;
}

/** Somebody else who writes because of the same event. Does nothing where there is nothing for it to do. */
export interface RivalMove {
  readonly name: string;
  act(scene: RivalScene): void;
}

const lacking = (from: SimulatedCalendar, to: SimulatedCalendar): SimulatedEvent | undefined => {
  const there = new Set(to.events().map((e) => e.identity));
  return from.events().find((e) => !there.has(e.identity));
};

type How = 'as it is' | 'tentatively' | 'with a place of its own';

/** Puts an event of one calendar into the other, where it is missing, as machinery does: same identity, no mark of ours. */
function put(scene: RivalScene, from: SimulatedCalendar, to: SimulatedCalendar, how: How): void {
  const event = lacking(from, to);
  const folder = to.folders()[0];
  if (!event || folder === undefined) return;
  const { fields } = event.item;
  scene.ledger.meddled.add(event.identity);
  const own: Partial<EventFields> =
    how === 'tentatively'
      ? { showAs: 'tentative', stateFlags: 3, myResponse: 'none' }
      : how === 'with a place of its own'
        ? { location: token(scene, `the place of an event on ${to.address}`) }
        : {};
  to.book(folder, { ...fields, ...own }, event.identity);
}

function token(scene: RivalScene, what: string): string {
  const text = `~${scene.next()}~`;
  scene.ledger.written.set(text, what);
  return text;
}

/**
 * A client that knows no change: it deletes and makes the event anew, under the same identity or another.
 * @param isSlow Not in the same moment: the event is missing until the pass that is going on is over.
 */
function recreate(scene: RivalScene, calendar: SimulatedCalendar, sameIdentity: boolean, isSlow = false): void {
  const event = calendar.events()[0];
  if (!event) return;
  const { item } = event;
  scene.ledger.meddled.add(event.identity);
  dropTokens(scene.ledger, item.fields.location);
  if (!sameIdentity) {
    dropTokens(scene.ledger, [item.fields, item.occurrences]);
    scene.ledger.removed.add(event.identity);
  }
  take(scene, calendar, event);
  const location = token(scene, `a recreated event on ${calendar.address}`);
  const subject = sameIdentity ? item.fields.subject : token(scene, `an event recreated anew on ${calendar.address}`);
  const make = () => {
    const id = calendar.book(event.folder, { ...item.fields, location, subject }, sameIdentity ? event.identity : null);
    for (const day of item.deletedDays) calendar.deleteOccurrence(id, day);
    for (const { day, overrides } of item.occurrences) {
      if (sameIdentity) calendar.editOccurrence(id, day, overrides);
    }
  };
  if (isSlow) scene.soon(make);
  else make();
}

function take({ ledger }: RivalScene, calendar: SimulatedCalendar, { id }: SimulatedEvent): void {
  ledger.taken.add(id);
  calendar.remove(id);
}

function edit(scene: RivalScene, calendar: SimulatedCalendar): void {
  const event = calendar.events()[0];
  if (!event) return;
  dropTokens(scene.ledger, event.item.fields.location);
  scene.ledger.meddled.add(event.identity);
  calendar.edit(event.id, { location: token(scene, `a location on ${calendar.address}`) });
}

function discard(scene: RivalScene, calendar: SimulatedCalendar): void {
  const event = calendar.events()[0];
  if (!event) return;
  dropTokens(scene.ledger, [event.item.fields, event.item.occurrences]);
  scene.ledger.removed.add(event.identity);
  take(scene, calendar, event);
}

/** Makes the other copy like the organizer's, the left one, as the Repair Assistant does with time and place. */
function repair({ left, right, ledger }: RivalScene): void {
  for (const event of left.events()) {
    const copy = right.events().find((e) => e.identity === event.identity);
    if (!copy || copy.item.fields.location === event.item.fields.location) continue;
    dropTokens(ledger, copy.item.fields.location);
    ledger.meddled.add(event.identity);
    right.edit(copy.id, { location: event.item.fields.location });
    return;
  }
}

export const rivalMoves: readonly RivalMove[] = [
  {
    name: 'the Calendar Attendant puts a tentative copy on the right',
    act: (s) => put(s, s.left, s.right, 'tentatively'),
  },
  { name: 'the Repair Assistant makes the missing item on the right', act: (s) => put(s, s.left, s.right, 'as it is') },
  { name: 'the Repair Assistant makes the missing item on the left', act: (s) => put(s, s.right, s.left, 'as it is') },
  {
    name: 'a phone books the missing item on the right',
    act: (s) => put(s, s.left, s.right, 'with a place of its own'),
  },
  { name: 'the Repair Assistant corrects the copy on the right', act: repair },
  { name: 'a phone deletes and recreates on the right', act: (s) => recreate(s, s.right, true) },
  { name: 'a phone deletes and recreates on the left', act: (s) => recreate(s, s.left, true) },
  { name: 'a phone deletes on the left and takes its time', act: (s) => recreate(s, s.left, true, true) },
  { name: 'a phone recreates under another identity on the right', act: (s) => recreate(s, s.right, false) },
  { name: 'Outlook edits on the left', act: (s) => edit(s, s.left) },
  { name: 'Outlook edits on the right', act: (s) => edit(s, s.right) },
  { name: 'Outlook deletes on the right', act: (s) => discard(s, s.right) },
];
