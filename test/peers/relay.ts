import { connect, createServer, type Server, type Socket } from 'node:net';

/** A line to a server that can be cut or held up, on another port of the same address: the certificate stays right. */
export class Relay {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #bytes = 0;
  #at: { readonly bytes: number; readonly reached: () => void } | null = null;
  #isCut = false;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  static async open(address: string, port: number, behind: number): Promise<Relay> {
    const server = createServer();
    await new Promise<void>((ready, fail) => {
      server.once('error', fail);
      server.listen(port, address, ready);
    });
    const relay = new Relay(server, port);
    server.on('connection', (socket) => relay.#join(socket, connect(behind, address)));
    return relay;
  }

  #join(socket: Socket, onward: Socket): void {
    for (const each of [socket, onward]) {
      this.#sockets.add(each);
      each
        .on('error', () => {})
        .once('close', () => {
          this.#sockets.delete(each);
          (each === socket ? onward : socket).destroy();
        });
    }
    if (this.#isCut) {
      socket.destroy();
      onward.destroy();
      return;
    }
    onward.on('data', (data) => socket.write(data));
    socket.on('data', (data) => {
      onward.write(data);
      this.#bytes += data.length;
      if (this.#at === null || this.#bytes < this.#at.bytes) return;
      const { reached } = this.#at;
      this.#at = null;
      reached();
    });
  }

  /** Resolves when so many bytes more went to the server; what comes after them has to wait until `go`. */
  async hold(bytes: number): Promise<void> {
    await new Promise<void>((reached) => {
      this.#at = { bytes: this.#bytes + bytes, reached };
    });
    for (const socket of this.#sockets) socket.pause();
  }

  go(): void {
    for (const socket of this.#sockets) socket.resume();
  }

  /** Ends the connections there are, and all that are tried, until `mend`. */
  cut(): void {
    this.#isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Cuts as soon as so many bytes more went to the server. */
  cutAfter(bytes: number): void {
    this.#at = { bytes: this.#bytes + bytes, reached: () => this.cut() };
  }

  get isCut(): boolean {
    return this.#isCut;
  }

  mend(): void {
    this.#isCut = false;
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise((done) => this.#server.close(done));
  }
}
