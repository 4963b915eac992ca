/** A plan while it is being made: edits in any order, numbered at the end so that nothing refers to what is not there yet. */

import { must } from '#kit/assert.ts';
import type { DirectoryEdit } from '#model/directory/directory-edit.ts';
import type { Attributes, DirectoryKind, DistinguishedName, ObjectGuid } from '#model/directory/directory-object.ts';
import type { Side } from '#model/ids.ts';
import type { DirectoryReason } from './outcomes.ts';
import type { PlannedEdit } from './plan.ts';

/** Order of a plan. Whatever an edit needs is of an earlier phase, or a container above it. */
const phases = {
  container: 0,
  home: 1,
  'add person': 2,
  'add group': 3,
  shadow: 4,
  reference: 5,
  // References name what they refer to by its DN before the move; the directory follows.
  move: 6,
  remove: 7,
} as const;
export type Phase = keyof typeof phases;

export interface DraftEdit {
  readonly side: Side;
  readonly phase: Phase;
  readonly makes: ObjectGuid | null;
  readonly change: DirectoryEdit;
  readonly dn: DistinguishedName;
  readonly before: Attributes;
  readonly after: Attributes;
  readonly reason: DirectoryReason;
  readonly detail: string;
  readonly needs: readonly DraftEdit[];
}

/** How a plan speaks of an object that it makes, before the directory has given it a GUID. */
export function placeholderOf(original: ObjectGuid): ObjectGuid {
  return `made:${original}` as ObjectGuid;
}

export function phaseOfAdd(kind: DirectoryKind): Phase {
  if (kind === 'container') return 'container';
  return kind === 'group' ? 'add group' : 'add person';
}

/** @returns the edits in their order, and the number each draft got. */
export function ordered(drafts: readonly DraftEdit[]): {
  readonly edits: readonly PlannedEdit[];
  readonly numbers: ReadonlyMap<DraftEdit, number>;
} {
  const sorted = drafts
    .map((draft, at) => ({ draft, at }))
    .sort((a, b) => phases[a.draft.phase] - phases[b.draft.phase] || a.at - b.at)
    .map(({ draft }) => draft);
  const numbers = new Map(sorted.map((draft, no) => [draft, no]));
  const edits = sorted.map(({ phase: _, needs, ...edit }, no): PlannedEdit => {
    const numbered = needs.map((draft) => must(numbers.get(draft), 'an edit of the same plan'));
    return { no, ...edit, needs: [...new Set(numbered)].sort((a, b) => a - b) };
  });
  return { edits, numbers };
}

/** The same change with the GUIDs that the directory has given to what was made. */
export function withGuids(change: DirectoryEdit, made: ReadonlyMap<ObjectGuid, ObjectGuid>): DirectoryEdit {
  const real = (guid: ObjectGuid) => made.get(guid) ?? guid;
  const realValue = (value: string) => made.get(value as ObjectGuid) ?? value;
  switch (change.kind) {
    case 'add':
      return {
        ...change,
        attributes: Object.fromEntries(
          Object.entries(change.attributes).map(([name, values]) => [name, values.map(realValue)]),
        ),
      };
    case 'modify':
      return {
        ...change,
        guid: real(change.guid),
        values: Object.fromEntries(
          Object.entries(change.values).map(([name, { remove, add }]) => [name, { remove, add: add.map(realValue) }]),
        ),
      };
    case 'move':
      return { ...change, guid: real(change.guid) };
    case 'remove':
      return change;
  }
}
