/** Typed rows of the contract ↔ rows of the tables. */
import type { Selectable } from 'kysely';
import type { EventIdentity } from '#model/appointment.ts';
import type { FolderId, ItemId, LinkId, Side, Version } from '#model/ids.ts';
import type { StampKey } from '#model/stamp.ts';
import type { Json, LinkEnd, Shown, TypedIntentRow, TypedLinkRow, UnlinkedRow } from '#model/typed-link.ts';
import { linkStates } from './codecs.ts';
import { unpackKey, uuidText } from './hashes.ts';
import type { Tables } from './tables.ts';

type Row<Name extends keyof Tables> = Selectable<Tables[Name]>;
type Entries = Readonly<Record<string, Json>>;
/** What makes one record of another: entries that differ, and names that go. */
type Difference = readonly [set: Entries, without: readonly string[]];

const sides = ['left', 'right'] as const satisfies readonly Side[];
export const sideNumber = (side: Side): number => sides.indexOf(side);

const nothing: Shown = { fields: {}, occurrences: {} };
/** An event of which nobody said more than subject and time, its body empty. Stored snapshots rest on it: it is never changed. */
const usualEvent: Shown = {
  fields: {
    location: '',
    body: '#12ae32cb1ec02d01eda3581b127c1fee',
    reminder: 15,
    showAs: 'busy',
    sensitivity: 'normal',
    importance: 'normal',
    categories: [],
    attendees: {},
    attachments: [],
    myResponse: 'none',
    myResponseAt: null,
    recurrence: null,
    responseRequested: true,
    allowNewTimeProposal: true,
    stateFlags: 0,
    invited: false,
    sequence: 0,
    ownerCriticalChangeAt: null,
    attendeeCriticalChangeAt: null,
    intendedShowAs: null,
  },
  occurrences: {},
};
/** What a snapshot is written as a difference from, by the digit that it begins with. */
const usuals = [nothing, usualEvent] as const;

/** A digit that says from what, and the difference: snapshots keep only what differs from the usual, which is little for most. */
export function writeShown(shown: Shown): string {
  const digit = Object.hasOwn(shown.fields, 'showAs') ? 1 : 0;
  return `${digit}${writeDifference(usuals[digit], shown)}`;
}

const readShown = (text: string): Shown => readDifference(usuals[Number(text[0])] ?? nothing, text.slice(1));

/** What the other side shows, as what differs: two copies of one item show the same but for what their servers make of it. */
export const writeDifference = (from: Shown, to: Shown): string =>
  JSON.stringify([
    difference(from.fields, to.fields),
    difference(from.occurrences, to.occurrences),
    ...(to.onTheirWay === undefined ? [] : [to.onTheirWay]),
  ]);

function readDifference(from: Shown, text: string): Shown {
  const [fields, occurrences, onTheirWay] = JSON.parse(text) as [Difference, Difference, Shown['onTheirWay']];
  return {
    fields: changed(from.fields, fields),
    occurrences: changed(from.occurrences, occurrences) as Shown['occurrences'],
    ...(onTheirWay === undefined ? {} : { onTheirWay }),
  };
}

function difference(from: Entries, to: Entries): Difference {
  const differs = ([name, value]: [string, Json]) =>
    !Object.hasOwn(from, name) || JSON.stringify(from[name]) !== JSON.stringify(value);
  return [
    Object.fromEntries(Object.entries(to).filter(differs)),
    Object.keys(from).filter((name) => !Object.hasOwn(to, name)),
  ];
}

function changed(from: Entries, [set, without]: Difference): Entries {
  const all = { ...from, ...set };
  return without.length === 0
    ? all
    : Object.fromEntries(Object.entries(all).filter(([name]) => !without.includes(name)));
}

export function readTypedLink(
  row: Row<'typed_link'> & Pick<Row<'typed_snapshot'>, 'seen_left' | 'seen_right'>,
  folder: (no: number) => FolderId,
): TypedLinkRow {
  const seenLeft = readShown(row.seen_left);
  const end = (id: string, folderNo: number, version: string, seen: Shown): LinkEnd => ({
    id: id as ItemId,
    folder: folder(folderNo),
    version: version as Version,
    seen,
  });
  return {
    id: uuidText(row.id) as LinkId,
    identity: row.identity === null ? null : (unpackKey(row.identity) as EventIdentity),
    stampKey: row.stamp_key === null ? null : (unpackKey(row.stamp_key) as StampKey),
    left: end(row.left_id, row.left_folder, row.left_version, seenLeft),
    right: end(row.right_id, row.right_folder, row.right_version, readDifference(seenLeft, row.seen_right)),
    state: linkStates[row.state] ?? 'live',
    goneSincePass: row.gone_pass,
  };
}

export function writeTypedIntent({ stampKey, from, ...rest }: TypedIntentRow): string {
  return JSON.stringify({ ...rest, from: { ...from, seen: writeShown(from.seen) } });
}

export function readTypedIntent(row: Row<'typed_intent'>): TypedIntentRow {
  type From = Omit<TypedIntentRow['from'], 'seen'> & { readonly seen: string };
  const { from, ...rest } = JSON.parse(row.row) as Omit<TypedIntentRow, 'stampKey' | 'from'> & { readonly from: From };
  return { stampKey: unpackKey(row.stamp_key) as StampKey, ...rest, from: { ...from, seen: readShown(from.seen) } };
}

export const readUnlinked = (row: Pick<Row<'unlinked'>, 'side' | 'head'>): UnlinkedRow => ({
  side: sides[row.side] ?? 'left',
  head: JSON.parse(row.head),
});
