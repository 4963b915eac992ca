import type { Clock } from '#kit/clock.ts';
import type { Random } from '#kit/random.ts';
import { Recent } from '#kit/recent.ts';
import type { Abilities, Connector } from '../contract.ts';
import { changePageMax } from './change-feed.ts';
import { davClient } from './client.ts';
import type { DavHttp } from './dav-http.ts';
import { davReads, davWrites } from './item-ways.ts';
import { batchMax, type DavMailbox, davMailbox } from './mailbox.ts';
import { davWatch } from './watch.ts';

export interface DavConnectorOptions {
  /** Name in the project file. */
  readonly organization: string;
  readonly http: DavHttp;
  /** `https://mail.contoso.com/exchange/`: below it mailboxes are found by their addresses. */
  readonly endpoint: string;
  readonly clock: Clock;
  readonly random: Random;
  /** Private folder for messages that find no room in memory. */
  readonly spoolDir: string;
  /** How much of larger messages is held in memory, in bytes. */
  readonly spoolMemoryBytes?: number;
}

/** Decoded bytes of one batch of contents: what a pass holds at a time. */
const batchMaxBytes = 8 * 1024 * 1024;
/** Three batches: of the four that a pass has under way one is usually still being asked for. */
const defaultSpoolMemoryBytes = 3 * batchMaxBytes;
/** Mailboxes that keep what they learned. */
const mailboxesKept = 5_000;

/** The virtual directory of public folders; that of mailboxes may have another name, this one has not been seen with one. */
const publicBase = '/public/';
/** Stands for them where calls are counted and paced: it is no address of anybody. */
const publicFoldersAddress = 'public folders';

/** One organization over WebDAV: Exchange 2000, 2003 and, where it is switched on, 2007. */
export function davConnector({
  organization,
  http,
  endpoint,
  clock,
  random,
  spoolDir,
  spoolMemoryBytes = defaultSpoolMemoryBytes,
}: DavConnectorOptions): Connector {
  const client = davClient({ http, clock, spoolDir, spoolMemoryBytes });
  const base = new URL(endpoint).pathname.replace(/\/*$/, '/');
  const mailboxes = new Recent<string, DavMailbox>(mailboxesKept);
  const abilities: Abilities = {
    get product() {
      return client.product;
    },
    nativeDelta: true,
    // If-Match with the etag, and a look before that.
    conditionalWrites: true,
    // The requests for receipts are taken back first.
    suppressReceipts: true,
    createsSentMail: true,
    readFlagAtCreate: true,
    batchMax,
    batchMaxBytes,
    // A setting of the store and of IIS that no property shows for sure.
    itemMaxBytes: null,
    changePageMax,
    reads: davReads,
    writes: davWrites,
  };
  const mailboxOf = (address: string): DavMailbox =>
    mailboxes.get(address, () => davMailbox({ client, address, base, clock, random }));
  const publicFolders = davMailbox({
    client,
    address: publicFoldersAddress,
    base: publicBase,
    clock,
    random,
    isPublic: true,
  }).mailbox;
  return {
    organization,
    abilities,
    mailbox: (address) => mailboxOf(address).mailbox,
    publicFolders: () => publicFolders,
    watch: davWatch({ clock, random, mailboxOf }),
    close: async () => {},
  };
}
