/** The directory of an organization over LDAP: LDAPS, or LDAP that has to be made TLS by StartTLS, on the loopback. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { Clock } from '#kit/clock.ts';
import type { TlsSettings } from '../edge/listen.ts';
import { type LoopbackListener, listenOnLoopback } from '../edge/loopback.ts';
import type { Traffic } from '../edge/traffic.ts';
import type { FaultPoint, Faults } from '../seams.ts';
import type { Catalogue } from '../world/directory/catalogue.ts';
import type { Controller } from '../world/directory/controller.ts';
import type { Forest, SignedIn } from '../world/directory/forest.ts';
import { DirectoryRefusal, refuse, refuseEarly, resultCodes } from '../world/directory/refusal.ts';
import { attributeRow, readValue, valueKey } from '../world/directory/schema.ts';
import { BerError, elementLength } from './ber.ts';
import { readControls } from './controls.ts';
import { entryMessage, type Message, type Operation, readMessage, responseTags, resultMessage } from './message.ts';
import { extendedOids, rootDse } from './root-dse.ts';
import { answerSearch, PagedSearches } from './search.ts';

export interface LdapServerOptions {
  readonly forest: Forest;
  /** Which copy of the directory it shows, and who signs in where. */
  readonly controller: () => Controller;
  /** The port of the global catalogue: searches are of that, and nothing is written. Absent: an ordinary one. */
  readonly catalogue?: () => Catalogue;
  readonly tls: TlsSettings;
  /** `ldaps`: TLS from the first byte. `ldap`: plain, with StartTLS; nobody signs in without it. */
  readonly scheme: 'ldaps' | 'ldap';
  readonly faults: Faults;
  readonly clock: Clock;
  /** Told of faults of the lab's own. */
  readonly onFailure: (error: unknown) => void;
  /** Counts operations by their names, refused ones too; their status is the result code. */
  readonly traffic: Traffic;
}

/** As faults and counters name operations. */
const ldapOperationNames = {
  bind: 'LdapBind',
  search: 'LdapSearch',
  modify: 'LdapModify',
  add: 'LdapAdd',
  delete: 'LdapDelete',
  rename: 'LdapRename',
  compare: 'LdapCompare',
  extended: 'LdapExtended',
} as const;
type Answered = Exclude<Operation, { kind: 'unbind' | 'abandon' }>;

/** MaxReceiveBuffer. [MS-ADTS] 3.1.1.3.4.6 */
const messageBytesMax = 10_485_760;
const idleMs = 900_000;
/** MaxConnections. */
const connectionsMax = 5_000;

export const listenLdap = (options: LdapServerOptions, port = 0): Promise<LoopbackListener> =>
  listenOnLoopback(
    {
      scheme: options.scheme,
      isSecure: options.scheme === 'ldaps',
      tls: options.tls,
      connectionsMax,
      serve: (socket, startTls) => new Session(options, socket, startTls).start(),
    },
    port,
  );

/** One connection: who is signed in on it, and what it has asked for. */
class Session {
  readonly #options: LdapServerOptions;
  #socket: Socket;
  readonly #tlsOn: (plain: Socket) => Socket;
  #isSecure: boolean;
  #signedIn: SignedIn | null = null;
  readonly #paged = new PagedSearches();
  #rest: Buffer = Buffer.alloc(0);
  #isBusy = false;

  constructor(options: LdapServerOptions, socket: Socket, tlsOn: (plain: Socket) => Socket) {
    this.#options = options;
    this.#socket = socket;
    this.#isSecure = options.scheme === 'ldaps';
    this.#tlsOn = tlsOn;
  }

  start(): void {
    const socket = this.#socket;
    socket.setTimeout(idleMs, () => socket.destroy());
    socket.on('error', () => socket.destroy());
    socket.on('data', this.#received);
  }
  readonly #received = (bytes: Buffer): void => {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    if (!this.#isBusy) void this.#work();
  };

  /** One message after the other, in the order in which they came. */
  async #work(): Promise<void> {
    this.#isBusy = true;
    try {
      for (;;) {
        const length = elementLength(this.#rest);
        if (length !== null && length > messageBytesMax) throw new BerError('a message is too long');
        if (length === null || length > this.#rest.length) break;
        const bytes = this.#rest.subarray(0, length);
        this.#rest = this.#rest.subarray(length);
        if (!(await this.#handle(readMessage(bytes)))) break;
      }
    } catch (error) {
      // Bytes that are no LDAP end the connection, as a notice of disconnection does. RFC 4511 section 4.4.1
      if (!(error instanceof BerError) && !this.#socket.destroyed) this.#options.onFailure(error);
      this.#socket.destroy();
    } finally {
      this.#isBusy = false;
    }
  }

  /** @returns false: the connection is no longer read from here. */
  async #handle(message: Message): Promise<boolean> {
    const { operation } = message;
    if (operation.kind === 'unbind') {
      this.#socket.end();
      return false;
    }
    if (operation.kind === 'abandon') return true;
    const name = ldapOperationNames[operation.kind];
    const slow = this.#strikes('slow', name);
    if (slow !== null) await this.#options.clock.sleep(slow.ms ?? 1000);
    if (this.#strikes('drop-before', name) !== null) {
      this.#socket.destroy();
      return false;
    }
    let code: number;
    let answer: readonly Buffer[];
    try {
      if (this.#strikes('server-busy', name) !== null) throw refuse('busy', 0x200e, 'BUSY');
      if (this.#strikes('http-503', name) !== null) throw refuse('unavailable', 0x200f, 'UNAVAILABLE');
      if (operation.kind === 'extended' && operation.oid === extendedOids.startTls) return this.#startTls(message.id);
      answer = [...this.#carryOut(message, operation)];
      code = resultCodes.success;
    } catch (error) {
      if (!(error instanceof DirectoryRefusal)) throw error;
      code = resultCodes[error.result];
      answer = [
        resultMessage(message.id, responseTags[operation.kind], {
          code,
          matchedDn: error.matchedDn,
          diagnostic: `${error.message}\u0000`,
          referral: error.referral,
        }),
      ];
    }
    const told = this.#options.traffic.carriedOut({
      atMs: this.#options.clock.nowMs(),
      organization: this.#options.forest.name,
      operation: name,
      mailbox: null,
      caller: this.#signedIn?.user ?? '',
      status: code,
    });
    if (this.#strikes('drop-after', name) !== null) {
      told(false);
      this.#socket.destroy();
      return false;
    }
    const whole = Buffer.concat(answer);
    if (this.#strikes('reset-mid', name) !== null) {
      told(false);
      this.#socket.write(whole.subarray(0, whole.length >> 1), () => this.#socket.destroy());
      return false;
    }
    if (!this.#socket.write(whole)) await drained(this.#socket);
    told(!this.#socket.destroyed);
    return !this.#socket.destroyed;
  }

  #strikes(point: FaultPoint, operation: string) {
    const { faults, forest } = this.#options;
    return faults.strike(point, { organization: forest.name, mailbox: null, operation });
  }

  #startTls(id: number): boolean {
    const answer = (code: number): Buffer =>
      resultMessage(id, responseTags.extended, { code, oid: extendedOids.startTls });
    if (this.#isSecure) {
      this.#socket.write(answer(resultCodes.operationsError));
      return true;
    }
    const plain = this.#socket;
    plain.off('data', this.#received);
    plain.write(answer(resultCodes.success), () => {
      const secured = this.#tlsOn(plain);
      this.#isSecure = true;
      this.#signedIn = null;
      this.#socket = secured;
      this.#rest = Buffer.alloc(0);
      this.start();
    });
    return false;
  }

  *#carryOut({ id, controls: given }: Message, operation: Answered): Generator<Buffer> {
    const { forest } = this.#options;
    const at = this.#options.controller();
    const done = (): Buffer => resultMessage(id, responseTags[operation.kind], { code: resultCodes.success });
    if (operation.kind === 'bind') {
      this.#bind(at, operation);
      yield done();
      return;
    }
    const controls = readControls(given);
    if (controls.unknownCritical !== null)
      throw refuseEarly('unavailableCriticalExtension', 0x57, 'Error processing control');
    if (operation.kind === 'search' && operation.base === '' && operation.scope === 'base') {
      const hasStartTls = this.#options.scheme === 'ldap';
      yield entryMessage(id, '', rootDse(forest, at, operation.attributes, this.#options.clock.nowMs(), hasStartTls));
      yield done();
      return;
    }
    const by = this.#signedIn;
    if (by === null)
      throw refuseEarly(
        'operationsError',
        0x4dc,
        'In order to perform this operation a successful bind must be completed on the connection.',
      );
    const catalogue = this.#options.catalogue?.() ?? null;
    if (catalogue !== null && operation.kind !== 'search' && operation.kind !== 'extended')
      throw refuseEarly('unwillingToPerform', 0x2035, 'Operation not allowed through GC port');
    switch (operation.kind) {
      case 'search':
        return yield* answerSearch(catalogue ?? at, by, id, operation, controls, this.#paged);
      case 'add': {
        const attributes = new Map<string, readonly Buffer[]>();
        for (const { name, values } of operation.attributes) {
          if (attributes.has(name.toLowerCase()))
            throw refuse('attributeOrValueExists', 0x207e, 'ATT_OR_VALUE_EXISTS', { attribute: name });
          attributes.set(name.toLowerCase(), values);
        }
        at.add(by, operation.dn, attributes);
        return yield done();
      }
      case 'modify':
        at.modify(by, operation.dn, operation.changes, controls.isPermissive);
        return yield done();
      case 'rename':
        at.rename(by, operation.dn, operation.newRdn, operation.newParent);
        return yield done();
      case 'delete':
        at.remove(by, operation.dn, controls.isTreeDelete);
        return yield done();
      case 'compare': {
        const [entry] = at.search(by, {
          base: operation.dn,
          scope: 'base',
          filter: { kind: 'present', attribute: 'objectClass' },
        });
        const row = attributeRow(operation.attribute);
        const value = row === null ? null : readValue(row, operation.value);
        const same =
          entry !== undefined &&
          row !== null &&
          value !== null &&
          at.read(entry, row.name.toLowerCase()).some((one) => valueKey(row, one) === valueKey(row, value));
        const code = same ? resultCodes.compareTrue : resultCodes.compareFalse;
        return yield resultMessage(id, responseTags.compare, { code });
      }
      case 'extended': {
        if (operation.oid !== extendedOids.whoAmI)
          throw refuseEarly('protocolError', 0x203d, 'Unknown extended request OID');
        return yield resultMessage(id, responseTags.extended, {
          code: resultCodes.success,
          value: `u:${by.account}`,
        });
      }
    }
  }

  /** Only simple binds over TLS; without a name or a password nobody is signed in, which is no error yet. */
  #bind(at: Controller, { version, name, password }: Extract<Operation, { kind: 'bind' }>): void {
    this.#signedIn = null;
    if (version !== 3) throw refuseEarly('protocolError', 0x203d, 'Unsupported version of the protocol');
    if (password === null) throw refuseEarly('authMethodNotSupported', 0x2027, 'SASL is not offered here');
    if (!this.#isSecure)
      throw refuseEarly(
        'strongerAuthRequired',
        0x2028,
        'The server requires binds to turn on integrity checking if SSL\\TLS are not already active on the connection',
      );
    if (name === '' || password === '') return;
    this.#signedIn = this.#options.forest.signIn(at, name, password);
  }
}

/** Waits until what was written is on its way, or never will be. */
async function drained(socket: Socket): Promise<void> {
  const settled = new AbortController();
  const { signal } = settled;
  try {
    await Promise.race([once(socket, 'drain', { signal }), once(socket, 'close', { signal })]);
  } finally {
    // The one that has not come is not waited for any more.
    settled.abort();
  }
}
