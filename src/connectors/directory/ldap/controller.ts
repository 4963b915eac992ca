import { AddRequest, Attribute, Change, DeleteRequest, ModifyDNRequest, ModifyRequest } from 'ldapts';
import type { Clock } from '#kit/clock.ts';
import { FaultError } from '#kit/fault.ts';
import type { TlsPolicy } from '#kit/transport.ts';
import type { Context } from '../../contract.ts';
import { deadline } from '../../http/deadline.ts';
import type { LdapEntry } from './ldap-answers.ts';
import {
  type Encodable,
  LdapConnection,
  type LdapOutcome,
  type SearchShape,
  type ValueControl,
} from './ldap-connection.ts';
import { EncodedFilter, type LdapFilter, present } from './ldap-filter.ts';
import { asFault } from './ldap-results.ts';
import { type LdapEndpoint, openLdapSocket, peerName } from './ldap-socket.ts';
import { pagedControl, readPagedCookie } from './search-controls.ts';

export interface SignIn {
  /** UPN, DN or DOMAIN\name. */
  readonly user: string;
  readonly password: string;
}

export interface ControllerOptions {
  readonly endpoint: LdapEndpoint;
  readonly tls: TlsPolicy;
  readonly signIn: SignIn;
  readonly clock: Clock;
  /** Longest time for one request, whatever the caller's deadline is. */
  readonly requestMaxMs: number;
  readonly counts: { searches: number; writes: number };
}

export interface Search {
  readonly base: string;
  readonly scope?: 'base' | 'one' | 'sub';
  readonly filter?: LdapFilter;
  readonly attributes: readonly string[];
  readonly controls?: readonly ValueControl[];
  readonly sizeLimit?: number;
  /** Asked once to learn what server and forest this is: not counted among the searches. */
  readonly isLearning?: boolean;
}

/** Where a paged search stands. Dies with the connection it was begun on. */
export interface PagePlace {
  readonly connection: LdapConnection;
  readonly cookie: Buffer;
}

/** Values that one change takes away from an attribute and adds to it. */
export interface ValueChange {
  readonly attribute: string;
  readonly remove: readonly Buffer[];
  readonly add: readonly Buffer[];
}

const everything = present('objectClass');
/** Active Directory's own limit is 1000 (MaxPageSize). */
const pageSize = 500;

/** One domain controller: a connection that is opened, signed in and opened again as needed. */
export class Controller {
  readonly peer: string;
  readonly endpoint: LdapEndpoint;
  readonly #options: ControllerOptions;
  #connection: LdapConnection | null = null;
  #opening: Promise<LdapConnection> | null = null;
  #closed = false;
  #opened = 0;

  constructor(options: ControllerOptions) {
    this.#options = options;
    this.endpoint = options.endpoint;
    this.peer = peerName(options.endpoint);
  }

  /** How many connections there have been: behind another one may be another server, when a name stands for several. */
  get opened(): number {
    return this.#opened;
  }

  get isOpen(): boolean {
    return this.#connection?.usable === true;
  }

  /** All entries, page by page. Throws LdapRefusal or FaultError; what was read before is not handed out. */
  async searchAll(search: Search, context: Context): Promise<readonly LdapEntry[]> {
    const entries: LdapEntry[] = [];
    for (let place: PagePlace | null = null; ; ) {
      const page: { entries: readonly LdapEntry[]; next: PagePlace | null } = await this.page(search, place, context);
      entries.push(...page.entries);
      if (page.next === null) return entries;
      place = page.next;
    }
  }

  /** One page. Throws fault `cursor-lost` when the connection that the place belongs to is gone. */
  async page(
    search: Search,
    place: PagePlace | null,
    context: Context,
  ): Promise<{ readonly entries: readonly LdapEntry[]; readonly next: PagePlace | null }> {
    if (place !== null && !place.connection.usable) throw new FaultError({ kind: 'cursor-lost' });
    const control = pagedControl(pageSize, place?.cookie ?? Buffer.alloc(0));
    const controls = [...(search.controls ?? []), control];
    const { outcome, connection } =
      place === null
        ? await this.#read({ ...search, controls }, context)
        : {
            outcome: await this.#ask(place.connection, { ...search, controls }, context),
            connection: place.connection,
          };
    const cookie = readPagedCookie(outcome.result.controls);
    // A page may be empty and not be the last.
    return { entries: outcome.entries, next: cookie.length > 0 ? { connection, cookie } : null };
  }

  /** One search without pages, with the values of the controls of its answer. */
  async search(search: Search, context: Context): Promise<LdapOutcome> {
    return (await this.#read(search, context)).outcome;
  }

  add(dn: string, values: ReadonlyMap<string, readonly Buffer[]>, context: Context): Promise<void> {
    const attributes = [...values].map(([type, list]) => new Attribute({ type, values: [...list] }));
    return this.#write(new AddRequest({ messageId: 0, dn, attributes }), context);
  }

  /** One operation: all changes or none. Values to take away must be there. */
  modify(dn: string, changes: readonly ValueChange[], context: Context): Promise<void> {
    const list = changes.flatMap(({ attribute, remove, add }) =>
      (['delete', 'add'] as const).flatMap((operation) => {
        const values = operation === 'delete' ? remove : add;
        if (values.length === 0) return [];
        return [new Change({ operation, modification: new Attribute({ type: attribute, values: [...values] }) })];
      }),
    );
    return this.#write(new ModifyRequest({ messageId: 0, dn, changes: list }), context);
  }

  rename(dn: string, newRdn: string, newSuperior: string, context: Context): Promise<void> {
    return this.#write(new ModifyDNRequest({ messageId: 0, dn, deleteOldRdn: true, newRdn, newSuperior }), context);
  }

  remove(dn: string, context: Context): Promise<void> {
    return this.#write(new DeleteRequest({ messageId: 0, dn }), context);
  }

  close(): void {
    this.#closed = true;
    this.#connection?.close();
    this.#connection = null;
  }

  async #read(search: Search, context: Context): Promise<{ outcome: LdapOutcome; connection: LdapConnection }> {
    const known = this.#connection;
    const connection = await this.#open(context);
    try {
      return { outcome: await this.#ask(connection, search, context), connection };
    } catch (error) {
      // A connection that had been idle may have been closed by the server just then (MaxConnIdleTime); a read is asked again, once.
      const isIdleEnd = connection === known && error instanceof FaultError && error.fault.kind === 'transient';
      if (!isIdleEnd || connection.usable || context.signal.aborted) throw error;
      const again = await this.#open(context);
      return { outcome: await this.#ask(again, search, context), connection: again };
    }
  }

  async #ask(connection: LdapConnection, search: Search, context: Context): Promise<LdapOutcome> {
    const { base, scope = 'sub', filter = everything, attributes, controls = [], sizeLimit = 0 } = search;
    const shape: SearchShape = { base, scope, filter: new EncodedFilter(filter), attributes, controls, sizeLimit };
    if (search.isLearning !== true) this.#options.counts.searches++;
    return this.#within(context, (signal) => connection.search(shape, signal));
  }

  async #write(request: Encodable, context: Context): Promise<void> {
    const connection = await this.#open(context);
    this.#options.counts.writes++;
    await this.#within(context, (signal) => connection.request(request, true, signal));
  }

  async #within<T>(context: Context, act: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { clock, requestMaxMs } = this.#options;
    const limit = deadline(clock, context.signal, Math.min(context.deadlineMs, clock.monotonicMs() + requestMaxMs));
    try {
      return await act(limit.signal);
    } finally {
      limit.release();
    }
  }

  /** The connection, opened and signed in by the first who needs it. */
  async #open(context: Context): Promise<LdapConnection> {
    for (;;) {
      if (this.#closed) {
        const detail = `${this.peer}: this directory was closed`;
        throw new FaultError({ kind: 'transient', detail, mayHaveHappened: false });
      }
      if (this.#connection?.usable) return this.#connection;
      if (this.#opening === null) {
        const opening = this.#within(context, (signal) => this.#connect(signal)).finally(() => {
          this.#opening = null;
        });
        this.#opening = opening;
        return opening;
      }
      // Somebody else's call may end before ours: then it is our turn.
      await this.#opening.catch((error: unknown) => {
        const theirs = error instanceof FaultError && error.fault.kind === 'transient';
        if (!theirs || context.signal.aborted) throw error;
      });
    }
  }

  async #connect(signal: AbortSignal): Promise<LdapConnection> {
    const { endpoint, tls, signIn } = this.#options;
    const connection = new LdapConnection(await openLdapSocket(endpoint, tls, signal), this.peer);
    try {
      await connection.signIn(signIn.user, signIn.password, signal);
    } catch (error) {
      connection.close();
      throw asFault(error);
    }
    if (this.#closed) connection.close();
    else {
      this.#connection = connection;
      this.#opened++;
    }
    return connection;
  }
}
