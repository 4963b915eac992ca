import type { Directory } from '#connectors/directory/contract.ts';
import { MemoryForest } from '#connectors/directory/memory/memory-directory.ts';
import { systemClock } from '#kit/clock.ts';
import type { Attributes, DistinguishedName, ObjectGuid } from '#model/directory/directory-object.ts';
import { childDn } from '#model/directory/distinguished-name.ts';
import { type DirectorySyncPolicy, defaultDirectorySyncPolicy } from '#model/directory/sync-policy.ts';
import type { Side } from '#model/ids.ts';
import { openStore } from '#store/open-store.ts';
import type { Store } from '#store/store.ts';
import type { DirectoryServices } from './directory-context.ts';
import { type DirectoryPassOptions, type DirectoryPassResult, runDirectoryPass } from './directory-pass.ts';

/** Thrown where a test ends the process: the call is not answered, and nothing after it happens. */
export class Killed extends Error {
  override readonly name = 'Killed';
}

/** Counts down at every write to a directory and every commit to the store, on both sides of each, and ends the process at zero. */
class KillSwitch {
  left = Number.POSITIVE_INFINITY;
  points = 0;
  /** Called at every one of them, with its number: what others do meanwhile. */
  meanwhile: ((point: number) => void) | null = null;
  reach(): void {
    this.points++;
    this.meanwhile?.(this.points);
    if (--this.left < 0) throw new Killed('killed');
  }
}

const dn = (text: string) => text as DistinguishedName;
export const domainOf = (side: Side): string => (side === 'left' ? 'old.example' : 'new.example');

export const policyOfTests = (over: Partial<DirectorySyncPolicy> = {}): DirectorySyncPolicy => ({
  ...defaultDirectorySyncPolicy,
  sync: 'main',
  into: { left: dn('OU=From new,DC=old,DC=example'), right: dn('OU=From old,DC=new,DC=example') },
  roots: { left: [dn('OU=Staff,DC=old,DC=example')], right: [dn('OU=Staff,DC=new,DC=example')] },
  domains: { left: ['old.example'], right: ['new.example'] },
  ...over,
});

/** Two forests, a store and a sync between them. */
export class TwoForests {
  readonly left: MemoryForest;
  readonly right: MemoryForest;
  readonly kill = new KillSwitch();
  store: Store;
  policy: DirectorySyncPolicy;
  #directories: { readonly left: Directory; readonly right: Directory };

  private constructor(store: Store, policy: DirectorySyncPolicy) {
    this.store = store;
    this.policy = policy;
    this.left = forest('left');
    this.right = forest('right');
    this.#directories = this.#connect();
  }

  #connect() {
    return { left: deadly(this.left.open(), this.kill), right: deadly(this.right.open(), this.kill) };
  }

  static async open(policy = policyOfTests()): Promise<TwoForests> {
    return new TwoForests(
      await openStore('sqlite::memory:', { clock: systemClock, log: { info() {}, warn() {} } }),
      policy,
    );
  }

  /** A new process: connections are opened again. */
  restart(): void {
    this.#directories = this.#connect();
    this.kill.left = Number.POSITIVE_INFINITY;
  }

  services(): DirectoryServices {
    const { kill } = this;
    const store: Store = {
      ...this.store,
      commitDirectory: async (...args) => {
        kill.reach();
        const numbers = await this.store.commitDirectory(...args);
        kill.reach();
        return numbers;
      },
    };
    const end = (side: Side) => ({
      directory: this.#directories[side],
      organization: side === 'left' ? 'old' : 'new',
      kind: 'ad' as const,
      scope: {
        under: [...this.policy.roots[side], this.policy.into[side] ?? dn('OU=none')],
        filter: null,
        memberOf: [],
      },
    });
    return {
      store,
      ends: { left: end('left'), right: end('right') },
      policy: this.policy,
      clock: systemClock,
      requestDeadlineMs: 60_000,
    };
  }

  pass(options: DirectoryPassOptions = {}): Promise<DirectoryPassResult> {
    return runDirectoryPass(this.services(), null, new AbortController().signal, options);
  }

  /** Passes until one writes nothing and leaves nothing to the next. */
  async settle(max = 12): Promise<DirectoryPassResult> {
    for (let n = 0; ; n++) {
      const result = await this.pass();
      if (result.summary.writes === 0 && !result.again) return result;
      if (n >= max) throw new Error(`the sync still writes after ${max} passes`);
    }
  }

  person(side: Side, name: string, more: Attributes = {}): ObjectGuid {
    const domain = domainOf(side);
    return this[side].add('user', childDn(dn(`OU=Staff,${this[side].root}`), 'CN', name), {
      displayName: [name],
      sAMAccountName: [name.replaceAll(/[^A-Za-z0-9]/g, '').slice(0, 20)],
      userPrincipalName: [`${name.replaceAll(/[^A-Za-z0-9]/g, '')}@${domain}`],
      mailNickname: [name.replaceAll(/[^A-Za-z0-9]/g, '')],
      mail: [`${name.replaceAll(/[^A-Za-z0-9]/g, '')}@${domain}`],
      proxyAddresses: [`SMTP:${name.replaceAll(/[^A-Za-z0-9]/g, '')}@${domain}`],
      legacyExchangeDN: [`/o=${side}/ou=Exchange/cn=Recipients/cn=${name.replaceAll(/[^A-Za-z0-9]/g, '')}`],
      userAccountControl: ['512'],
      msExchMailboxGuid: ['00112233445566778899aabbccddeeff'],
      msExchRecipientTypeDetails: ['1'],
      msExchRecipientDisplayType: ['1073741824'],
      ...more,
    });
  }

  group(side: Side, name: string, members: readonly ObjectGuid[]): ObjectGuid {
    const domain = domainOf(side);
    return this[side].add('group', childDn(dn(`OU=Staff,${this[side].root}`), 'CN', name), {
      displayName: [name],
      sAMAccountName: [name],
      mailNickname: [name],
      mail: [`${name}@${domain}`],
      proxyAddresses: [`SMTP:${name}@${domain}`],
      legacyExchangeDN: [`/o=${side}/ou=Exchange/cn=Recipients/cn=${name}`],
      groupType: ['8'],
      msExchRecipientDisplayType: ['1'],
      ...(members.length > 0 && { member: members.map((guid) => this.dnOf(side, guid)) }),
    });
  }

  dnOf(side: Side, guid: ObjectGuid): DistinguishedName {
    const found = this[side].all().find((object) => object.guid === guid);
    if (!found) throw new Error(`no object ${guid}`);
    return found.dn;
  }
}

function forest(side: Side): MemoryForest {
  const root = dn(side === 'left' ? 'DC=old,DC=example' : 'DC=new,DC=example');
  const made = new MemoryForest({ root, seed: side === 'left' ? 'aaaaaaaa' : 'bbbbbbbb', pageSize: 7 });
  for (const name of ['Staff', side === 'left' ? 'From new' : 'From old', 'Elsewhere'])
    made.add('container', childDn(root, 'OU', name), {});
  return made;
}

/** Dies before or after any single write: half of a batch may be done. */
function deadly(directory: Directory, kill: KillSwitch): Directory {
  return {
    ...directory,
    get counts() {
      return directory.counts;
    },
    async write(edits, context) {
      const written = [];
      for (const edit of edits) {
        kill.reach();
        written.push(...(await directory.write([edit], context)));
        kill.reach();
      }
      return written;
    },
  };
}
