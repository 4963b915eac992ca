/** What is remembered of the two objects of a link, once they were read back. */

import { attributeName, attributeRow, attributeRows } from '#model/directory/attribute-rows.ts';
import type { DirectoryLink } from '#model/directory/directory-link.ts';
import type { Attributes, DirectoryObject, DistinguishedName } from '#model/directory/directory-object.ts';
import { dnKey } from '#model/directory/distinguished-name.ts';
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

function guidOrKey(view: DirectoryView, dn: string): string {
  return view.resolved.get(dnKey(dn as DistinguishedName)) ?? dnKey(dn);
}

/**
 * The link to record after its edits are done and both objects were read back. When one of the edits was refused nothing is recorded: what
 * the link showed before makes the next plan try again.
 */
export function linkAfter(
  planned: PlannedLink,
  policy: DirectorySyncPolicy,
  objects: BySide<DirectoryObject>,
  views: BySide<DirectoryView>,
): DirectoryLink {
  const shown = (side: 'left' | 'right'): Attributes => {
    const now = shownOf(policy, objects[side], views[side]);
    const asked = Object.entries(planned.wanted[side]).filter(
      ([attribute, values]) => !sameValues(values, valuesOf(objects[side].attributes, attribute)),
    );
    return { ...now, ...Object.fromEntries(asked.map(([attribute, values]) => [wantedName(attribute), values])) };
  };
  return {
    left: objects.left.guid,
    right: objects.right.guid,
    by: planned.by,
    made: planned.made,
    home: planned.home,
    shownLeft: shown('left'),
    shownRight: shown('right'),
    leftDn: objects.left.dn,
    rightDn: objects.right.dn,
    leftVersion: objects.left.version,
    rightVersion: objects.right.version,
    goneSincePass: planned.goneSincePass,
  };
}
