import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Connector } from '#connectors/contract.ts';
import { type AutodiscoverOptions, autodiscover } from '#connectors/ews/autodiscover/autodiscover.ts';
import { ewsConnector } from '#connectors/ews/connector.ts';
import { ewsHttp } from '#connectors/ews/http-client.ts';
import type { SchemaVersion } from '#connectors/ews/server-version.ts';
import { undiciTransport } from '#connectors/http/undici-transport.ts';
import { createSignIn, type SignInSettings } from '#connectors/sign-in/sign-in.ts';
import { paced } from '#connectors/wrappers/paced.ts';
import { retried } from '#connectors/wrappers/retried.ts';
import { must } from '#kit/assert.ts';
import type { Clock } from '#kit/clock.ts';
import { FaultError } from '#kit/fault.ts';
import type { Random } from '#kit/random.ts';
import type { TlsPolicy } from '#kit/transport.ts';
import type { ExchangeVersion, Organization, Project } from '#project/project.ts';
import { type Counting, connectorBudgets, type WaitLog } from './connector-budgets.ts';

export interface ConnectorSurroundings {
  readonly clock: Clock;
  readonly random: Random;
  readonly signal?: AbortSignal;
  /** Who counts requests against the budgets of the project. */
  readonly counting: Counting;
  readonly waits: WaitLog;
}

/** Autodiscover tries several addresses, each of which may take its time to fail. */
const FIND_MS = 120_000;

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
 * The connector of an organization of the project. Files of certificates are read now, secrets again whenever they are used; nothing
 * is sent before a mailbox is asked for something, but for Autodiscover when the project names no endpoint. Throws FaultError, SecretError.
 */
export async function openConnector(
  project: Project,
  name: string,
  { clock, random, counting, waits, signal = new AbortController().signal }: ConnectorSurroundings,
): Promise<Connector> {
  const organization = must(project.organizations.get(name), `the project has no organization ${name}`);
  const { ca } = await readReferences(organization);
  const transport = undiciTransport();
  const tls: TlsPolicy = { ca, min: organization.tls.min };
  const signIn = createSignIn(await signInOf(organization), { clock, random, transport, tls });
  const endpoint =
    organization.endpoint ??
    (await findEndpoint(
      project,
      organization,
      { transport, clock, tls, signIn, redirectHosts: organization.redirectHosts },
      signal,
    ));
  const { inFlight } = organization.budget;
  const http = ewsHttp({
    transport,
    clock,
    random,
    endpoint,
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
  const budgets = connectorBudgets(organization, counting, clock, waits);
  const whole = retried(paced(connector, budgets), { clock, random });
  return {
    ...whole,
    get abilities() {
      return connector.abilities;
    },
    async close() {
      await connector.close();
      http.close();
    },
  };
}

/**
 * Reads all that an organization of the project names by reference, so that what is missing is told before any work begins.
 * Secrets are not kept. Throws FaultError (config), SecretError.
 */
export async function readReferences({ signIn, tls }: Organization): Promise<{ readonly ca: readonly string[] }> {
  const ca = await Promise.all(tls.caFiles.map(readPem));
  if (signIn.method !== 'oauth') {
    if (typeof signIn.user !== 'string') await signIn.user.reveal();
    await signIn.password.reveal();
  } else if ('clientSecret' in signIn.credential) await signIn.credential.clientSecret.reveal();
  else {
    await signIn.credential.key.reveal();
    await readPem(signIn.credential.chainFile);
  }
  return { ca };
}

/** Asks Autodiscover for one mailbox: an organization has one address for all of them. */
async function findEndpoint(
  { pairs, collections }: Project,
  { name, autodiscover: server }: Organization,
  options: AutodiscoverOptions,
  signal: AbortSignal,
): Promise<string> {
  const unfindable = (why: string) => {
    const detail = `the organization ${name} has no endpoint, and ${why}; write endpoint: https://HOST/EWS/Exchange.asmx`;
    return new FaultError({ kind: 'fatal', code: 'config', detail });
  };
  const [address] = pairs.flatMap(({ collection, source, target }) => {
    const sides = collections.get(collection);
    return [...(sides?.source === name ? [source] : []), ...(sides?.target === name ? [target] : [])];
  });
  if (address === undefined) throw unfindable('it has no mailbox in any pair');
  const context = { signal, deadlineMs: options.clock.monotonicMs() + FIND_MS };
  const { ewsUrls } = await autodiscover(address, server === null ? options : { ...options, server }, context);
  if (ewsUrls[0] === undefined) throw unfindable(`Autodiscover names no EWS address for ${address}`);
  return ewsUrls[0];
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
