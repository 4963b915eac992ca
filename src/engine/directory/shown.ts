/** What is remembered of the two objects of a link, once they were read back. */

import { attributeName, attributeRow, attributeRows } from '#model/directory/attribute-rows.ts';
import type { DirectoryEdit } from '#model/directory/directory-edit.ts';
import type { DirectoryLink } from '#model/directory/directory-link.ts';
import type { Attributes, DirectoryObject, DistinguishedName } from '#model/directory/directory-object.ts';
import { dnKey, sameDn } from '#model/directory/distinguished-name.ts';
import type { BySide, DirectorySyncPolicy } from '#model/directory/sync-policy.ts';
import { wantedName } from './merge-attributes.ts';
import type { PlannedLink } from './plan.ts';
import { sameValues, valuesOf } from './values.ts';
import type { DirectoryView } from './view.ts';

const remembered: ReadonlySet<string> = new Set(
  Object.entries(attributeRows).flatMap(([name, row]) =>
    row.carriage === 'merged' || row.carriage === 'computed' ? [name] : [],
  ),
);

/** Mapped attributes of an object. References are GUIDs, since a DN that is valid now may name nobody tomorrow. */
function shownOf(policy: DirectorySyncPolicy, object: DirectoryObject, view: DirectoryView): Attributes {
  const named = Object.keys(policy.attributes).map((name) => attributeName(name) ?? name);
  const shown: Record<string, readonly string[]> = {};
  for (const name of new Set([...remembered, ...named])) {
    const values = valuesOf(object.attributes, name);
    if (values.length === 0) continue;
    shown[name] = attributeRow(name)?.syntax === 'dn' ? values.map((dn) => guidOrKey(view, dn)) : values;
  }
  return shown;
}

const guidForm = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

function guidOrKey(view: DirectoryView, dn: string): string {
  // In Entra, which has no DNs, references are GUIDs.
  if (guidForm.test(dn)) return dn.toLowerCase();
  return view.resolved.get(dnKey(dn as DistinguishedName)) ?? dnKey(dn);
}

/** An object as its plan saw it. */
export interface PlannedEnd {
  readonly object: DirectoryObject;
  readonly shown: Attributes;
}

/** @param view As the plan had it: later on DNs name others. */
export const plannedEnd = (policy: DirectorySyncPolicy, object: DirectoryObject, view: DirectoryView): PlannedEnd => ({
  object,
  shown: shownOf(policy, object, view),
});

/** An end, and what was written to it: not what was handed over for somebody else to write, which may never be. */
export interface WrittenEnd extends PlannedEnd {
  readonly written: readonly DirectoryEdit[];
}

/**
 * The link to record after its edits are done and both objects were read back. When one of the edits was refused nothing is recorded: what
 * the link showed before makes the next plan try again.
 *
 * What somebody else changed between the plan and the reading back was carried by nobody. It is recorded as the plan saw it, with the
 * version of then, so that the next plan sees a change. Where the plan has written, what is read back is the server's answer.
 *
 * @param ends Null: the object was made by these edits.
 */
export function linkAfter(
  planned: PlannedLink,
  policy: DirectorySyncPolicy,
  objects: BySide<DirectoryObject>,
  views: BySide<DirectoryView>,
  ends: BySide<WrittenEnd | null>,
): DirectoryLink {
  const of = (side: 'left' | 'right') => {
    const object = objects[side];
    const end = ends[side];
    const now = shownOf(policy, object, views[side]);
    const missed = end === null ? new Map<string, readonly string[]>() : missedBy(end, now, views[side]);
    const isMovedByOthers =
      end !== null && !end.written.some(({ kind }) => kind === 'move') && !sameDn(end.object.dn, object.dn);
    const asked = Object.entries(planned.wanted[side]).filter(
      ([attribute, values]) => !sameValues(values, valuesOf(object.attributes, attribute)),
    );
    const shown = {
      ...now,
      ...Object.fromEntries(missed),
      ...Object.fromEntries(asked.map(([attribute, values]) => [wantedName(attribute), values])),
    };
    return {
      shown: Object.fromEntries(Object.entries(shown).filter(([, values]) => values.length > 0)),
      dn: end !== null && isMovedByOthers ? end.object.dn : object.dn,
      version: end !== null && (isMovedByOthers || missed.size > 0) ? end.object.version : object.version,
    };
  };
  const [left, right] = [of('left'), of('right')];
  return {
    left: objects.left.guid,
    right: objects.right.guid,
    by: planned.by,
    made: planned.made,
    home: planned.home,
    shownLeft: left.shown,
    shownRight: right.shown,
    leftDn: left.dn,
    rightDn: right.dn,
    leftVersion: left.version,
    rightVersion: right.version,
    goneSincePass: planned.goneSincePass,
  };
}

/** Attributes that show something else now than the plan has left there, with what that would be. */
function missedBy(
  { shown, written }: WrittenEnd,
  now: Attributes,
  view: DirectoryView,
): ReadonlyMap<string, readonly string[]> {
  const missed = new Map<string, readonly string[]>();
  for (const name of new Set([...Object.keys(shown), ...Object.keys(now)])) {
    const changes = written.flatMap((edit) => (edit.kind === 'modify' ? (edit.values[name] ?? []) : []));
    if (changes.length > 0 && attributeRow(name)?.syntax !== 'dn') continue;
    const left = new Set(valuesOf(shown, name));
    for (const { remove, add } of changes) {
      for (const dn of remove) left.delete(guidOrKey(view, dn));
      for (const dn of add) left.add(guidOrKey(view, dn));
    }
    if (!sameValues([...left], valuesOf(now, name))) missed.set(name, [...left]);
  }
  return missed;
}
