import type { Clock } from '#kit/clock.ts';
import type { Organization } from '../world/organization.ts';
import { type GraphSettings, shippedSettings } from './graph-settings.ts';
import { GraphThrottle } from './graph-throttle.ts';
import { GraphSubscriptions } from './subscriptions.ts';
import { networkWebhooks } from './webhook.ts';

/** A file on its way, range by range. */
export interface UploadSession {
  readonly id: string;
  readonly mailbox: string;
  readonly itemId: string;
  readonly clientId: string;
  readonly name: string;
  readonly contentType: string;
  readonly contentId: string | null;
  readonly isInline: boolean;
  readonly size: number;
  readonly received: Buffer[];
  receivedBytes: number;
  expiresAtMs: number;
}

/** An import URL that was given out. */
export interface ImportSession {
  readonly mailbox: string;
  readonly clientId: string;
  readonly expiresAtMs: number;
}

const sessionsMax = 10_000;

/** What Graph knows of an organization beside its mailboxes. Tests and people change it while the lab runs. */
export class GraphState {
  readonly throttle: GraphThrottle;
  readonly subscriptions: GraphSubscriptions;
  readonly uploads = new Map<string, UploadSession>();
  /** By token. */
  readonly imports = new Map<string, ImportSession>();
  readonly #clock: Clock;
  /** By application: tokens given out before this second are good no longer. */
  readonly #revoked = new Map<string, number>();
  #settings: GraphSettings;
  #epoch = 0;

  constructor(clock: Clock, settings: Partial<GraphSettings> = {}) {
    this.#clock = clock;
    this.throttle = new GraphThrottle(clock);
    this.#settings = { ...shippedSettings, ...settings };
    this.subscriptions = new GraphSubscriptions(networkWebhooks);
  }

  get settings(): GraphSettings {
    return this.#settings;
  }
  configure(change: Partial<GraphSettings>): void {
    this.#settings = { ...this.#settings, ...change };
  }

  /** Tokens of an earlier epoch are unknown. */
  get epoch(): number {
    return this.#epoch;
  }
  /** The service loses what it knows of every delta round, as its cache may at any time. */
  forgetTokens(): void {
    this.#epoch++;
  }

  /** Import URLs that were given out work no longer. */
  revokeImportSessions(): void {
    this.imports.clear();
  }

  /** An administrator revokes what an application holds. @param until `forever`: what it gets from now on is no good either. */
  revokeTokens(clientId: string, until: 'now' | 'forever' = 'now'): void {
    this.#revoked.set(clientId, until === 'now' ? Math.floor(this.#clock.nowMs() / 1000) : Number.POSITIVE_INFINITY);
  }
  /** What was revoked counts again. */
  restoreTokens(clientId: string): void {
    this.#revoked.delete(clientId);
  }
  isRevoked(clientId: string, issuedAtSeconds: number): boolean {
    return issuedAtSeconds < (this.#revoked.get(clientId) ?? Number.NEGATIVE_INFINITY);
  }

  /** Puts away a session, and the oldest ones when there are too many. */
  keep<T>(sessions: Map<string, T>, id: string, session: T): void {
    sessions.set(id, session);
    if (sessions.size <= sessionsMax) return;
    const [oldest] = sessions.keys();
    if (oldest !== undefined) sessions.delete(oldest);
  }
}

const states = new WeakMap<Organization, GraphState>();

/** The state of an organization's Graph, made when first asked for. */
export function graphStateOf(organization: Organization, settings: Partial<GraphSettings> = {}): GraphState {
  let state = states.get(organization);
  if (state === undefined) {
    state = new GraphState(organization.world.surroundings.clock, settings);
    states.set(organization, state);
  }
  return state;
}
