/** Links of which one side is not there any more. Two passes have to see it, and only objects of ours are ever removed. */

import { attributeRows } from '#model/directory/attribute-rows.ts';
import type { DirectoryLink } from '#model/directory/directory-link.ts';
import type { Attributes, DirectoryObject } from '#model/directory/directory-object.ts';
import { addressKey } from '#model/directory/proxy-address.ts';
import { isMailbox, mayKeepMail, recipientType } from '#model/directory/recipient-type.ts';
import { otherSide } from '#model/directory/sync-policy.ts';
import type { Side } from '#model/ids.ts';
import { withoutType } from './addresses.ts';
import type { DraftEdit } from './draft.ts';
import { nameOf } from './join.ts';
import type { Planner } from './planner.ts';
import { valuesOf } from './values.ts';

/** @returns what has to be done with the link: `keep` as it is, `wait` for the next pass, or it is over and `alive` stands alone. */
export type GoneDecision =
  | { readonly kind: 'keep' }
  | { readonly kind: 'wait' }
  /** `joinAgain`: the object is treated as one that was never linked. */
  | { readonly kind: 'over'; readonly joinAgain: boolean };

/** @param gone Side whose object is not there, or, under `outOfScope: remove`, not in scope. */
export function planGone(planner: Planner, link: DirectoryLink, gone: Side, alive: DirectoryObject): GoneDecision {
  const { input } = planner;
  const side = otherSide(gone);
  const detail = `the object that ${nameOf(alive)} is linked to is gone`;
  if (link.goneSincePass === null || link.goneSincePass >= input.pass) {
    planner.wait(side, alive.guid, 'delete-waits', detail);
    return { kind: 'wait' };
  }
  if (link.made === gone) {
    forget(planner, link, [], `${nameOf(alive)} lost the object that stood for it`);
    return { kind: 'over', joinAgain: true };
  }
  if (link.made === side) return removeOurs(planner, link, side, alive);
  const released = release(planner, link, side, alive);
  forget(planner, link, released === null ? [] : [released], detail);
  planner.wait(side, alive.guid, 'counterpart-deleted', detail);
  return { kind: 'over', joinAgain: false };
}

function removeOurs(planner: Planner, link: DirectoryLink, side: Side, alive: DirectoryObject): GoneDecision {
  const { input } = planner;
  if (!planner.mayWrite(side, alive, true)) {
    planner.wait(side, alive.guid, 'left-scope', `${nameOf(alive)} is ours, but lies where nothing is written`);
    return { kind: 'keep' };
  }
  // Provisioning and a switch make of what stood for somebody the place where that person works.
  if (mayKeepMail(alive) || (alive.kind === 'user' && link.home === side)) {
    planner.wait(side, alive.guid, 'mailbox-stays', `${nameOf(alive)} is ours, and somebody may work there by now`);
    return { kind: 'keep' };
  }
  const { share, atLeast } = input.policy.maxDelete;
  const allowed = Math.max(atLeast, Math.floor(share * input.linked)) - input.removed - planner.removals;
  if (allowed <= 0) {
    planner.held++;
    planner.wait(side, alive.guid, 'deletes-held', `${nameOf(alive)} would be removed`);
    return { kind: 'keep' };
  }
  planner.removals++;
  const draft: DraftEdit = {
    side,
    phase: 'remove',
    makes: null,
    change: { kind: 'remove', guid: alive.guid, version: alive.version },
    dn: alive.dn,
    before: rewritable(alive),
    after: {},
    reason: 'original-gone',
    detail: `${nameOf(alive)} stood for an object that is gone`,
    needs: [],
  };
  planner.drafts.push(draft);
  forget(planner, link, [draft], draft.detail);
  return { kind: 'over', joinAgain: false };
}

/** A mailbox that redirects to somebody who is not there any more would lose its mail. */
function release(planner: Planner, link: DirectoryLink, side: Side, alive: DirectoryObject): DraftEdit | null {
  const [target] = valuesOf(alive.attributes, 'targetAddress');
  if (target === undefined || !isMailbox(recipientType(alive)) || !planner.mayWrite(side, alive, false)) return null;
  const shown = side === 'left' ? link.shownRight : link.shownLeft;
  const wasOfGone = [
    ...valuesOf(shown, 'proxyAddresses'),
    ...valuesOf(shown, 'mail').map((mail) => `smtp:${mail}`),
  ].some((value) => addressKey(value) === addressKey(`smtp:${withoutType(target)}`));
  if (!wasOfGone) return null;
  const draft: DraftEdit = {
    side,
    phase: 'shadow',
    makes: null,
    change: { kind: 'modify', guid: alive.guid, values: { targetAddress: { remove: [target], add: [] } } },
    dn: alive.dn,
    before: { targetAddress: [target] },
    after: {},
    reason: 'no-redirect',
    detail: `${nameOf(alive)} redirects to an object that is gone`,
    needs: [],
  };
  planner.drafts.push(draft);
  return draft;
}

export function forget(planner: Planner, link: DirectoryLink, drafts: DraftEdit[], detail: string): void {
  planner.forget.push({ left: link.left, right: link.right, drafts, detail });
  planner.forgotten.left.add(link.left);
  planner.forgotten.right.add(link.right);
}

/** What an object could be made of again: undo of a removal. */
function rewritable(object: DirectoryObject): Attributes {
  return Object.fromEntries(
    Object.entries(attributeRows).flatMap(([name, row]) => {
      const values = valuesOf(object.attributes, name);
      const isWritten = row.carriage === 'merged' || row.carriage === 'computed';
      return isWritten && values.length > 0 ? [[name, values]] : [];
    }),
  );
}
