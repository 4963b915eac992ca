import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { finish } from './programs.ts';
import type { PeerContext } from './suite.ts';

/** One of the forests that `scripts/samba-forests.sh` starts, with its accounts. */
export interface SambaForest {
  readonly url: string;
  readonly base: string;
  readonly domain: string;
  /** May do everything. */
  readonly user: string;
  readonly password: string;
  /** Has what docs/operating/directory-rights.md asks for, below OU=People, OU=Partner and OU=Closed. */
  readonly sync: { readonly user: string; readonly password: string };
  /** Lacks the right in OU=Closed, to replicate changes and to see deleted objects. */
  readonly guest: { readonly user: string; readonly password: string };
  readonly ca: string;
  readonly caPem: string;
}

export interface SambaForests {
  /** Of the script. */
  readonly state: string;
  readonly source: SambaForest;
  readonly target: SambaForest;
}

/** Starts both forests as they are after provisioning, and stops them with the suite. The first start takes some ten seconds. */
export async function startForests(context: PeerContext): Promise<SambaForests> {
  const script = join(context.root, 'scripts/samba-forests.sh');
  const state = join(context.state, 'samba');
  context.started({
    stop: async () => {
      await finish(script, ['stop', state]);
    },
  });
  const { stdout, stderr, status } = await finish(script, ['start', state], { timeoutMs: 600_000 });
  if (status !== 0) throw new Error(`the forests did not start: ${stderr.trim().slice(-500)}`);
  const facts = new Map(
    stdout.split('\n').map((line): [string, string] => {
      const [key = '', ...value] = line.split('=');
      return [key, value.join('=')];
    }),
  );
  const fact = (key: string): string => {
    const value = facts.get(key);
    if (value === undefined) throw new Error(`samba-forests.sh does not say ${key}`);
    return value;
  };
  const forest = (name: string): SambaForest => ({
    url: fact(`${name}_URL`),
    base: fact(`${name}_BASE`),
    domain: fact(`${name}_DOMAIN`),
    user: fact(`${name}_ADMIN`),
    password: fact(`${name}_ADMIN_PASSWORD`),
    sync: { user: fact(`${name}_SYNC`), password: fact(`${name}_SYNC_PASSWORD`) },
    guest: { user: fact(`${name}_GUEST`), password: fact(`${name}_GUEST_PASSWORD`) },
    ca: fact(`${name}_CA`),
    caPem: readFileSync(fact(`${name}_CA`), 'utf8'),
  });
  return { state, source: forest('SOURCE'), target: forest('TARGET') };
}

/** Address of the second controller of the source forest. */
export const secondController = 'ldaps://127.0.0.13:636';

/** Carries changes over between the two controllers of the source forest, which nothing else does. */
export async function replicate(context: PeerContext, { state }: SambaForests): Promise<void> {
  const { stderr, status } = await finish(join(context.root, 'scripts/samba-forests.sh'), ['replicate', state]);
  if (status !== 0) throw new Error(`no replication: ${stderr.trim().slice(-500)}`);
}

/** Joins a second controller to the source forest. It is stopped with the forests. */
export async function startSecondController(context: PeerContext, { state }: SambaForests): Promise<void> {
  const script = join(context.root, 'scripts/samba-forests.sh');
  const { stderr, status } = await finish(script, ['second', state], { timeoutMs: 600_000 });
  if (status !== 0) throw new Error(`no second controller: ${stderr.trim().slice(-500)}`);
}
