import { join } from 'node:path';
import { createSignIn } from '#connectors/sign-in/sign-in.ts';
import { davConnector } from '#connectors/webdav/connector.ts';
import { formsSignIn } from '#connectors/webdav/forms-sign-in.ts';
import { davHttp } from '#connectors/webdav/http-client.ts';
import { FaultError } from '#kit/fault.ts';
import type { Opened, Opening } from './open-connector.ts';
import { signInOf } from './sign-in-of.ts';

/** An organization that is spoken to by WebDAV. Throws FaultError, SecretError. */
export async function openWebdav({ project, organization, transport, tls, clock, random }: Opening): Promise<Opened> {
  const { name, endpoint, redirectHosts } = organization;
  if (endpoint === null)
    throw new FaultError({
      kind: 'fatal',
      code: 'config',
      detail: `the organization ${name} has no endpoint, and servers of this age have no Autodiscover; write endpoint: https://HOST/exchange/`,
    });
  const settings = await signInOf(organization);
  const signIn =
    settings.method === 'forms' ? formsSignIn(settings) : createSignIn(settings, { clock, random, transport, tls });
  const { inFlight } = organization.budget;
  const http = davHttp({
    transport,
    clock,
    endpoint,
    tls,
    signIn,
    redirectHosts,
    ...(inFlight === null ? {} : { connectionMax: inFlight }),
  });
  const connector = davConnector({
    organization: name,
    http,
    endpoint,
    clock,
    random,
    spoolDir: join(project.directory, '.causeway', 'spool'),
  });
  return { connector, close: async () => http.close() };
}
