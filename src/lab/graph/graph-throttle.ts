import type { Clock } from '#kit/clock.ts';
import { GraphError } from './graph-error.ts';
import type { GraphThrottling } from './graph-settings.ts';

interface Use {
  /** When each request of the window came, oldest first. */
  readonly requests: number[];
  readonly uploads: { readonly atMs: number; readonly bytes: number }[];
  uploadedBytes: number;
  inFlight: number;
  inFlightPeak: number;
  total: number;
  totalBytes: number;
  refused: number;
}

/** What an application did with a mailbox. */
export interface GraphCounters {
  readonly application: string;
  readonly mailbox: string;
  readonly requests: number;
  readonly uploadedBytes: number;
  readonly refused: number;
  readonly inFlightPeak: number;
}

/** The Outlook service's limits for each pair of application and mailbox. Windows slide (assumed: the stricter reading). */
export class GraphThrottle {
  readonly #clock: Clock;
  readonly #uses = new Map<string, Use>();
  #refusals = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  #use(key: string): Use {
    let use = this.#uses.get(key);
    if (use === undefined) {
      use = {
        requests: [],
        uploads: [],
        uploadedBytes: 0,
        inFlight: 0,
        inFlightPeak: 0,
        total: 0,
        totalBytes: 0,
        refused: 0,
      };
      this.#uses.set(key, use);
    }
    return use;
  }

  /**
   * Lets a request in, or throws 429. The returned function is called once when it is done.
   * @param uploadBytes of a PATCH, POST or PUT; otherwise 0.
   */
  admit(limits: GraphThrottling | null, application: string, mailbox: string, uploadBytes: number): () => void {
    const use = this.#use(`${application} ${mailbox}`);
    const now = this.#clock.nowMs();
    if (limits !== null) {
      const requestsFrom = now - limits.requestsWindowMs / limits.faster;
      const uploadsFrom = now - limits.uploadWindowMs / limits.faster;
      const expired = use.requests.findIndex((atMs) => atMs > requestsFrom);
      use.requests.splice(0, expired < 0 ? use.requests.length : expired);
      while (use.uploads[0] !== undefined && use.uploads[0].atMs <= uploadsFrom)
        use.uploadedBytes -= use.uploads.shift()?.bytes ?? 0;
      if (use.inFlight >= limits.concurrent)
        throw this.#refuse(
          use,
          limits,
          'ApplicationThrottled',
          'Application is over its MailboxConcurrency limit.',
          1000,
        );
      if (use.requests.length >= limits.requests)
        throw this.#refuse(
          use,
          limits,
          'TooManyRequests',
          'Too many requests.',
          (use.requests[use.requests.length - limits.requests] ?? now) - requestsFrom,
        );
      if (uploadBytes > 0 && use.uploadedBytes + uploadBytes > limits.uploadBytes)
        throw this.#refuse(
          use,
          limits,
          'activityLimitReached',
          'The request has been throttled.',
          this.#untilRoom(use, limits, uploadBytes) - uploadsFrom,
        );
      use.requests.push(now);
      if (uploadBytes > 0) use.uploads.push({ atMs: now, bytes: uploadBytes });
      use.uploadedBytes += uploadBytes;
    }
    use.total++;
    use.totalBytes += uploadBytes;
    use.inFlight++;
    use.inFlightPeak = Math.max(use.inFlightPeak, use.inFlight);
    let open = true;
    return () => {
      if (open) use.inFlight--;
      open = false;
    };
  }

  /** When the upload was made whose bytes have to be gone first. */
  #untilRoom(use: Use, limits: GraphThrottling, wanted: number): number {
    let left = use.uploadedBytes + wanted - limits.uploadBytes;
    for (const { atMs, bytes } of use.uploads) {
      left -= bytes;
      if (left <= 0) return atMs;
    }
    return this.#clock.nowMs();
  }

  #refuse(use: Use, limits: GraphThrottling, code: string, message: string, waitMs: number): GraphError {
    use.refused++;
    const says = limits.retryAfter === 'always' || (limits.retryAfter === 'some' && this.#refusals++ % 2 === 0);
    const seconds = Math.max(waitMs, 1) / 1000;
    // Whole seconds, and fractions as they were seen. (FACTS §4: 2.128)
    const text = seconds < 10 ? seconds.toFixed(3) : String(Math.ceil(seconds));
    return new GraphError(429, code, message, says ? { 'retry-after': text } : {});
  }

  get counters(): readonly GraphCounters[] {
    return [...this.#uses].map(([key, { total, totalBytes, refused, inFlightPeak }]) => {
      const space = key.indexOf(' ');
      return {
        application: key.slice(0, space),
        mailbox: key.slice(space + 1),
        requests: total,
        uploadedBytes: totalBytes,
        refused,
        inFlightPeak,
      };
    });
  }
}
