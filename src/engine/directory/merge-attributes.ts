/** Attributes that are carried: one three-way merge per attribute against what each side showed when it was last read back. */
import { attributeName, attributeRow, attributeRows } from '#model/directory/attribute-rows.ts';
import type { Attributes, DirectoryKind } from '#model/directory/directory-object.ts';
import { type AttributeRule, type BySide, type DirectorySyncPolicy, otherSide } from '#model/directory/sync-policy.ts';
import type { Side } from '#model/ids.ts';
import type { DirectoryOutcome, DirectoryReason } from './outcomes.ts';
import { transformed } from './transforms.ts';
import { sameValues, valuesOf } from './values.ts';

/** How the two objects of a link differ from when they were last read back. Null: they have no common past. */
export interface MergeInput {
  readonly policy: DirectorySyncPolicy;
  readonly home: Side;
  readonly kinds: BySide<DirectoryKind>;
  readonly attributes: BySide<Attributes>;
  readonly shown: BySide<Attributes> | null;
  /** Where may be written at all. */
  readonly writes: BySide<boolean>;
  readonly lacks: BySide<ReadonlySet<string>>;
}

export interface AttributeEdit {
  readonly side: Side;
  readonly attribute: string;
  readonly values: readonly string[];
  readonly reason: DirectoryReason;
}

export interface AttributeNote {
  readonly side: Side;
  readonly attribute: string;
  readonly outcome: DirectoryOutcome;
  readonly values: readonly string[];
}

export interface AttributeMerge {
  readonly edits: readonly AttributeEdit[];
  readonly notes: readonly AttributeNote[];
  /** What the object shows is what it should: nothing that was asked for before is wanted any more. */
  readonly atRest: readonly Pick<AttributeEdit, 'side' | 'attribute'>[];
}

/**
 * What was last asked of an attribute whose value a server made into another one is remembered among the shown values under this name, so
 * that the same is not asked again and again.
 */
export function wantedName(attribute: string): string {
  return `wanted ${attribute}`;
}

/** Whether a server was asked for these values before, and made of them what it shows now. */
export function isAnswered(
  shown: Attributes | null,
  attribute: string,
  wanted: readonly string[],
  current: readonly string[],
): boolean {
  if (shown === null) return false;
  const asked = shown[wantedName(attribute)];
  return asked !== undefined && sameValues(asked, wanted) && sameValues(valuesOf(shown, attribute), current);
}

/** References are merged by way of the links, so they are not among these. */
const carriedRows = Object.entries(attributeRows).flatMap(([name, row]) =>
  row.carriage === 'merged' && row.syntax !== 'dn' ? [name] : [],
);

/** Rule of an attribute in this sync; null: it is not carried. */
export function ruleOf(policy: DirectorySyncPolicy, attribute: string): AttributeRule | null {
  const row = attributeRow(attribute);
  const written = ruleByName(policy, attribute);
  if (row !== null && row.carriage !== 'merged' && written?.flow !== 'set') return null;
  if (row !== null && (row.carriage === 'read' || row.carriage === 'never')) return null;
  return written ?? (row === null ? null : { flow: policy.direction === 'both' ? 'merge' : 'home' });
}

function ruleByName(policy: DirectorySyncPolicy, attribute: string): AttributeRule | null {
  const exact = policy.attributes[attribute];
  if (exact !== undefined) return exact;
  const folded = attribute.toLowerCase();
  return Object.entries(policy.attributes).find(([name]) => name.toLowerCase() === folded)?.[1] ?? null;
}

interface Carried {
  readonly attribute: string;
  readonly rule: AttributeRule;
}

/** Policies do not change, and every pair asks. */
const carriedKnown = new WeakMap<DirectorySyncPolicy, readonly Carried[]>();

/** Attributes that this sync carries, beside references, with their rules. */
function carriedAttributes(policy: DirectorySyncPolicy): readonly Carried[] {
  const known = carriedKnown.get(policy);
  if (known !== undefined) return known;
  const named = Object.keys(policy.attributes).map((name) => attributeName(name) ?? name);
  const made = [...new Set([...carriedRows, ...named])].flatMap((attribute): Carried[] => {
    const rule = attributeRow(attribute)?.syntax === 'dn' ? null : ruleOf(policy, attribute);
    return rule === null || rule.flow === 'none' ? [] : [{ attribute, rule }];
  });
  carriedKnown.set(policy, made);
  return made;
}

export function mergeAttributes(input: MergeInput): AttributeMerge {
  const edits: AttributeEdit[] = [];
  const notes: AttributeNote[] = [];
  const atRest: Pick<AttributeEdit, 'side' | 'attribute'>[] = [];
  for (const { attribute, rule } of carriedAttributes(input.policy)) {
    const found = mergeOne(input, attribute, rule);
    for (const side of ['left', 'right'] as const) {
      const asked = input.shown?.[side][wantedName(attribute)];
      if (asked === undefined || !isAtRest(input, side, attribute, rule)) continue;
      atRest.push({ side, attribute });
    }
    notes.push(...found.notes);
    for (const edit of found.edits) {
      const problem = problemOf(input, edit);
      if (problem === null) edits.push(edit);
      else if (problem !== 'silent') notes.push({ ...edit, outcome: problem });
    }
  }
  return { edits, notes, atRest };
}

function isAtRest({ attributes }: MergeInput, side: Side, attribute: string, rule: AttributeRule): boolean {
  const other = otherSide(side);
  const now = valuesOf(attributes[side], attribute);
  if (rule.flow !== 'set') return sameValues(now, valuesOf(attributes[other], attribute));
  const values = rule.on === side ? transformed(rule.value, attributes[other]) : null;
  return values !== null && sameValues(values, now);
}

/** Why a value cannot be written; `silent`: there is nothing to tell anybody. */
function problemOf(
  { kinds, lacks, writes }: MergeInput,
  { side, attribute, values }: AttributeEdit,
): DirectoryOutcome | 'silent' | null {
  if (!writes[side]) return 'silent';
  const row = attributeRow(attribute);
  if (row !== null && !row.of.some((kind) => kind === kinds[side])) return 'silent';
  if (lacks[side].has(attribute.toLowerCase())) return 'schema-lacks';
  if (row === null) return null;
  if (!row.multi && values.length > 1) return 'too-many-values';
  const sizeOf = (value: string) => (row.syntax === 'binary' ? value.length / 2 : value.length);
  return row.rangeUpper !== null && values.some((value) => sizeOf(value) > (row.rangeUpper ?? 0))
    ? 'value-too-long'
    : null;
}

type One = { readonly edits: readonly AttributeEdit[]; readonly notes: readonly AttributeNote[] };
const nothing: One = { edits: [], notes: [] };

function mergeOne(input: MergeInput, attribute: string, rule: AttributeRule): One {
  const { home, policy, writes } = input;
  const shadow = otherSide(home);
  const now = (side: Side) => valuesOf(input.attributes[side], attribute);
  const before = (side: Side) => (input.shown === null ? null : valuesOf(input.shown[side], attribute));
  const hasChanged = (side: Side) => {
    const was = before(side);
    return was !== null && !sameValues(was, now(side));
  };
  const write = (side: Side, values: readonly string[], reason: DirectoryReason): AttributeEdit => ({
    side,
    attribute,
    values,
    reason,
  });
  const lost = (side: Side, outcome: DirectoryOutcome): readonly AttributeNote[] =>
    now(side).length === 0 ? [] : [{ side, attribute, outcome, values: now(side) }];

  if (rule.flow === 'set') {
    const side = rule.on;
    const values = transformed(rule.value, input.attributes[otherSide(side)]);
    if (values === null || sameValues(values, now(side))) return nothing;
    if (isAnswered(input.shown?.[side] ?? null, attribute, values, now(side))) return nothing;
    return { edits: [write(side, values, 'computed')], notes: hasChanged(side) ? lost(side, 'overwritten') : [] };
  }
  if (sameValues(now('left'), now('right'))) return nothing;
  if (rule.flow === 'fill')
    return now(shadow).length === 0 && (input.shown === null || hasChanged(home) || hasChanged(shadow))
      ? { edits: [write(shadow, now(home), 'attribute')], notes: [] }
      : nothing;
  if (input.shown === null) {
    // What only the shadow knows is not deleted because home never heard of it.
    if (now(home).length === 0)
      return rule.flow === 'merge' ? { edits: [write(home, now(shadow), 'attribute')], notes: [] } : nothing;
    return { edits: [write(shadow, now(home), 'attribute')], notes: lost(shadow, 'no-common-past') };
  }
  const isTwoWay = rule.flow === 'merge' && writes[home];
  if (!hasChanged('left') && !hasChanged('right')) return nothing;
  if (!isTwoWay)
    return isAnswered(input.shown[shadow], attribute, now(home), now(shadow))
      ? nothing
      : {
          edits: [write(shadow, now(home), 'attribute')],
          notes: hasChanged(shadow) ? lost(shadow, 'overwritten') : [],
        };
  if (!hasChanged('left')) return { edits: [write('left', now('right'), 'attribute')], notes: [] };
  if (!hasChanged('right')) return { edits: [write('right', now('left'), 'attribute')], notes: [] };
  const row = attributeRow(attribute);
  if (row?.multi === true) return mergeElements(input.shown, now, attribute);
  const winner = policy.conflict === 'active' ? home : policy.conflict === 'source' ? 'left' : 'right';
  const loser = otherSide(winner);
  return { edits: [write(loser, now(winner), 'attribute')], notes: lost(loser, 'both-changed') };
}

/** Both sides changed a list: what either added is added, what either took away is taken away. */
function mergeElements(shown: BySide<Attributes>, now: (side: Side) => readonly string[], attribute: string): One {
  const merged = new Set<string>();
  for (const side of ['left', 'right'] as const) {
    const other = otherSide(side);
    for (const value of now(side)) {
      const isInBoth = now(other).includes(value);
      if (isInBoth || !valuesOf(shown[other], attribute).includes(value)) merged.add(value);
    }
  }
  const values = [...merged];
  const edits = (['left', 'right'] as const).flatMap((side): readonly AttributeEdit[] =>
    sameValues(values, now(side)) ? [] : [{ side, attribute, values, reason: 'attribute' }],
  );
  return { edits, notes: [] };
}
