import { cloudOf, clouds, scopeOf } from '#connectors/graph/clouds.ts';
import { graphConnector } from '#connectors/graph/connector.ts';
import { graphHttp } from '#connectors/graph/graph-http.ts';
import { createSignIn } from '#connectors/sign-in/sign-in.ts';
import { assert } from '#kit/assert.ts';
import type { Opened, Opening } from './open-connector.ts';
import { signInOf } from './sign-in-of.ts';

/**
 * A tenant of Exchange Online that is spoken to by Microsoft Graph, as an application. Where to sign in and for what follows from the
 * cloud, unless the project says otherwise. Throws FaultError, SecretError.
 */
export async function openGraph({ organization, transport, tls, clock, random }: Opening): Promise<Opened> {
  const settings = await signInOf(organization);
  assert(settings.method === 'oauth', 'the project lets Graph sign in by OAuth only');
  const endpoint = organization.endpoint ?? clouds.worldwide.graph;
  const { authority } = clouds[cloudOf(endpoint)];
  const signIn = createSignIn({ authority, scope: scopeOf(endpoint), ...settings }, { clock, random, transport, tls });
  const { inFlight } = organization.budget;
  const http = graphHttp({
    transport,
    clock,
    random,
    endpoint,
    tls,
    signIn,
    ...(inFlight === null ? {} : { connectionMax: inFlight }),
  });
  const perMailbox = organization.budgetPerMailbox.inFlight;
  const connector = graphConnector({
    organization: organization.name,
    http,
    endpoint,
    clock,
    random,
    importHosts: organization.redirectHosts,
    notifications: organization.notifications,
    ...(perMailbox === null ? {} : { limits: { concurrent: perMailbox } }),
  });
  return { connector, close: async () => http.close() };
}
