import type { Connector } from '#connectors/contract.ts';
import { undiciTransport } from '#connectors/http/undici-transport.ts';
import { paced } from '#connectors/wrappers/paced.ts';
import { retried } from '#connectors/wrappers/retried.ts';
import { must } from '#kit/assert.ts';
import type { Clock } from '#kit/clock.ts';
import type { Random } from '#kit/random.ts';
import type { TlsPolicy, Transport } from '#kit/transport.ts';
import type { Organization, Project } from '#project/project.ts';
import { type Counting, connectorBudgets, type WaitLog } from './connector-budgets.ts';
import { openEws } from './open-ews.ts';
import { openGraph } from './open-graph.ts';
import { openWebdav } from './open-webdav.ts';
import { readReferences } from './sign-in-of.ts';

export interface ConnectorSurroundings {
  readonly clock: Clock;
  readonly random: Random;
  readonly signal?: AbortSignal;
  /** Who counts requests against the budgets of the project. */
  readonly counting: Counting;
  readonly waits: WaitLog;
  /** Calls that are throttled wait for as long as it takes: nothing else is to be done meanwhile, and giving up would help nobody. */
  readonly isPatient?: boolean;
}

/** What every protocol is opened with. */
export interface Opening {
  readonly project: Project;
  readonly organization: Organization;
  readonly transport: Transport;
  readonly tls: TlsPolicy;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
  readonly counting: Counting;
  readonly waits: WaitLog;
}

export interface Opened {
  readonly connector: Connector;
  /** Lets go of what the connector was given. */
  close(): Promise<void>;
}

/**
 * The connector of an organization of the project. Files of certificates are read now, secrets again whenever they are used; nothing
 * is sent before a mailbox is asked for something, but for Autodiscover when the project names no endpoint. Throws FaultError, SecretError.
 */
export async function openConnector(
  project: Project,
  name: string,
  { clock, random, counting, waits, isPatient = false, signal = new AbortController().signal }: ConnectorSurroundings,
): Promise<Connector> {
  const organization = must(project.organizations.get(name), `the project has no organization ${name}`);
  const { ca } = await readReferences(organization);
  const tls: TlsPolicy = { ca, min: organization.tls.min };
  const transport = undiciTransport();
  const opening: Opening = { project, organization, transport, tls, clock, random, signal, counting, waits };
  const { connector, close } = await open(opening);
  const budgets = connectorBudgets(organization, counting, clock, waits);
  const whole = retried(paced(connector, budgets), {
    clock,
    random,
    ...(isPatient ? { patience: (address, limit, ms) => waits.begin(address, limit, ms) } : {}),
  });
  return {
    ...whole,
    get abilities() {
      return connector.abilities;
    },
    async close() {
      await connector.close();
      await close();
    },
  };
}

function open(opening: Opening): Promise<Opened> {
  switch (opening.organization.protocol) {
    case 'ews':
      return openEws(opening);
    case 'graph':
      return openGraph(opening);
    case 'webdav':
      return openWebdav(opening);
  }
}
