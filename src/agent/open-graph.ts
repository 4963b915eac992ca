import type { MailboxLimitsOfService } from '#connectors/graph/allowance.ts';
import { cloudOf, clouds, scopeOf } from '#connectors/graph/clouds.ts';
import { graphConnector } from '#connectors/graph/connector.ts';
import { graphHttp } from '#connectors/graph/graph-http.ts';
import { createSignIn } from '#connectors/sign-in/sign-in.ts';
import { assert } from '#kit/assert.ts';
import type { Budget } from '#project/project.ts';
import type { Opened, Opening } from './open-connector.ts';
import { signInOf } from './sign-in-of.ts';

/** What the project says of a mailbox takes the place of what the service is known to allow: its limits change, and tenants have others. */
const limitsOf = ({ inFlight, requestsPerMinute, bytesPerMinute }: Budget): Partial<MailboxLimitsOfService> => ({
  ...(inFlight === null ? {} : { concurrent: inFlight }),
  ...(requestsPerMinute === null ? {} : { requests: { max: requestsPerMinute, windowMs: 60_000 } }),
  // Half a minute at a time, so that what is allowed in a minute does not go at once.
  ...(bytesPerMinute === null ? {} : { uploadBytes: { max: bytesPerMinute / 2, windowMs: 30_000 } }),
});

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
  const connector = graphConnector({
    organization: organization.name,
    http,
    endpoint,
    clock,
    random,
    importHosts: organization.redirectHosts,
    notifications: organization.notifications,
    limits: limitsOf(organization.budgetPerMailbox),
  });
  return { connector, close: async () => http.close() };
}
