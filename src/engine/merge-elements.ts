import type { AttachmentHead, Attendee } from '#model/appointment.ts';
import type { Side } from '#model/ids.ts';
import type { TypedHead } from '#model/typed-item.ts';
import type { Json } from '#model/typed-link.ts';
import { arrived } from './elements-on-their-way.ts';
import {
  attachmentKey,
  attendeeKey,
  attendeePayload,
  byKey,
  canonicalEntry,
  type ElementBase,
  sameJson,
} from './shown.ts';

/** Element by element: two values of one element that were changed on both sides, and what both are to become. */
export interface ElementClash<E> {
  readonly key: string;
  readonly left: E;
  readonly right: E;
  readonly base: Json | undefined;
}
export interface ElementRules<E> {
  readonly keyOf: (element: E) => string;
  /** What may differ in elements of one key; null: nothing. */
  readonly payload: (element: E) => Json;
  /** The element of one side with the payload of another's: what is the side's own (a display name) stays. */
  readonly take: (own: E, other: E) => E;
  readonly clash: (clash: ElementClash<E>) => { readonly left: E; readonly right: E };
  /** Removed on one side, changed on the other. True: it stays. */
  readonly keepsChanged: (key: string, element: E) => boolean;
  /** See `arrived`. */
  readonly isTakenOut: (element: E, from: Side) => boolean;
}

/**
 * Three-way merge of things that have keys. What one side added, removed or changed since its own snapshot happens on the other; what
 * differs although neither side changed it stays different. Where the base is unknown both are united.
 * @param heads Of the items that hold them.
 */
export function mergeElements<E>(
  left: readonly E[],
  right: readonly E[],
  recorded: { readonly left: ElementBase; readonly right: ElementBase },
  heads: Readonly<Record<Side, Pick<TypedHead, 'version' | 'receipt'>>>,
  rules: ElementRules<E>,
): { readonly left: readonly E[]; readonly right: readonly E[] } {
  const l = byKey(left, rules.keyOf);
  const r = byKey(right, rules.keyOf);
  const base = arrived(recorded, { left: l, right: r }, heads, rules.isTakenOut);
  const merged: { left: E[]; right: E[] } = { left: [], right: [] };
  for (const key of new Set([...l.keys(), ...r.keys()])) {
    const inLeft = l.get(key);
    const inRight = r.get(key);
    if (inLeft !== undefined && inRight !== undefined) {
      const both = mergeBoth(key, inLeft, inRight, base, rules);
      merged.left.push(both.left);
      merged.right.push(both.right);
    } else if (inLeft !== undefined) {
      const fate = fateOfOne(key, inLeft, base.left, base.right, rules);
      if (fate.stays) merged.left.push(inLeft);
      if (fate.spreads) merged.right.push(inLeft);
    } else if (inRight !== undefined) {
      const fate = fateOfOne(key, inRight, base.right, base.left, rules);
      if (fate.stays) merged.right.push(inRight);
      if (fate.spreads) merged.left.push(inRight);
    }
  }
  return merged;
}

function mergeBoth<E>(
  key: string,
  left: E,
  right: E,
  base: { readonly left: ElementBase; readonly right: ElementBase },
  rules: ElementRules<E>,
): { readonly left: E; readonly right: E } {
  const now = { left: rules.payload(left), right: rules.payload(right) };
  if (sameJson(now.left, now.right)) return { left, right };
  const changedLeft = !base.left || !sameJson(now.left, base.left.get(key));
  const changedRight = !base.right || !sameJson(now.right, base.right.get(key));
  if (changedLeft && changedRight) return rules.clash({ key, left, right, base: base.left?.get(key) });
  if (changedLeft) return { left, right: rules.take(right, left) };
  if (changedRight) return { left: rules.take(left, right), right };
  return { left, right };
}

/** Of an element that only one side has: does it stay there, and does the other side get it? */
function fateOfOne<E>(
  key: string,
  element: E,
  ownBase: ElementBase,
  otherBase: ElementBase,
  rules: ElementRules<E>,
): { readonly stays: boolean; readonly spreads: boolean } {
  const removedThere = otherBase?.has(key) ?? false;
  if (!removedThere) return { stays: true, spreads: !(ownBase?.has(key) ?? false) };
  const changed = ownBase !== null && !sameJson(rules.payload(element), ownBase.get(key));
  const kept = changed && rules.keepsChanged(key, element);
  return { stays: kept, spreads: kept };
}

export const setRules = (isTakenOut: ElementRules<string>['isTakenOut']): ElementRules<string> => ({
  keyOf: (element) => element,
  payload: () => null,
  take: (own) => own,
  clash: ({ left, right }) => ({ left, right }),
  keepsChanged: () => false,
  isTakenOut,
});

export const attachmentRules: ElementRules<AttachmentHead> = {
  keyOf: attachmentKey,
  payload: () => null,
  take: (own) => own,
  clash: ({ left, right }) => ({ left, right }),
  keepsChanged: () => false,
  // They follow in requests of their own, and may come out of a server as other bytes.
  isTakenOut: () => false,
};

export type RecordEntry = readonly [key: string, value: unknown];
export const recordRules = (
  clash: (clash: ElementClash<RecordEntry>) => { readonly left: RecordEntry; readonly right: RecordEntry },
): ElementRules<RecordEntry> => ({
  keyOf: ([key]) => key,
  payload: ([, value]) => canonicalEntry(value),
  take: (_, other) => other,
  clash,
  keepsChanged: () => true,
  isTakenOut: () => false,
});

/** @param own Addresses of the person, lower case: they are one attendee, whichever organization wrote the address. */
export const attendeeAlias =
  (own: readonly string[]) =>
  (key: string): string =>
    own.includes(key) ? 'own' : key;

export const attendeeRules = (
  alias: ReturnType<typeof attendeeAlias>,
  clash: (clash: ElementClash<Attendee>) => { readonly left: Attendee; readonly right: Attendee },
  keepsChanged: (key: string, element: Attendee) => boolean,
  isTakenOut: ElementRules<Attendee>['isTakenOut'],
): ElementRules<Attendee> => ({
  keyOf: (a) => alias(attendeeKey(a)),
  payload: attendeePayload,
  take: (mine, other) => ({ ...mine, role: other.role, response: other.response, respondedAt: other.respondedAt }),
  clash,
  keepsChanged,
  // The organizer is in the list or is not, as the server has it.
  isTakenOut: (element, from) => element.response !== 'organizer' && isTakenOut(element, from),
});
