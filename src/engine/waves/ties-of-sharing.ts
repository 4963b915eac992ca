/** What mailboxes and directories say of who works in whose mailbox, as ties of people. */
import type { Tie, TieReason } from './propose-waves.ts';

/** Who may do what in one mailbox. Whoever may is named by an address, in any case, of any form that the organization knows. */
export interface MailboxSharing {
  /** Key of the mailbox among the people. */
  readonly mailbox: string;
  /** For the operator. */
  readonly name: string;
  /** Nobody's own: everybody who may open it works in it. */
  readonly isShared: boolean;
  readonly delegates: readonly string[];
  readonly sendOnBehalf: readonly string[];
  readonly fullAccess: readonly string[];
  readonly folders: readonly { readonly folder: string; readonly who: string; readonly canWrite: boolean }[];
}

/** Somebody who may, and whom no wave can take along. */
export interface OutsideTie {
  readonly mailbox: string;
  readonly who: string;
  readonly reason: TieReason;
  readonly detail: string;
}

export interface Ties {
  readonly ties: readonly Tie[];
  readonly outside: readonly OutsideTie[];
}

/**
 * How much it hurts when two people work in different organizations for a while. What needs the mailbox of the other one open all day
 * weighs more than what a look at a calendar does, which free/busy answers across organizations, too.
 */
const tieWeights = {
  'full-access': 10,
  'shared-mailbox': 8,
  delegate: 6,
  'send-on-behalf': 4,
  /** May change something; only reading is 1. */
  'folder-permission': 3,
} as const satisfies Record<TieReason, number>;
const readingWeight = 1;

/** @param keyOf Key of the person with this address; null: not among the people. */
export function tiesOfSharing(all: readonly MailboxSharing[], keyOf: (address: string) => string | null): Ties {
  const ties: Tie[] = [];
  const outside: OutsideTie[] = [];
  for (const one of all) {
    const add = (who: string, reason: TieReason, weight: number, what: string) => {
      const key = keyOf(who);
      if (key === one.mailbox) return;
      const detail = `${who} ${what} ${one.name}`;
      if (key === null) outside.push({ mailbox: one.mailbox, who, reason, detail });
      else ties.push({ a: one.mailbox, b: key, weight, reason, detail });
    };
    const full: TieReason = one.isShared ? 'shared-mailbox' : 'full-access';
    for (const who of distinct(one.fullAccess)) add(who, full, tieWeights[full], 'may open all of');
    for (const who of distinct(one.delegates)) add(who, 'delegate', tieWeights.delegate, 'is a delegate of');
    for (const who of distinct(one.sendOnBehalf))
      add(who, 'send-on-behalf', tieWeights['send-on-behalf'], 'may send on behalf of');
    for (const [who, folders] of byPerson(one.folders)) {
      const canWrite = folders.some((folder) => folder.canWrite);
      const names = folders.map(({ folder }) => folder).join(', ');
      const reason: TieReason = one.isShared ? 'shared-mailbox' : 'folder-permission';
      const weight = canWrite ? tieWeights[reason] : readingWeight;
      add(who, reason, weight, `may ${canWrite ? 'write in' : 'read'} ${names} of`);
    }
  }
  return { ties, outside };
}

const distinct = (addresses: readonly string[]): readonly string[] => [
  ...new Map(addresses.map((address) => [address.toLowerCase(), address])).values(),
];

function byPerson(folders: MailboxSharing['folders']): ReadonlyMap<string, MailboxSharing['folders']> {
  const people = new Map<string, MailboxSharing['folders'][number][]>();
  for (const folder of folders) {
    const key = folder.who.toLowerCase();
    const list = people.get(key);
    if (list) list.push(folder);
    else people.set(key, [folder]);
  }
  return people;
}
