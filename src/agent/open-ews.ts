import { join } from 'node:path';
import { type AutodiscoverOptions, autodiscover } from '#connectors/ews/autodiscover/autodiscover.ts';
import { ewsConnector } from '#connectors/ews/connector.ts';
import { ewsHttp } from '#connectors/ews/http-client.ts';
import type { SchemaVersion } from '#connectors/ews/server-version.ts';
import { createSignIn } from '#connectors/sign-in/sign-in.ts';
import { assert } from '#kit/assert.ts';
import { FaultError } from '#kit/fault.ts';
import type { ExchangeVersion, Organization, Project } from '#project/project.ts';
import type { Opened, Opening } from './open-connector.ts';
import { signInOf } from './sign-in-of.ts';

/** Autodiscover tries several addresses, each of which may take its time to fail. */
const FIND_MS = 120_000;

/** Those that are left out speak no EWS. */
const schemas: Readonly<Partial<Record<ExchangeVersion, SchemaVersion>>> = {
  '2007': 'Exchange2007_SP1',
  '2010': 'Exchange2010',
  '2013': 'Exchange2013',
  '2016': 'Exchange2016',
  '2019': 'Exchange2016',
  se: 'Exchange2016',
  online: 'Exchange2016',
};

/** An organization that is spoken to by EWS. Throws FaultError, SecretError. */
export async function openEws(opening: Opening): Promise<Opened> {
  const { project, organization, transport, tls, clock, random, signal } = opening;
  const settings = await signInOf(organization);
  assert(settings.method !== 'forms', 'the project lets forms through for WebDAV only');
  const signIn = createSignIn(settings, { clock, random, transport, tls });
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
  const version = organization.version === null ? undefined : schemas[organization.version];
  const connector = ewsConnector({
    organization: organization.name,
    http,
    impersonate: organization.impersonation,
    clock,
    random,
    spoolDir: join(project.directory, '.causeway', 'spool'),
    ...(version === undefined ? {} : { version }),
  });
  return { connector, close: async () => http.close() };
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
