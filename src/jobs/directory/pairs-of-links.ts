import type { DirectoryObject, DistinguishedName, ObjectGuid } from '#model/directory/directory-object.ts';
import { primarySmtp } from '#model/directory/proxy-address.ts';
import { recipientType } from '#model/directory/recipient-type.ts';
import type { Side } from '#model/ids.ts';
import { type DirectoryServices, openContext } from './directory-context.ts';
import { openReach } from './reach.ts';
import { allLinks } from './read-changes.ts';

const BATCH = 500;

/** Which linked people are pairs of a collection. */
export interface PairChoice {
  readonly collection: string;
  readonly under: readonly DistinguishedName[];
  readonly memberOf: readonly DistinguishedName[];
  readonly attributes: Readonly<Record<string, string>>;
  readonly kinds: readonly ('person' | 'shared' | 'resource')[];
  readonly collision: 'refuse' | 'first';
}

export interface FoundPair {
  readonly source: string;
  readonly target: string;
  readonly active: Side;
}

export interface LeftOutPair {
  readonly source: string;
  readonly target: string;
  readonly why: string;
}

/** The pairs of one collection: both ends of each link that fits, by their own primary addresses. */
export async function pairsOfLinks(
  services: DirectoryServices,
  choice: PairChoice,
  signal: AbortSignal,
): Promise<readonly FoundPair[]> {
  const context = openContext(services, 0, null, signal);
  const { left, right } = services.ends;
  const reach = await openReach(
    left.directory,
    { under: choice.under, filter: null, memberOf: choice.memberOf },
    context,
  );
  const pairs: FoundPair[] = [];
  let batch: { left: ObjectGuid; right: ObjectGuid; home: Side }[] = [];
  const flush = async () => {
    const lefts = await left.directory.read(
      batch.map((link) => link.left),
      [...context.wanted.left, ...Object.keys(choice.attributes)],
      context.call(),
    );
    const rights = await right.directory.read(
      batch.map((link) => link.right),
      context.wanted.right,
      context.call(),
    );
    for (const link of batch) {
      const [source, target] = [lefts.get(link.left), rights.get(link.right)];
      if (!source || !target || !reach.contains(source)) continue;
      const home = link.home === 'left' ? source : target;
      const kind = kindOf(home);
      if (kind === null || !choice.kinds.includes(kind) || !hasValues(source, choice.attributes)) continue;
      const addresses = { source: ownAddress(source), target: ownAddress(target) };
      if (addresses.source === null || addresses.target === null) continue;
      pairs.push({
        source: addresses.source.toLowerCase(),
        target: addresses.target.toLowerCase(),
        active: link.home,
      });
    }
    batch = [];
  };
  for await (const link of allLinks(context)) {
    batch.push(link);
    if (batch.length === BATCH) await flush();
  }
  if (batch.length > 0) await flush();
  return pairs.sort((a, b) => (a.source < b.source ? -1 : 1));
}

/** Both objects of a person have addresses of their own domain; what redirects leads to the other one. */
function ownAddress({ attributes }: DirectoryObject): string | null {
  return attributes['mail']?.[0] ?? primarySmtp(attributes['proxyAddresses'] ?? []);
}

function kindOf(object: DirectoryObject): 'person' | 'shared' | 'resource' | null {
  switch (recipientType(object)) {
    case 'user-mailbox':
    case 'linked-mailbox':
    case 'remote-mailbox':
      return 'person';
    case 'shared-mailbox':
      return 'shared';
    case 'room-mailbox':
    case 'equipment-mailbox':
      return 'resource';
    default:
      return null;
  }
}

const hasValues = ({ attributes }: DirectoryObject, wanted: Readonly<Record<string, string>>): boolean =>
  Object.entries(wanted).every(([name, value]) =>
    Object.entries(attributes).some(
      ([known, values]) =>
        known.toLowerCase() === name.toLowerCase() && values.some((each) => each.toLowerCase() === value.toLowerCase()),
    ),
  );

/**
 * A mailbox is in at most one pair. Of two collections that claim one, neither gets it, or the one that stands first in the project file;
 * `first` holds where the later collection says so.
 *
 * @param claims In the order of the project file, pairs that the file itself names among them.
 */
export function withoutCollisions(
  claims: readonly {
    readonly collection: string;
    readonly organizations: { readonly source: string; readonly target: string };
    readonly collision: 'refuse' | 'first';
    readonly pairs: readonly FoundPair[];
  }[],
): ReadonlyMap<string, { readonly pairs: readonly FoundPair[]; readonly leftOut: readonly LeftOutPair[] }> {
  const owners = new Map<string, { readonly collection: string; readonly pair: FoundPair }[]>();
  const mailboxesOf = (of: (typeof claims)[number], pair: FoundPair) => [
    `${of.organizations.source} ${pair.source}`,
    `${of.organizations.target} ${pair.target}`,
  ];
  for (const of of claims)
    for (const pair of of.pairs)
      for (const mailbox of mailboxesOf(of, pair))
        owners.set(mailbox, [...(owners.get(mailbox) ?? []), { collection: of.collection, pair }]);
  return new Map(
    claims.map((of) => {
      const pairs: FoundPair[] = [];
      const leftOut: LeftOutPair[] = [];
      for (const pair of of.pairs) {
        const rival = mailboxesOf(of, pair)
          .flatMap((mailbox) => (owners.get(mailbox) ?? []).map((owner, at) => ({ mailbox, owner, at })))
          .find(
            ({ mailbox, owner, at }) =>
              owner.pair !== pair &&
              (of.collision === 'refuse' || at < (owners.get(mailbox) ?? []).findIndex((mine) => mine.pair === pair)),
          );
        if (rival === undefined) pairs.push(pair);
        else
          leftOut.push({
            source: pair.source,
            target: pair.target,
            why: `${rival.mailbox.split(' ')[1]} is claimed by ${rival.owner.collection}, too (${rival.owner.pair.source} → ${rival.owner.pair.target})`,
          });
      }
      return [of.collection, { pairs, leftOut }];
    }),
  );
}
