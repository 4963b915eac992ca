import { base64Length } from '#formats/text/base64.ts';
import type { Clock } from '#kit/clock.ts';
import type { Random } from '#kit/random.ts';
import { Recent } from '#kit/recent.ts';
import type { Abilities, Connector, Context, Mailbox } from '../contract.ts';
import { ewsClient } from './client.ts';
import type { EwsHttp } from './ews-http.ts';
import { ewsGlance } from './folder-marks.ts';
import { ewsReads, ewsWrites } from './item-ways.ts';
import { batchMax, changePageMax, ewsMailbox } from './mailbox.ts';
import { atLeast, type SchemaVersion } from './server-version.ts';
import { ewsWatch } from './streaming.ts';

export interface EwsConnectorOptions {
  /** Name in the project file. */
  readonly organization: string;
  readonly http: EwsHttp;
  /** The schema version to begin with, before an answer shows the server's own; without it the oldest. */
  readonly version?: SchemaVersion;
  /** Act as each mailbox's owner (role ApplicationImpersonation); otherwise as the account that signs in, which needs full access. */
  readonly impersonate: boolean;
  readonly clock: Clock;
  readonly random: Random;
  /** Private folder for messages that find no room in memory. */
  readonly spoolDir: string;
  /** How much base64 text of larger messages is held in memory. */
  readonly spoolMemoryBytes?: number;
}

/**
 * Decoded bytes of one batch. A request may have 64 MB by default (`client-message-size-limits`), but all of a batch is in memory
 * here and its answer is one transaction of patience for the server.
 */
const batchMaxBytes = 8 * 1024 * 1024;
/** Three batches: of the four that a pass has under way one is usually still being asked for. What finds no room goes into files. */
const defaultSpoolMemoryBytes = 3 * base64Length(batchMaxBytes);

/** One organization over Exchange Web Services, 2007 SP1 to SE and Online. */
/** Mailboxes that keep what they learned, such as hashes of attachments. */
const mailboxesKept = 256;

export function ewsConnector({
  organization,
  http,
  version,
  impersonate,
  clock,
  random,
  spoolDir,
  spoolMemoryBytes = defaultSpoolMemoryBytes,
}: EwsConnectorOptions): Connector {
  const client = ewsClient({
    http,
    impersonate,
    spoolDir,
    spoolMemoryBytes,
    ...(version === undefined ? {} : { version }),
  });
  const mailboxes = new Recent<string, Mailbox>(mailboxesKept);
  const streams = { accepted: false, refused: false };
  const abilities: Abilities = {
    get product() {
      return client.product;
    },
    nativeDelta: true,
    conditionalWrites: true,
    // 2013 and later by attribute, before by a response object written first.
    suppressReceipts: true,
    createsSentMail: true,
    get readFlagAtCreate() {
      return atLeast(client.version, 'Exchange2010');
    },
    batchMax,
    batchMaxBytes,
    // The limit is a setting of each server (64 MB of request, message size limits below it) that no operation shows.
    itemMaxBytes: null,
    changePageMax,
    reads: ewsReads,
    get writes() {
      return ewsWrites(client.version, streams);
    },
  };
  const mailbox = (address: string): Mailbox =>
    mailboxes.get(address, () => ewsMailbox({ client, address, impersonate, clock, streams }));
  const foldersOf = async (address: string, context: Context) =>
    (await mailbox(address).tree(context)).folders.map(({ id }) => id);
  return {
    organization,
    abilities,
    mailbox,
    glance: (address, folders, before, context) => ewsGlance(client, address, folders, before, context),
    watch: ewsWatch({ client, clock, random, foldersOf }),
    close: async () => {},
  };
}
