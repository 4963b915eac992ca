/**
 * Attributes that name other objects: members, managers, delegates. The two sides name different objects, so they are compared by way of
 * the links, one reference at a time.
 */
import { attributeRow, attributeRows } from '#model/directory/attribute-rows.ts';
import type { DirectoryObject, DistinguishedName, ObjectGuid } from '#model/directory/directory-object.ts';
import { dnKey } from '#model/directory/distinguished-name.ts';
import { type BySide, otherSide } from '#model/directory/sync-policy.ts';
import type { Side } from '#model/ids.ts';
import type { AttributeNote, MergeInput } from './merge-attributes.ts';
import { ruleOf } from './merge-attributes.ts';
import { valuesOf } from './values.ts';

const referenceAttributes = Object.entries(attributeRows).flatMap(([name, row]) =>
  row.carriage === 'merged' && row.syntax === 'dn' ? [name] : [],
);

/** Who may send, or may not: in part it would let through, or stop, the wrong people. */
const restrictions: ReadonlySet<string> = new Set(['authOrig', 'unauthOrig', 'dLMemSubmitPerms', 'dLMemRejectPerms']);

export interface ReferenceEdit {
  readonly side: Side;
  readonly attribute: string;
  /** DNs to take away, as the server writes them. */
  readonly remove: readonly string[];
  /** Objects to add, of the same side. */
  readonly add: readonly ObjectGuid[];
}

export interface ReferenceInput extends Omit<MergeInput, 'attributes'> {
  readonly objects: BySide<Pick<DirectoryObject, 'attributes'>>;
  /** GUID of a DN; null: it names nothing that is there. */
  resolve(side: Side, dn: DistinguishedName): ObjectGuid | null;
  /** The same person on the other side, made in this plan or before; null: nobody. */
  counterpart(side: Side, guid: ObjectGuid): ObjectGuid | null;
}

interface Reference {
  readonly dn: string;
  readonly guid: ObjectGuid | null;
  /** GUID of the counterpart on the other side. */
  readonly other: ObjectGuid | null;
  readonly wasShown: boolean;
}

export function mergeReferences(input: ReferenceInput): {
  readonly edits: readonly ReferenceEdit[];
  readonly notes: readonly AttributeNote[];
} {
  const edits: ReferenceEdit[] = [];
  const notes: AttributeNote[] = [];
  for (const attribute of referenceAttributes) {
    const rule = ruleOf(input.policy, attribute);
    const row = attributeRow(attribute);
    if (rule === null || row === null || rule.flow === 'none' || rule.flow === 'set') continue;
    const isThere = (side: Side) =>
      row.of.some((kind) => kind === input.kinds[side]) && !input.lacks[side].has(attribute.toLowerCase());
    if (!isThere('left') || !isThere('right')) continue;
    const found = isOneWay(input, attribute, rule.flow)
      ? follow(input, attribute)
      : row.multi
        ? mergeLists(input, attribute)
        : mergeOne(input, attribute);
    edits.push(...found.edits.filter(({ side, add, remove }) => input.writes[side] && add.length + remove.length > 0));
    notes.push(...found.notes.filter(({ side }) => input.writes[side]));
  }
  return { edits, notes };
}

function isOneWay({ writes, home }: ReferenceInput, attribute: string, flow: 'merge' | 'home' | 'fill'): boolean {
  return restrictions.has(attribute) || flow !== 'merge' || !writes[home];
}

interface Found {
  readonly edits: readonly ReferenceEdit[];
  readonly notes: readonly AttributeNote[];
}

function referencesOf(input: ReferenceInput, side: Side, attribute: string): readonly Reference[] {
  const shown = new Set(valuesOf(input.shown?.[side] ?? {}, attribute));
  return valuesOf(input.objects[side].attributes, attribute).map((dn) => {
    const guid = input.resolve(side, dn as DistinguishedName);
    return {
      dn,
      guid,
      other: guid === null ? null : input.counterpart(side, guid),
      wasShown: (guid !== null && shown.has(guid)) || shown.has(dnKey(dn)),
    };
  });
}

function leftOut(side: Side, attribute: string, references: readonly Reference[]): readonly AttributeNote[] {
  const missing = references.filter(({ other }) => other === null).map(({ dn }) => dn);
  if (missing.length === 0) return [];
  return [
    {
      side: otherSide(side),
      attribute,
      outcome: attribute === 'member' ? 'members-left-out' : 'reference-left-out',
      values: missing,
    },
  ];
}

/** A list that both sides may change. References that have no counterpart are nobody’s business but their own side’s. */
function mergeLists(input: ReferenceInput, attribute: string): Found {
  const both = { left: referencesOf(input, 'left', attribute), right: referencesOf(input, 'right', attribute) };
  const edits: ReferenceEdit[] = [];
  const remove: BySide<string[]> = { left: [], right: [] };
  const add: BySide<ObjectGuid[]> = { left: [], right: [] };
  for (const side of ['left', 'right'] as const) {
    const other = otherSide(side);
    const present = new Set(both[other].map(({ guid }) => guid));
    const shownThere = new Set(valuesOf(input.shown?.[other] ?? {}, attribute));
    for (const reference of both[side]) {
      if (reference.other === null || present.has(reference.other)) continue;
      // Shown on both sides, and gone from the other one: it was taken away there.
      if (reference.wasShown && shownThere.has(reference.other)) remove[side].push(reference.dn);
      else add[other].push(reference.other);
    }
  }
  for (const side of ['left', 'right'] as const) edits.push({ side, attribute, remove: remove[side], add: add[side] });
  const shadow = otherSide(input.home);
  return { edits, notes: leftOut(otherSide(shadow), attribute, both[input.home]) };
}

/** One reference that both sides may change. */
function mergeOne(input: ReferenceInput, attribute: string): Found {
  const { home, policy } = input;
  const at = { left: referencesOf(input, 'left', attribute)[0], right: referencesOf(input, 'right', attribute)[0] };
  const isSame =
    (at.left === undefined && at.right === undefined) ||
    (at.left !== undefined && at.left.other !== null && at.left.other === at.right?.guid);
  if (isSame) return { edits: [], notes: [] };
  const hasChanged = (side: Side) =>
    input.shown !== null &&
    (at[side] === undefined ? valuesOf(input.shown[side], attribute).length > 0 : !at[side].wasShown);
  const from: Side | null =
    input.shown === null
      ? at[home] === undefined
        ? otherSide(home)
        : home
      : hasChanged('left') && hasChanged('right')
        ? policy.conflict === 'active'
          ? home
          : policy.conflict === 'source'
            ? 'left'
            : 'right'
        : hasChanged('left')
          ? 'left'
          : hasChanged('right')
            ? 'right'
            : // Left out before, because nobody stood for it then.
              at[home]?.other != null
              ? home
              : null;
  if (from === null) return { edits: [], notes: [] };
  const to = otherSide(from);
  const source = at[from];
  if (source !== undefined && source.other === null) return { edits: [], notes: leftOut(from, attribute, [source]) };
  const there = at[to];
  // Somebody whom nobody stands for is not taken away because the other side cannot name them.
  if (source === undefined && there !== undefined && there.other === null && input.shown === null)
    return { edits: [], notes: [] };
  return {
    edits: [
      {
        side: to,
        attribute,
        remove: there === undefined ? [] : [there.dn],
        add: source?.other == null ? [] : [source.other],
      },
    ],
    notes:
      there !== undefined && hasChanged(to)
        ? [{ side: to, attribute, outcome: 'both-changed', values: [there.dn] }]
        : [],
  };
}

/** From home to the shadow only. What the shadow names beside that and home never named stays. */
function follow(input: ReferenceInput, attribute: string): Found {
  const { home } = input;
  const shadow = otherSide(home);
  const row = attributeRow(attribute);
  const here = referencesOf(input, home, attribute);
  const there = referencesOf(input, shadow, attribute);
  if (restrictions.has(attribute) && here.some(({ other }) => other === null))
    return {
      edits: [],
      notes: [
        {
          side: shadow,
          attribute,
          outcome: 'restriction-incomplete',
          values: here.filter(({ other }) => other === null).map(({ dn }) => dn),
        },
      ],
    };
  const present = new Set(there.map(({ guid }) => guid));
  const wanted = new Set(here.flatMap(({ other }) => (other === null ? [] : [other])));
  const shownHere = new Set(valuesOf(input.shown?.[home] ?? {}, attribute));
  const add = [...wanted].filter((guid) => !present.has(guid));
  const remove = there.filter(
    ({ guid, other }) =>
      guid !== null &&
      !wanted.has(guid) &&
      (row?.multi === false
        ? add.length > 0 || (other !== null && shownHere.has(other))
        : other !== null && shownHere.has(other)),
  );
  return {
    edits: [{ side: shadow, attribute, remove: remove.map(({ dn }) => dn), add }],
    notes: leftOut(home, attribute, here),
  };
}
