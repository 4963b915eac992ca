import type { MailboxLimitsOfService, ShareUse } from '#connectors/graph/allowance.ts';
import { cloudOf, clouds, scopeOf } from '#connectors/graph/clouds.ts';
import { graphConnector } from '#connectors/graph/connector.ts';
import { graphHttp } from '#connectors/graph/graph-http.ts';
import { createSignIn } from '#connectors/sign-in/sign-in.ts';
import { assert } from '#kit/assert.ts';
import type { Budget } from '#project/project.ts';
import type { Opened, Opening } from './open-connector.ts';
import { sharedAllowance } from './shared-allowance.ts';
import { signInOf } from './sign-in-of.ts';

/** What the project says of a mailbox takes the place of what the service is known to allow: its limits change, and tenants have others. */
const limitsOf = ({ inFlight, requestsPerMinute, bytesPerMinute }: Budget): Partial<MailboxLimitsOfService> => ({
  ...(inFlight === null ? {} : { concurrent: inFlight }),
  ...(requestsPerMinute === null ? {} : { requests: { max: requestsPerMinute, windowMs: 60_000 } }),
  // Half a minute at a time, so that what is allowed in a minute does not go at once.
  ...(bytesPerMinute === null ? {} : { uploadBytes: { max: bytesPerMinute / 2, windowMs: 30_000 } }),
});

/** Mail and calendar of a pair may be worked on in two processes, a command may look at it meanwhile, and the service counts all of them. */
function sharingOf({ organization, clock, counting: { shared: store, owner }, waits }: Opening): ShareUse {
  return (address, limits) =>
    sharedAllowance({
      store,
      clock,
      name: `mailbox ${organization.name} ${address.toLowerCase()}`,
      limits,
      owner,
      onWait: (limit, ms) => waits.note(address, limit, ms),
      onWaiting: (limit, ms) => waits.begin(address, limit, ms),
    });
}

/**
 * A tenant of Exchange Online that is spoken to by Microsoft Graph, as an application. Where to sign in and for what follows from the
 * cloud, unless the project says otherwise. Throws FaultError, SecretError.
 */
export async function openGraph(opening: Opening): Promise<Opened> {
  const { organization, transport, tls, clock, random } = opening;
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
    shared: sharingOf(opening),
  });
  return { connector, close: async () => http.close() };
}
