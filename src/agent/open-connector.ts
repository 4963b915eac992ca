import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Connector } from '#connectors/contract.ts';
import { ewsConnector } from '#connectors/ews/connector.ts';
import { ewsHttp } from '#connectors/ews/http-client.ts';
import type { SchemaVersion } from '#connectors/ews/server-version.ts';
import { createSignIn, type SignInSettings } from '#connectors/ews/sign-in.ts';
import { undiciTransport } from '#connectors/http/undici-transport.ts';
import { must } from '#kit/assert.ts';
import type { Clock } from '#kit/clock.ts';
import { FaultError } from '#kit/fault.ts';
import type { Random } from '#kit/random.ts';
import type { TlsPolicy } from '#kit/transport.ts';
import type { ExchangeVersion, Organization, Project } from '#project/project.ts';

export interface ConnectorSurroundings {
  readonly clock: Clock;
  readonly random: Random;
}

const schemas: Readonly<Record<ExchangeVersion, SchemaVersion>> = {
  '2007': 'Exchange2007_SP1',
  '2010': 'Exchange2010',
  '2013': 'Exchange2013',
  '2016': 'Exchange2016',
  '2019': 'Exchange2016',
  se: 'Exchange2016',
  online: 'Exchange2016',
};

/**
 * The connector of an organization of the project. Files of certificates are read now, secrets when they are used; nothing is sent
 * before a mailbox is asked for something. Throws FaultError (fatal `config`) when a file cannot be read.
 */
export async function openConnector(
  project: Project,
  name: string,
  { clock, random }: ConnectorSurroundings,
): Promise<Connector> {
  const organization = must(project.organizations.get(name), `the project has no organization ${name}`);
  const transport = undiciTransport();
  const tls: TlsPolicy = { ca: await Promise.all(organization.tls.caFiles.map(readPem)), min: organization.tls.min };
  const signIn = createSignIn(await signInOf(organization), { clock, random, transport, tls });
  if (organization.endpoint === null)
    throw new FaultError({
      kind: 'fatal',
      code: 'config',
      detail: `the organization ${name} has no endpoint; write endpoint: https://HOST/EWS/Exchange.asmx`,
    });
  const { inFlight } = organization.budget;
  const http = ewsHttp({
    transport,
    clock,
    random,
    endpoint: organization.endpoint,
    tls,
    signIn,
    redirectHosts: organization.redirectHosts,
    ...(inFlight === null ? {} : { connectionMax: inFlight }),
  });
  const connector = ewsConnector({
    organization: name,
    http,
    impersonate: organization.impersonation,
    clock,
    random,
    spoolDir: join(project.directory, '.causeway', 'spool'),
    ...(organization.version === null ? {} : { version: schemas[organization.version] }),
  });
  return {
    ...connector,
    async close() {
      await connector.close();
      http.close();
    },
  };
}

async function signInOf({ signIn }: Organization): Promise<SignInSettings> {
  if (signIn.method !== 'oauth') {
    const { method, user, password } = signIn;
    return { method, user: typeof user === 'string' ? user : await user.reveal(), password: () => password.reveal() };
  }
  const { tenant, clientId, credential, authority, scope } = signIn;
  return {
    method: 'oauth',
    tenant,
    clientId,
    credential:
      'clientSecret' in credential
        ? { kind: 'secret', secret: () => credential.clientSecret.reveal() }
        : { kind: 'certificate', key: () => credential.key.reveal(), certificate: await readPem(credential.chainFile) },
    ...(authority === null ? {} : { authority }),
    ...(scope === null ? {} : { scope }),
  };
}

async function readPem(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new FaultError({
      kind: 'fatal',
      code: 'config',
      detail: `the certificate file ${path} cannot be read (${code})`,
    });
  }
}
