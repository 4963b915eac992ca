import type { Directory } from '#connectors/directory/contract.ts';
import { ldapDirectory } from '#connectors/directory/ldap/ldap-directory.ts';
import type { DirectoryEnd, DirectoryServices } from '#jobs/directory/directory-context.ts';
import { must } from '#kit/assert.ts';
import type { Clock } from '#kit/clock.ts';
import { FaultError } from '#kit/fault.ts';
import type { DirectorySync, Organization, Project } from '#project/project.ts';
import type { Store } from '#store/store.ts';
import { readPem } from './sign-in-of.ts';
import { objectsBeingSwitched } from './switch-services.ts';

/** No request of a pass is on its way longer than this. */
const REQUEST_DEADLINE_MS = 60_000;

/** The directory of an organization. Its secret is read now; nothing is sent yet. Throws FaultError, SecretError. */
export async function openDirectory({ name, directory, tls }: Organization, clock: Clock): Promise<Directory> {
  const access = must(directory, `the organization ${name} has a directory`);
  if (access.kind === 'entra')
    throw new FaultError({
      kind: 'fatal',
      code: 'config',
      detail: `${name}: the directory of a tenant cannot be opened by this version; use the forest it is synced from`,
    });
  return ldapDirectory({
    urls: access.urls,
    startTls: access.startTls,
    tls: { ca: await Promise.all(tls.caFiles.map(readPem)), min: tls.min },
    user: typeof access.user === 'string' ? access.user : await access.user.reveal(),
    password: await access.password.reveal(),
    clock,
  });
}

export interface OpenedSync {
  readonly services: DirectoryServices;
  close(): Promise<void>;
}

/** Both directories of a sync, and what a pass is asked. Throws FaultError, SecretError. */
export async function openSync(
  project: Pick<Project, 'organizations' | 'pairs' | 'collections' | 'directories'>,
  sync: DirectorySync,
  around: { readonly store: Store; readonly clock: Clock },
): Promise<OpenedSync> {
  const end = async (side: 'left' | 'right', organization: string): Promise<DirectoryEnd> => {
    const found = must(project.organizations.get(organization), `the project has no organization ${organization}`);
    return {
      directory: await openDirectory(found, around.clock),
      organization,
      kind: found.directory?.kind ?? 'ad',
      scope: sync.scope[side],
    };
  };
  const left = await end('left', sync.source);
  const right = await end('right', sync.target);
  return {
    services: {
      ...around,
      ends: { left, right },
      policy: sync.policy,
      requestDeadlineMs: REQUEST_DEADLINE_MS,
      others: [...project.directories.values()].flatMap(({ name, target }) =>
        name !== sync.name && target === sync.target ? [name] : [],
      ),
      switching: () => objectsBeingSwitched(project, sync, left.directory, around),
    },
    async close() {
      await left.directory.close();
      await right.directory.close();
    },
  };
}
