import type { Directory } from '#connectors/directory/contract.ts';
import { entraDirectory } from '#connectors/directory/entra/entra-directory.ts';
import { ldapDirectory } from '#connectors/directory/ldap/ldap-directory.ts';
import { cloudOf, clouds, scopeOf } from '#connectors/graph/clouds.ts';
import { graphHttp } from '#connectors/graph/graph-http.ts';
import { undiciTransport } from '#connectors/http/undici-transport.ts';
import { createSignIn } from '#connectors/sign-in/sign-in.ts';
import type { DirectoryEnd, DirectoryServices } from '#jobs/directory/directory-context.ts';
import { assert, must } from '#kit/assert.ts';
import type { Clock } from '#kit/clock.ts';
import { systemRandom } from '#kit/random.ts';
import type { TlsPolicy } from '#kit/transport.ts';
import type { DirectoryAccess, DirectorySync, Organization, Project } from '#project/project.ts';
import type { Store } from '#store/store.ts';
import { readPem, signInOf } from './sign-in-of.ts';
import { objectsBeingSwitched } from './switch-services.ts';

/** No request of a pass is on its way longer than this. */
const REQUEST_DEADLINE_MS = 60_000;

/** The directory of an organization. Its secret is read now; nothing is sent yet. Throws FaultError, SecretError. */
export async function openDirectory(organization: Organization, clock: Clock): Promise<Directory> {
  const { name, directory, tls } = organization;
  const access = must(directory, `the organization ${name} has a directory`);
  if (access.kind === 'entra') return openTenant(organization, access, clock);
  return ldapDirectory({
    urls: access.urls,
    startTls: access.startTls,
    tls: { ca: await Promise.all(tls.caFiles.map(readPem)), min: tls.min },
    user: typeof access.user === 'string' ? access.user : await access.user.reveal(),
    password: await access.password.reveal(),
    clock,
  });
}

/** A tenant over Graph, as the application that the organization signs in as. Throws FaultError, SecretError. */
async function openTenant(
  organization: Organization,
  access: Extract<DirectoryAccess, { kind: 'entra' }>,
  clock: Clock,
): Promise<Directory> {
  const settings = await signInOf(organization);
  assert(settings.method === 'oauth', 'the project lets the directory of a tenant sign in by OAuth only');
  const endpoint =
    access.endpoint ?? (organization.protocol === 'graph' ? organization.endpoint : null) ?? clouds.worldwide.graph;
  const tls: TlsPolicy = { ca: await Promise.all(organization.tls.caFiles.map(readPem)), min: organization.tls.min };
  const around = { clock, random: systemRandom, transport: undiciTransport(), tls };
  // What the organization asks for may be EWS; the directory is Graph's.
  const { scope: _, ...signIn } = settings;
  const { authority } = clouds[cloudOf(endpoint)];
  const http = graphHttp({
    ...around,
    endpoint,
    signIn: createSignIn({ authority, ...signIn, scope: scopeOf(endpoint) }, around),
  });
  return entraDirectory({ http, endpoint, clock });
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
