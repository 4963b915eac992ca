import { assert } from '#kit/assert.ts';
import type { Random } from '#kit/random.ts';
import { noSamples, readSamples, type Samples } from '../samples/read-samples.ts';
import type { Caller, LabSurroundings, OutboxEntry } from '../seams.ts';
import type { MeetingMachinery } from './calendar-hooks.ts';
import { calendarTruth, snapshot, type TrueEvent, type TrueMailbox } from './ground-truth.ts';
import { Journal } from './journal.ts';
import type { Mailbox } from './mailbox.ts';
import { Organization, type OrganizationOptions, type TypedCounts } from './organization.ts';
import { createPeople, type People } from './people.ts';
import { PostOffice } from './post-office.ts';

export interface WorldOptions {
  readonly organizations: readonly OrganizationOptions[];
  /** Mailboxes of each organization. */
  readonly mailboxes: number;
  /** Items in all mailboxes of the sources together; the other organizations start empty. */
  readonly items: number;
  /** The same of appointments, contacts, tasks and notes. */
  readonly typed?: TypedCounts;
  /** How many organizations are sources, from the first on: each has as much as the others. Default 1. */
  readonly sources?: number;
  readonly seed: number | string;
  /** Folder with `.eml`, `.ics` and `.msg` files, which are mixed into what the seed makes. */
  readonly samplesDir?: string;
  /** MIME is taken apart and put together anew on every export, as Exchange does, with other boundaries each time. */
  readonly rebuildMime?: boolean;
  readonly surroundings: LabSurroundings;
}

/** Everything the lab's servers keep. */
export class World {
  readonly seed: string;
  readonly surroundings: LabSurroundings;
  readonly rebuildMime: boolean;
  readonly organizations: readonly Organization[];
  /** When the world began; generated items are older. */
  readonly startedAtMs: number;
  readonly samples: Samples;
  /** Messages and receipts that left, by cause. */
  readonly outbox: OutboxEntry[] = [];
  readonly postOffice = new PostOffice(this);
  /** What invitations and answers set in motion; null: nothing. */
  meetings: MeetingMachinery | null = null;
  /** Every commit, in order, bounded. */
  readonly journal = new Journal(200_000);

  constructor(options: WorldOptions) {
    this.seed = String(options.seed);
    this.surroundings = options.surroundings;
    this.rebuildMime = options.rebuildMime ?? false;
    this.startedAtMs = Math.floor(options.surroundings.clock.nowMs() / 1000) * 1000;
    this.samples = options.samplesDir === undefined ? noSamples : readSamples(options.samplesDir);
    const { sources = 1 } = options;
    const share = (count: number, at: number) => (at < sources ? Math.ceil((count - at) / sources) : 0);
    this.organizations = options.organizations.map(
      (organization, at) =>
        new Organization(this, organization, {
          mailboxes: options.mailboxes,
          items: share(options.items, at),
          typed: Object.fromEntries(Object.entries(options.typed ?? {}).map(([kind, n]) => [kind, share(n, at)])),
          calendars: at === 0 ? this.samples.calendars : [],
        }),
    );
  }

  organization(name: string): Organization {
    const found = this.organizations.find((organization) => organization.name === name);
    assert(found !== undefined, `the lab has no organization ${name}`);
    return found;
  }

  /** Signs in with a name in any form (`user@domain`, `DOMAIN\user`, `user`); null: refused. */
  authenticate(organization: string, user: string, password: string): Caller | null {
    return this.organization(organization).authenticate(user, password);
  }

  /** NT hash of the account's password, for NTLM; null: no such account. */
  ntHash(organization: string, user: string): Buffer | null {
    return this.organization(organization).ntHash(user);
  }

  /** The people of an organization at work; without random numbers of their own they take those of the surroundings. */
  people(organization: string, random: Random = this.surroundings.random): People {
    return createPeople(this.organization(organization), random);
  }

  /** What a mailbox holds, without any protocol in between. */
  snapshot(address: string): TrueMailbox {
    const mailbox = this.mailbox(address);
    assert(mailbox !== null, `the lab has no mailbox ${address}`);
    return snapshot(mailbox);
  }

  /** What takes place in a mailbox's calendars between two times, series expanded. */
  calendar(address: string, fromMs: number, toMs: number): readonly TrueEvent[] {
    const mailbox = this.mailbox(address);
    assert(mailbox !== null, `the lab has no mailbox ${address}`);
    return calendarTruth(mailbox, fromMs, toMs);
  }

  /** The mailbox behind an address of any organization; null: there is none. */
  mailbox(address: string): Mailbox | null {
    const domain = address.slice(address.lastIndexOf('@') + 1).toLowerCase();
    return this.organizations.find((organization) => organization.domain === domain)?.mailbox(address) ?? null;
  }
}

export function createWorld(options: WorldOptions): World {
  return new World(options);
}
