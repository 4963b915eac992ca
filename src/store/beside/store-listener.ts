import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { type StoreService, serveStore } from '../ipc/serve-store.ts';
import type { OpenStore, StoreLog } from '../open-store.ts';
import { FramedSocket } from './framed-socket.ts';
import { answerGreeting } from './greeting.ts';
import { listenPrivately, type MeetingPoint, removeMeetingPoint } from './meeting-point.ts';
import { socketChannel } from './socket-channel.ts';

/** Processes that work through one owner at a time; more are commands by the hundred, which somebody has not meant. */
const LINES_MAX = 64;

/** How others reach the owner of a store; written into its lock. */
export interface OwnersDoor {
  readonly address: string;
  readonly key: string;
}

export interface ListenerOptions {
  /** Absolute, of the store. */
  readonly path: string;
  /** Of the program: processes of different versions do not work on one store through each other. */
  readonly version: string;
  readonly log: StoreLog;
}

/** The ear of a process that owns a store: commands that come meanwhile work through it. */
export class StoreListener {
  readonly #options: ListenerOptions;
  readonly #key = randomBytes(32).toString('hex');
  readonly #lines = new Map<FramedSocket, StoreService | null>();
  readonly #store: Promise<OpenStore>;
  #serve: (store: OpenStore) => void = () => {};
  #point: MeetingPoint | null = null;
  #isOpen = true;

  constructor(options: ListenerOptions) {
    this.#options = options;
    this.#store = new Promise((resolve) => {
      this.#serve = resolve;
    });
  }

  /** @param left Where an owner listened that is gone. @returns null: nobody can come. */
  readonly open = async (left: string | null): Promise<OwnersDoor | null> => {
    const { path, log } = this.#options;
    if (left !== null) removeMeetingPoint(left);
    this.#point = await listenPrivately(path, (socket) => void this.#receive(socket));
    if (this.#point !== null) return { address: this.#point.address, key: this.#key };
    log.warn({ store: path }, 'no socket can be made: no other command writes to this store until this process ends');
    return null;
  };

  /** Whoever came already is served from now on. */
  serve(store: OpenStore): void {
    this.#serve(store);
  }

  /** Answers what was asked, ends `work`, and then tells everybody to go on without us. */
  async close(work: () => Promise<void>): Promise<void> {
    this.#isOpen = false;
    const lines = [...this.#lines];
    await Promise.all(lines.map(([, service]) => service?.drain()));
    try {
      await work();
    } finally {
      for (const [, service] of lines) service?.sayBye();
      await Promise.all(lines.map(([line]) => line.end()));
      this.#point?.server.close();
      if (this.#point !== null) removeMeetingPoint(this.#point.address);
    }
  }

  async #receive(socket: Socket): Promise<void> {
    const line = new FramedSocket(socket);
    if (!this.#isOpen || this.#lines.size >= LINES_MAX) return line.destroy();
    // What holds a process is its own work, not whoever works through it.
    socket.unref();
    this.#lines.set(line, null);
    line.closed.addEventListener('abort', () => this.#lines.delete(line), { once: true });
    const { version, log } = this.#options;
    try {
      if (!(await answerGreeting(line, version, this.#key))) return await line.end();
      const store = await this.#store;
      const service = serveStore(store, socketChannel(line));
      if (this.#isOpen) this.#lines.set(line, service);
      else await service.drain().then(service.sayBye);
    } catch {
      log.warn({ store: this.#options.path }, 'somebody came to the socket of the store who is no command of ours');
      line.destroy();
    }
  }
}
