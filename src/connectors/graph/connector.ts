import type { Clock } from '#kit/clock.ts';
import type { Random } from '#kit/random.ts';
import { Recent } from '#kit/recent.ts';
import type { Abilities, Connector, Mailbox } from '../contract.ts';
import { hostRule } from '../http/host-rule.ts';
import { type MailboxLimitsOfService, type ShareUse, serviceLimits } from './allowance.ts';
import { cloudOf, clouds } from './clouds.ts';
import { graphClient } from './graph-client.ts';
import type { GraphHttp } from './graph-http.ts';
import { requestBytesMax as requestBytesOfService } from './import-session.ts';
import { graphReads, graphWrites } from './item-ways.ts';
import { batchMax, changePageMax, graphMailbox } from './mailbox.ts';
import { type ListeningReceiver, listenForNotifications } from './watch/receiver.ts';
import { graphWatch } from './watch/watch.ts';
import { withheld } from './withheld.ts';

export interface GraphConnectorOptions {
  /** Name in the project file. */
  readonly organization: string;
  readonly http: GraphHttp;
  /** `https://graph.microsoft.com`. */
  readonly endpoint: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Hosts that take imports, besides those of the cloud: `host` or `*.domain`. */
  readonly importHosts?: readonly string[];
  /** What the service gives one application for one mailbox. */
  readonly limits?: Partial<MailboxLimitsOfService>;
  /** Where processes agree about those limits; without it this one is alone. */
  readonly shared?: ShareUse | null;
  /** Where the service can reach us, and where we listen behind that; without it mailboxes are asked in turn. */
  readonly notifications?: { readonly url: string; readonly host: string; readonly port: number } | null;
  /** Bytes of one request. */
  readonly requestBytesMax?: number;
}

/** Mailboxes that keep what they learned, an import session and the id of the mailbox: one that is forgotten costs two requests more. */
const mailboxesKept = 2_000;
/** Decoded bytes of one batch: all of it is in memory, four messages on their way. */
const batchMaxBytes = 8 * 1024 * 1024;

/** One tenant of Exchange Online over Microsoft Graph v1.0. */
export function graphConnector(options: GraphConnectorOptions): Connector {
  const {
    organization,
    http,
    endpoint,
    clock,
    random,
    importHosts = [],
    notifications = null,
    shared = null,
  } = options;
  const cloud = clouds[cloudOf(endpoint)];
  const client = graphClient({ http, clock, endpoint, limits: { ...serviceLimits, ...options.limits }, shared });
  const hasImport = cloud.importHosts.length > 0;
  const isImportHost = hostRule([...cloud.importHosts, ...importHosts]);
  const mailboxes = new Recent<string, Mailbox>(mailboxesKept);
  const requestBytesMax = options.requestBytesMax ?? requestBytesOfService;
  const abilities: Abilities = {
    get product() {
      return client.product;
    },
    nativeDelta: true,
    conditionalWrites: true,
    // By an import over the message, which sends nothing.
    suppressReceipts: hasImport,
    createsSentMail: hasImport,
    readFlagAtCreate: true,
    batchMax,
    batchMaxBytes,
    // The limit is one of requests; how large a message becomes as a stream shows when it is made into one.
    itemMaxBytes: null,
    changePageMax,
    reads: graphReads(hasImport),
    writes: graphWrites(hasImport),
    withheld,
  };
  const mailbox = (address: string): Mailbox =>
    mailboxes.get(address, () => graphMailbox({ client, address, clock, hasImport, isImportHost, requestBytesMax }));
  let listening: Promise<ListeningReceiver> | null = null;
  // Nobody listens before somebody watches: most that is done with a connector needs no port.
  const listen = ({ url, host, port }: NonNullable<GraphConnectorOptions['notifications']>) => {
    listening ??= listenForNotifications(url, host, port);
    return listening;
  };
  return {
    organization,
    abilities,
    mailbox,
    watch: graphWatch({
      client,
      clock,
      random,
      mailbox,
      notifications: notifications === null ? null : () => listen(notifications),
    }),
    async close() {
      await (await listening)?.close();
    },
  };
}
