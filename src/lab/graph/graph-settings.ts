/** How the service behaves; the numbers are the documented ones (FACTS §4). */
export interface GraphSettings {
  /** Null: nothing is limited. */
  readonly throttling: GraphThrottling | null;
  /** How long the service takes for each request, on the lab's clock: what makes requests overlap. */
  readonly serviceMs: number;
  /** Largest request, bytes. */
  readonly requestMaxBytes: number;
  /** Largest request to an import URL, bytes. Nobody says that it is another one (assumed). */
  readonly importMaxBytes: number;
  /** Import and export exist in the worldwide cloud only. */
  readonly cloud: 'worldwide' | 'national';
  /** How long an import URL is good for. */
  readonly importSessionMs: number;
  /** The same of an upload session, from its last range on. */
  readonly uploadSessionMs: number;
  /** Bytes of an attachment that a plain POST may have, and an upload session. */
  readonly attachmentPostMaxBytes: number;
  readonly attachmentMaxBytes: number;
  /** A session says where it stands when its address is asked; otherwise 405. */
  readonly tellsUploadState: boolean;
  /** Smaller files have to be posted. */
  readonly attachmentSessionMinBytes: number;
  /** Only drafts take attachments. CORSO attaches to others; of imported ones nobody says anything. */
  readonly attachmentsToDraftsOnly: boolean;
  /** Bytes of a message with its attachments: what the tenant allows. */
  readonly messageMaxBytes: number;
  /** Streams that no Exchange made are refused; otherwise whatever can be read is taken. */
  readonly ownStreamsOnly: boolean;
  readonly subscriptionsPerMailbox: number;
  /** Longest life of a subscription, minutes. */
  readonly subscriptionMinutes: number;
  /** Mailboxes that have no cloud mailbox behind them: on premises, or without a licence. */
  readonly notEnabled: ReadonlySet<string>;
}

export interface GraphThrottling {
  /** For each pair of application and mailbox. */
  readonly requests: number;
  readonly requestsWindowMs: number;
  readonly uploadBytes: number;
  readonly uploadWindowMs: number;
  readonly concurrent: number;
  /** Windows are so many times shorter. */
  readonly faster: number;
  /** `some`: every other refusal says how long to wait. */
  readonly retryAfter: 'always' | 'some' | 'never';
}

export const shippedThrottling: GraphThrottling = {
  requests: 10_000,
  requestsWindowMs: 600_000,
  uploadBytes: 150 * 1024 * 1024,
  uploadWindowMs: 300_000,
  concurrent: 4,
  faster: 1,
  retryAfter: 'some',
};

const MiB = 1024 * 1024;

export const shippedSettings: GraphSettings = {
  throttling: shippedThrottling,
  serviceMs: 0,
  requestMaxBytes: 4 * MiB,
  importMaxBytes: 4 * MiB,
  cloud: 'worldwide',
  importSessionMs: 3_600_000,
  uploadSessionMs: 3_600_000,
  attachmentPostMaxBytes: 3 * MiB,
  attachmentMaxBytes: 150 * MiB,
  tellsUploadState: true,
  attachmentSessionMinBytes: 3_000_000,
  attachmentsToDraftsOnly: false,
  messageMaxBytes: 35 * MiB,
  ownStreamsOnly: false,
  subscriptionsPerMailbox: 1000,
  subscriptionMinutes: 4230,
  notEnabled: new Set(),
};
