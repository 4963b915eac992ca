import type { Context } from '#connectors/contract.ts';
import type { Directory, DirectoryScope } from '#connectors/directory/contract.ts';
import { parseFilter } from '#connectors/directory/ldap/ldap-filter.ts';
import type { Clock } from '#kit/clock.ts';
import { attributeName, wantedAttributes } from '#model/directory/attribute-rows.ts';
import type { ObjectGuid } from '#model/directory/directory-object.ts';
import type { BySide, DirectorySyncPolicy } from '#model/directory/sync-policy.ts';
import type { DirectoryCommit } from '#store/directory-records.ts';
import type { Claim, Store } from '#store/store.ts';
import { PassInterrupted } from '../pass/pass-core.ts';
import { attributesOfFilter } from './matches-filter.ts';

export const sides = ['left', 'right'] as const;

/** One end of a sync. */
export interface DirectoryEnd {
  readonly directory: Directory;
  /** Name of the organization in the project. */
  readonly organization: string;
  readonly kind: 'ad' | 'entra';
  readonly scope: DirectoryScope;
}

/** What a pass over a directory sync is given. */
export interface DirectoryServices {
  readonly store: Store;
  readonly ends: BySide<DirectoryEnd>;
  readonly policy: DirectorySyncPolicy;
  readonly clock: Clock;
  /** No request is on its way longer than this. */
  readonly requestDeadlineMs: number;
  /** Other syncs of the project that have the same target. */
  readonly others?: readonly string[];
  /** Left objects whose addresses a switch is turning round at the moment. */
  readonly switching?: () => Promise<ReadonlySet<ObjectGuid>>;
  readonly progress?: (done: number, due: number) => void;
  /** Aborted: end between two batches. The pass's own signal ends it in the middle of a request. */
  readonly draining?: AbortSignal;
}

/** What the steps of one pass share. */
export interface DirectoryContext extends DirectoryServices {
  readonly sync: string;
  readonly pass: number;
  readonly claim: Claim | null;
  readonly signal: AbortSignal;
  /** What is asked of each side: the attribute table's, and what match rules, transforms, filters and the mark need. */
  readonly wanted: BySide<readonly string[]>;
  /** Between two batches. */
  checkpoint(): void;
  /** A fresh deadline for one call. */
  call(): Context;
  commit(commit: DirectoryCommit): Promise<readonly number[]>;
}

export function openContext(
  services: DirectoryServices,
  pass: number,
  claim: Claim | null,
  signal: AbortSignal,
): DirectoryContext {
  const { store, policy, clock, requestDeadlineMs, ends, draining } = services;
  return {
    ...services,
    sync: policy.sync,
    pass,
    claim,
    signal,
    wanted: { left: wantedOf(policy, ends.left.scope), right: wantedOf(policy, ends.right.scope) },
    checkpoint() {
      signal.throwIfAborted();
      if (draining?.aborted) throw new PassInterrupted(`the sync ${policy.sync} is to end here`);
    },
    call: () => ({ signal, deadlineMs: clock.monotonicMs() + requestDeadlineMs }),
    commit: (commit) => store.commitDirectory(policy.sync, claim, commit),
  };
}

/** Attributes that rules of the project name and the table does not have are asked for as they are written. */
function wantedOf(policy: DirectorySyncPolicy, { filter }: DirectoryScope): readonly string[] {
  const named = [
    ...policy.match.flatMap((rule) => (rule.by === 'attribute' ? [rule.left, rule.right] : [])),
    ...Object.entries(policy.attributes).flatMap(([name, rule]) => [
      name,
      ...(rule.flow !== 'set'
        ? []
        : rule.value.kind === 'map'
          ? [rule.value.from]
          : rule.value.kind === 'csv'
            ? [rule.value.key]
            : rule.value.kind === 'template'
              ? namesIn(rule.value.template)
              : []),
    ]),
    ...policy.addresses.left.flatMap(namesIn),
    ...policy.addresses.right.flatMap(namesIn),
    ...(policy.mark === null ? [] : [policy.mark]),
    ...(filter === null ? [] : attributesOfFilter(parseFilter(filter))),
  ];
  return [...new Set([...wantedAttributes, ...named.map((name) => attributeName(name) ?? name)])];
}

const namesIn = (template: string): readonly string[] =>
  [...template.matchAll(/\{([A-Za-z][A-Za-z0-9-]*)/g)].map(([, name = '']) => name);
