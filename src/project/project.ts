import type { DistinguishedName } from '#model/directory/directory-object.ts';
import type { BySide, DirectorySyncPolicy } from '#model/directory/sync-policy.ts';
import type { PairId, Side } from '#model/ids.ts';
import type { MailPolicy, TypedPolicy } from '#model/policy.ts';
import type { SwitchPolicy } from '#model/switch.ts';
import type { TypedKind } from '#model/typed-item.ts';
import type { Secret } from './secret.ts';
import type { Schedule } from './window.ts';

/** A project as the rest of the program sees it: checked, complete, with every default filled in. */
export interface Project {
  /** Absolute path of the project file. */
  readonly file: string;
  /** Its folder; relative paths in the file count from here. */
  readonly directory: string;
  readonly organizations: ReadonlyMap<string, Organization>;
  readonly collections: ReadonlyMap<string, Collection>;
  readonly store: StoreAddress;
  readonly budget: Budget;
  /** Directory syncs by name, in the order of the file. */
  readonly directories: ReadonlyMap<string, DirectorySync>;
  /** Of all collections, in the order of the file. */
  readonly pairs: readonly ProjectPair[];
}

export type ExchangeVersion = '2000' | '2003' | '2007' | '2010' | '2013' | '2016' | '2019' | 'se' | 'online';

export interface Organization {
  readonly name: string;
  readonly kind: 'exchange';
  readonly protocol: 'ews' | 'webdav' | 'graph';
  /** Address of the service; null: Autodiscover, or for Graph the cloud's own. */
  readonly endpoint: string | null;
  /** Domain or https address that Autodiscover is asked at; null: the domain of each mailbox. */
  readonly autodiscover: string | null;
  /** Oldest version to expect; null: found out. */
  readonly version: ExchangeVersion | null;
  readonly signIn: SignIn;
  readonly impersonation: boolean;
  readonly tls: { readonly caFiles: readonly string[]; readonly min: '1.0' | '1.1' | '1.2' | '1.3' };
  /** Hosts, or `*.domain`, besides the endpoint's own; lower case. */
  readonly redirectHosts: readonly string[];
  /** Where the service can reach this machine; null: mailboxes are asked in turn. */
  readonly notifications: { readonly url: string; readonly host: string; readonly port: number } | null;
  readonly budget: Budget;
  readonly budgetPerMailbox: Budget;
  /** Null: its directory is not worked on. */
  readonly directory: DirectoryAccess | null;
  /** Null: nothing is ever sent there. */
  readonly submission: Submission | null;
}

/** Where mail is submitted that an administrator orders. */
export interface Submission {
  readonly host: string;
  readonly port: number;
  /** `none`: on this machine only. */
  readonly tls: 'implicit' | 'starttls' | 'none';
  readonly from: string;
  readonly user: string | Secret | null;
  readonly password: Secret | null;
}

export type DirectoryAccess =
  | {
      readonly kind: 'ad';
      /** Controllers, the preferred one first: ldaps://, or ldap:// with `startTls`. TLS as the organization's. */
      readonly urls: readonly string[];
      readonly startTls: boolean;
      readonly user: string | Secret;
      readonly password: Secret;
      readonly domains: readonly string[];
    }
  /** Over Graph, with the organization's own sign-in. */
  | {
      readonly kind: 'entra';
      /** Graph of another cloud than the organization's endpoint; null: that one, or the worldwide cloud. */
      readonly endpoint: string | null;
      readonly domains: readonly string[];
    };

/** Two directories that are kept in step. */
export interface DirectorySync {
  readonly name: string;
  /** Names of organizations that have a directory; source is left. */
  readonly source: string;
  readonly target: string;
  readonly policy: DirectorySyncPolicy;
  readonly scope: BySide<{
    readonly under: readonly DistinguishedName[];
    readonly filter: string | null;
    readonly memberOf: readonly DistinguishedName[];
  }>;
  /** Longest time between two passes under `run`. */
  readonly everyMs: number;
}

/** Which people of a directory sync are pairs of a collection. */
export interface DirectoryPairs {
  readonly collection: string;
  readonly sync: string;
  /** Of objects on the source; empty: any. */
  readonly under: readonly DistinguishedName[];
  readonly memberOf: readonly DistinguishedName[];
  readonly attributes: Readonly<Record<string, string>>;
  readonly kinds: readonly ('person' | 'shared' | 'resource')[];
  readonly collision: 'refuse' | 'first';
  /** Where `causeway directory pairs` writes them to, and the project reads them from. */
  readonly file: string;
}

export type SignIn =
  | { readonly method: 'basic' | 'ntlm' | 'forms'; readonly user: string | Secret; readonly password: Secret }
  | {
      readonly method: 'oauth';
      readonly tenant: string;
      readonly clientId: string;
      readonly credential:
        | { readonly clientSecret: Secret }
        /** PEM: the private key by reference, the certificate (chain) as an absolute path. */
        | { readonly key: Secret; readonly chainFile: string };
      /** Null: Entra's own. */
      readonly authority: string | null;
      readonly scope: string | null;
    };

/** Null: what the connector finds right for the server. */
export interface Budget {
  readonly inFlight: number | null;
  readonly requestsPerMinute: number | null;
  readonly bytesPerMinute: number | null;
}

export type StoreAddress =
  | { readonly engine: 'sqlite'; readonly file: string }
  | { readonly engine: 'postgres'; readonly url: string }
  /** The whole address is kept elsewhere, because it holds a password. */
  | { readonly engine: 'referenced'; readonly url: Secret };

export interface Collection {
  readonly name: string;
  /** Names of organizations. */
  readonly source: string;
  readonly target: string;
  readonly content: readonly 'mail'[];
  readonly mail: MailPolicy;
  /** Kinds that are kept in step, besides mail. Where a person works is the pair's own. */
  readonly typed: ReadonlyMap<TypedKind, Omit<TypedPolicy, 'active'>>;
  /** Time within which a change is to be on the other side. */
  readonly lagObjectiveMs: number;
  readonly schedule: Schedule;
  /** Null: its pairs are those that the file names. */
  readonly directoryPairs: DirectoryPairs | null;
  readonly switching: SwitchPolicy;
}

export interface ProjectPair {
  readonly id: PairId;
  readonly collection: string;
  /** Addresses, lower case. */
  readonly source: string;
  readonly target: string;
  /** Where the person works. */
  readonly active: Side;
}

/** One kind of content of one pair: what a pass is about. */
export interface Track {
  readonly pair: ProjectPair;
  readonly kind: 'mail' | TypedKind;
}

type Collections = Pick<Project, 'collections'>;

/** The tracks of pairs, in the order of the pairs; mail first. */
export function tracksOf({ collections }: Collections, pairs: readonly ProjectPair[]): readonly Track[] {
  return pairs.flatMap((pair) => {
    const collection = collections.get(pair.collection);
    return [...(collection?.content ?? []), ...(collection?.typed.keys() ?? [])].map((kind) => ({ pair, kind }));
  });
}

/** What a pass over events, contacts, tasks or notes of a pair is asked for; null: the kind is not kept in step. */
export function typedPolicyOf({ collections }: Collections, pair: ProjectPair, kind: TypedKind): TypedPolicy | null {
  const policy = collections.get(pair.collection)?.typed.get(kind);
  return policy === undefined ? null : { ...policy, active: pair.active };
}
