import { once } from 'node:events';
import type { Socket } from 'node:net';
import { StoreError } from '../store-error.ts';

/** Bytes of the length before each frame, little-endian. */
const HEAD_BYTES = 4;
/** Of the first frame, in which both ends say who they are. */
const GREETING_BYTES_MAX = 1024;
/** Written and not yet read by the other end; above it nothing more is taken from it, and what may be left out is. */
const UNREAD_BYTES_MAX = 1024 * 1024;
/** For the last words to somebody who may have been stopped in the middle. */
const LAST_WORDS_MS = 2_000;

/**
 * A socket that carries frames: four bytes of length, then so many bytes. What is longer than `bytesMax` ends the connection before it is
 * read. Frames wait until somebody listens.
 */
export class FramedSocket {
  /** Of a frame of the other end. */
  bytesMax = GREETING_BYTES_MAX;
  readonly #socket: Socket;
  readonly #closed = new AbortController();
  readonly #early: Buffer[] = [];
  #listener: ((frame: Buffer) => void) | null = null;
  #chunks: Buffer[] = [];
  #size = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
    // What went wrong does not matter to anybody: the line is gone, and whoever waits for an answer is told so.
    socket.on('error', () => {});
    socket.once('close', () => this.#closed.abort(new StoreError('closed', 'the other process ended')));
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('drain', () => this.#socket.resume());
  }

  /** Aborted when the other end is gone. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  get isFull(): boolean {
    return this.#socket.writableLength > UNREAD_BYTES_MAX;
  }

  send(frame: Buffer): void {
    const head = Buffer.allocUnsafe(HEAD_BYTES);
    head.writeUInt32LE(frame.length);
    this.#socket.cork();
    this.#socket.write(head);
    this.#socket.write(frame);
    this.#socket.uncork();
  }

  /** Those that came already are told first. */
  listen(listener: (frame: Buffer) => void): void {
    this.#listener = listener;
    while (this.#listener === listener && this.#early.length > 0) listener(this.#early.shift() as Buffer);
    this.#socket.resume();
  }

  /** The next frame; rejects with the signal's reason, or when the line ends. */
  async next(signal: AbortSignal): Promise<Buffer> {
    const either = AbortSignal.any([signal, this.closed]);
    return new Promise((resolve, reject) => {
      const fail = () => reject(either.reason);
      if (either.aborted) return fail();
      either.addEventListener('abort', fail, { once: true });
      this.listen((frame) => {
        this.#listener = null;
        either.removeEventListener('abort', fail);
        resolve(frame);
      });
    });
  }

  /** Says what was sent, then ends. */
  async end(): Promise<void> {
    if (this.closed.aborted) return;
    // The listener of the owner does not keep its process alive; until the last words are said, it must.
    this.#socket.ref();
    const patience = setTimeout(() => this.destroy(), LAST_WORDS_MS);
    const ended = once(this.closed, 'abort');
    this.#socket.end(() => this.destroy());
    await ended;
    clearTimeout(patience);
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    while (!this.#socket.destroyed && this.#size >= HEAD_BYTES) {
      const length = this.#head();
      if (length > this.bytesMax) {
        this.destroy();
        return;
      }
      if (this.#size < HEAD_BYTES + length) break;
      const all = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks);
      const rest = all.subarray(HEAD_BYTES + length);
      this.#chunks = rest.length === 0 ? [] : [rest];
      this.#size = rest.length;
      this.#deliver(all.subarray(HEAD_BYTES, HEAD_BYTES + length));
    }
    // Who does not read our answers is asked for no more.
    if (this.isFull) this.#socket.pause();
  }

  #head(): number {
    const [first] = this.#chunks;
    if (first === undefined || first.length < HEAD_BYTES) this.#chunks = [Buffer.concat(this.#chunks)];
    return (this.#chunks[0] as Buffer).readUInt32LE(0);
  }

  #deliver(frame: Buffer): void {
    if (this.#listener !== null) this.#listener(frame);
    else {
      this.#early.push(frame);
      this.#socket.pause();
    }
  }
}
