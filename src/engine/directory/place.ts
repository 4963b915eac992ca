import type { DistinguishedName } from '#model/directory/directory-object.ts';
import { childDn, isUnder, nameOfDn, pathBelow } from '#model/directory/distinguished-name.ts';
import { otherSide } from '#model/directory/sync-policy.ts';
import type { Side } from '#model/ids.ts';
import type { DraftEdit } from './draft.ts';
import { nameKey } from './names.ts';
import type { Planner } from './planner.ts';

export interface Place {
  readonly dn: DistinguishedName;
  /** Plans the containers on the way that are not there yet. @returns the edits that make them. */
  ensure(): readonly DraftEdit[];
}

/**
 * Container for what stands for the object with this DN; null: nothing is made on the other side.
 *
 * @param home Side of the original.
 */
export function placeOf(planner: Planner, home: Side, dn: DistinguishedName): Place | null {
  const { policy } = planner.input;
  const side = otherSide(home);
  const into = policy.into[side];
  if (into === null) return null;
  const root = policy.roots[home].find((one) => isUnder(dn, one));
  const path = policy.tree === 'mirror' && root !== undefined ? (pathBelow(dn, root) ?? []) : [];
  const containers: DistinguishedName[] = [];
  let at = into;
  for (const above of path) {
    at = childDn(at, /^\s*ou/i.test(above) ? 'OU' : 'CN', nameOfDn(above) ?? '');
    containers.push(at);
  }
  return {
    dn: at,
    ensure: () =>
      containers.flatMap((container) => {
        const placed = planner.containers[side].get(nameKey(container));
        if (placed !== undefined) return [placed];
        if (planner.know.resolve(side, container) !== null) return [];
        const above = containers[containers.indexOf(container) - 1];
        const needs = above === undefined ? undefined : planner.containers[side].get(nameKey(above));
        const draft: DraftEdit = {
          side,
          phase: 'container',
          makes: null,
          change: { kind: 'add', object: 'container', dn: container, attributes: {} },
          dn: container,
          before: {},
          after: {},
          reason: 'container',
          detail: `${container} for what stands for ${dn}`,
          needs: needs === undefined ? [] : [needs],
        };
        planner.containers[side].set(nameKey(container), draft);
        planner.drafts.push(draft);
        return [draft];
      }),
  };
}
