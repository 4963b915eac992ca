import type { TLSSocket } from 'node:tls';
import { type BerWriter, BindRequest, Control, type Filter, SearchRequest, UnbindRequest } from 'ldapts';
import { FaultError } from '#kit/fault.ts';
import { abortFault, DeadlinePassed, networkFault } from '../../http/network-faults.ts';
import { frameLength, type LdapEntry, type LdapResult, MalformedAnswer, readAnswer } from './ldap-answers.ts';
import { LdapRefusal } from './ldap-results.ts';

/** A request as ldapts writes it; gets its number when it is sent. */
export interface Encodable {
  messageId: number;
  write(): Buffer;
}

export interface LdapOutcome {
  readonly entries: readonly LdapEntry[];
  readonly result: LdapResult;
}

export interface SearchShape {
  readonly base: string;
  readonly scope: 'base' | 'one' | 'sub';
  readonly filter: Filter;
  readonly attributes: readonly string[];
  readonly controls: readonly ValueControl[];
  /** Entries after which the server shall stop; 0: none. */
  readonly sizeLimit: number;
}

/** A control with a value that is made already. */
export class ValueControl extends Control {
  readonly #value: Buffer | null;
  constructor(type: string, value: Buffer | null, critical = true) {
    super(type, { critical });
    this.#value = value;
  }
  protected override writeControl(writer: BerWriter): void {
    if (this.#value !== null) writer.writeBuffer(this.#value, 0x04);
  }
}

/** One message: an object with every value of a large attribute. Active Directory's own limit is 10 MB. */
const messageBytesMax = 32 * 1024 * 1024;
/** One answer: a page of entries, each with its photo. */
const answerBytesMax = 256 * 1024 * 1024;
const largestId = 2 ** 31 - 1;

interface Waiting {
  readonly entries: LdapEntry[];
  bytes: number;
  readonly mayHaveHappened: boolean;
  settle(outcome: LdapOutcome | null, error: unknown): void;
}

/**
 * One connection. Requests of several callers are on their way at the same time; each gets its own answers. It ends at the first thing that
 * is not understood, and never opens itself again: whoever holds it knows that what was signed in is gone.
 */
export class LdapConnection {
  readonly #socket: TLSSocket;
  readonly #peer: string;
  readonly #waiting = new Map<number, Waiting>();
  #received: Buffer[] = [];
  #receivedBytes = 0;
  /** Bytes that must be there before a look at what was received is worth while. */
  #neededBytes = 2;
  #lastId = 0;
  #ended: FaultError | null = null;

  constructor(socket: TLSSocket, peer: string) {
    this.#socket = socket;
    this.#peer = peer;
    socket.on('data', (data: Buffer) => this.#receive(data));
    socket.on('error', (error) => this.#end(new FaultError(networkFault(error, peer, false))));
    socket.on('close', () =>
      this.#end(
        new FaultError({ kind: 'transient', detail: `${peer}: the connection was closed`, mayHaveHappened: false }),
      ),
    );
  }

  get usable(): boolean {
    return this.#ended === null && !this.#socket.destroyed;
  }

  /** Throws LdapRefusal when the name or the password are wrong. */
  async signIn(user: string, password: string, signal: AbortSignal): Promise<void> {
    await this.request(new BindRequest({ messageId: 0, dn: user, password }), false, signal);
  }

  search(shape: SearchShape, signal: AbortSignal): Promise<LdapOutcome> {
    const { base, scope, filter, attributes, controls, sizeLimit } = shape;
    const request = new SearchRequest({
      messageId: 0,
      baseDN: base,
      scope,
      filter,
      attributes: [...attributes],
      controls: [...controls],
      sizeLimit,
      timeLimit: 120,
    });
    return this.request(request, false, signal);
  }

  /**
   * Sends a request and waits for the end of its answer. Throws LdapRefusal for every code but success, FaultError when there is no answer.
   *
   * @param changes whether it changes something, so that an answer that was lost leaves a doubt.
   */
  request(request: Encodable, changes: boolean, signal: AbortSignal): Promise<LdapOutcome> {
    if (this.#ended !== null) return Promise.reject(this.#ended);
    if (signal.aborted) return Promise.reject(new FaultError(abortFault(signal, this.#peer, false)));
    const id = this.#nextId();
    request.messageId = id;
    const bytes = request.write();
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        const fault = new FaultError(abortFault(signal, this.#peer, changes));
        waiting.settle(null, fault);
        // A server that let a deadline pass may hang: the next call begins with a new connection.
        if (signal.reason instanceof DeadlinePassed) this.close();
        else this.#abandon(id);
      };
      const waiting: Waiting = {
        entries: [],
        bytes: 0,
        mayHaveHappened: changes,
        settle: (outcome, error) => {
          signal.removeEventListener('abort', onAbort);
          this.#waiting.delete(id);
          if (outcome === null) reject(error);
          else if (outcome.result.code === 0) resolve(outcome);
          else reject(new LdapRefusal(outcome.result, this.#peer));
        },
      };
      this.#waiting.set(id, waiting);
      signal.addEventListener('abort', onAbort);
      this.#socket.write(bytes);
    });
  }

  close(): void {
    if (!this.#socket.destroyed && this.#ended === null) {
      this.#socket.write(new UnbindRequest({ messageId: this.#nextId() }).write());
      this.#socket.end();
    }
    this.#end(
      new FaultError({ kind: 'transient', detail: `${this.#peer}: the connection was closed`, mayHaveHappened: false }),
    );
  }

  #nextId(): number {
    do this.#lastId = this.#lastId >= largestId ? 1 : this.#lastId + 1;
    while (this.#waiting.has(this.#lastId));
    return this.#lastId;
  }

  /** [RFC 4511] 4.11. Answers that are on their way already find nobody. */
  #abandon(id: number): void {
    const number = Buffer.alloc(4);
    number.writeInt32BE(id);
    const body = Buffer.concat([Buffer.from([0x02, 4]), this.#idBytes(), Buffer.from([0x50, 4]), number]);
    this.#socket.write(Buffer.concat([Buffer.from([0x30, body.length]), body]));
  }
  #idBytes(): Buffer {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(this.#nextId());
    return bytes;
  }

  #receive(data: Buffer): void {
    if (this.#ended !== null) return;
    this.#received.push(data);
    this.#receivedBytes += data.length;
    if (this.#receivedBytes < this.#neededBytes) return;
    let buffer = this.#received.length === 1 ? data : Buffer.concat(this.#received);
    try {
      for (;;) {
        const length = frameLength(buffer, messageBytesMax);
        if (length === null) break;
        this.#answer(buffer.subarray(0, length));
        buffer = buffer.subarray(length);
      }
    } catch (cause) {
      const detail = `${this.#peer}: ${cause instanceof Error ? cause.message : 'unreadable'}; is this an LDAP server?`;
      this.#end(
        cause instanceof MalformedAnswer
          ? new FaultError({ kind: 'fatal', code: 'protocol', detail, cause })
          : new FaultError({ kind: 'transient', detail, mayHaveHappened: true, cause }),
      );
      return;
    }
    this.#received = buffer.length > 0 ? [buffer] : [];
    this.#receivedBytes = buffer.length;
    // Twice what is there: many small pieces of a large message are put together a few times only.
    this.#neededBytes = Math.max(
      2,
      buffer.length > 64 * 1024 ? Math.min(buffer.length * 2, this.#frameEnd(buffer)) : 0,
    );
  }
  /** Length that the head of the message promises. */
  #frameEnd(buffer: Buffer): number {
    const more = (buffer[1] ?? 0) & 0x80 ? (buffer[1] ?? 0) & 0x7f : 0;
    return more === 0 ? 2 : 2 + more + buffer.readUIntBE(2, more);
  }

  #answer(frame: Buffer): void {
    const answer = readAnswer(frame);
    const waiting = this.#waiting.get(answer.id);
    if (answer.id === 0) {
      // Notice of disconnection ([RFC 4511] 4.4.1), the only message that nobody asked for.
      const said = answer.kind === 'done' ? answer.result.message.slice(0, 200) : '';
      const detail = `${this.#peer}: the server ended the connection (${said})`;
      this.#end(new FaultError({ kind: 'transient', detail, mayHaveHappened: false }));
      return;
    }
    if (waiting === undefined) return;
    waiting.bytes += frame.length;
    if (waiting.bytes > answerBytesMax)
      throw new MalformedAnswer(`an answer is over the limit of ${answerBytesMax} bytes`);
    if (answer.kind === 'entry') waiting.entries.push(answer.entry);
    else if (answer.kind === 'done') waiting.settle({ entries: waiting.entries, result: answer.result }, null);
  }

  #end(error: FaultError): void {
    if (this.#ended !== null) return;
    this.#ended = error;
    this.#received = [];
    for (const waiting of [...this.#waiting.values()]) {
      const { fault } = error;
      const doubt = fault.kind === 'transient' && waiting.mayHaveHappened;
      waiting.settle(null, doubt ? new FaultError({ ...fault, mayHaveHappened: true }) : error);
    }
    if (!this.#socket.writableEnded) this.#socket.destroy();
  }
}
