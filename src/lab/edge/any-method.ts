import { METHODS } from 'node:http';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';

/** Header in which a method travels that Node's parser has no name for. */
export const methodHeader = 'x-lab-method';

/** A method that the parser knows and that may have a body. */
const standIn = 'SEARCH';
const known = new Set(METHODS);
/** Longer lines are the parser's to refuse. */
const lineMax = 64 * 1024;

/**
 * Follows the requests on a connection as far as to know where each begins, and writes a method that Node's parser does not have
 * (`BPROPFIND`, `X-MS-ENUMATTS`) as one that it has, with the real one in a header. What is no HTTP/1.1 goes through as it is.
 */
export class MethodRewriter {
  #state: 'request-line' | 'headers' | 'body' | 'chunk-size' | 'chunk' | 'trailers' | 'through' = 'request-line';
  /** The beginning of a line whose end has not come. */
  #line: Buffer = Buffer.alloc(0);
  #left = 0;
  #length = 0;
  #chunked = false;

  /** What is to be read instead of these bytes. */
  push(bytes: Buffer): Buffer {
    const out: Buffer[] = [];
    let at = 0;
    while (at < bytes.length) {
      if (this.#state === 'through') {
        out.push(bytes.subarray(at));
        break;
      }
      if (this.#state === 'body' || this.#state === 'chunk') {
        const taken = Math.min(this.#left, bytes.length - at);
        out.push(bytes.subarray(at, at + taken));
        at += taken;
        this.#left -= taken;
        if (this.#left === 0) this.#state = this.#state === 'body' ? 'request-line' : 'chunk-size';
        continue;
      }
      const end = bytes.indexOf(10, at);
      const piece = bytes.subarray(at, end < 0 ? bytes.length : end + 1);
      at += piece.length;
      this.#line = this.#line.length === 0 ? piece : Buffer.concat([this.#line, piece]);
      if (end < 0 && this.#line.length <= lineMax) break;
      const line = this.#line;
      this.#line = Buffer.alloc(0);
      if (end < 0) this.#state = 'through';
      out.push(end < 0 ? line : this.#endOfLine(line));
    }
    return out.length === 1 ? (out[0] as Buffer) : Buffer.concat(out);
  }

  #endOfLine(line: Buffer): Buffer {
    const text = line.toString('latin1').replace(/\r?\n$/, '');
    switch (this.#state) {
      case 'request-line': {
        // Empty lines may stand before a request. RFC 9112 2.2
        if (text === '') return line;
        this.#state = 'headers';
        this.#length = 0;
        this.#chunked = false;
        const [, method = '', rest = ''] = /^([!#$%&'*+.^_`|~\w-]{1,32})( .*)$/.exec(text) ?? [];
        if (method === '') this.#state = 'through';
        if (method === '' || known.has(method)) return line;
        return Buffer.from(`${standIn}${rest}\r\n${methodHeader}: ${method}\r\n`, 'latin1');
      }
      case 'headers': {
        if (text === '') {
          this.#left = this.#length;
          this.#state = this.#chunked ? 'chunk-size' : this.#length > 0 ? 'body' : 'request-line';
          return line;
        }
        const [, name = '', value = ''] = /^([^:]+):\s*(.*?)\s*$/.exec(text) ?? [];
        const lower = name.toLowerCase();
        // Nobody but this front names the method in a header.
        if (lower === methodHeader) return Buffer.alloc(0);
        if (lower === 'content-length' && /^\d{1,15}$/.test(value)) this.#length = Number(value);
        if (lower === 'transfer-encoding' && /\bchunked$/i.test(value)) this.#chunked = true;
        if (lower === 'upgrade') this.#state = 'through';
        return line;
      }
      case 'chunk-size': {
        // The end of the chunk before.
        if (text === '') return line;
        const size = /^[0-9a-f]{1,12}/i.exec(text)?.[0];
        if (size === undefined) {
          this.#state = 'through';
          return line;
        }
        this.#left = Number.parseInt(size, 16);
        this.#state = this.#left === 0 ? 'trailers' : 'chunk';
        return line;
      }
      default:
        if (text === '') this.#state = 'request-line';
        return line;
    }
  }
}

/** A connection whose requests are read through a rewriter. */
export class AnyMethodSocket extends Duplex {
  readonly #socket: Socket;
  readonly #rewriter = new MethodRewriter();

  constructor(socket: Socket) {
    super({ allowHalfOpen: true });
    this.#socket = socket;
    socket.on('data', (bytes: Buffer) => {
      const out = this.#rewriter.push(bytes);
      if (out.length > 0 && !this.push(out)) socket.pause();
    });
    socket.on('end', () => this.push(null));
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => this.destroy());
    socket.on('timeout', () => this.emit('timeout'));
  }

  override _read(): void {
    this.#socket.resume();
  }
  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, encoding, done);
  }
  /** Head and body leave together, as they do on a socket: some clients read no further than what is there with the head. */
  override _writev(
    chunks: readonly { readonly chunk: Buffer; readonly encoding: BufferEncoding }[],
    done: (error?: Error | null) => void,
  ): void {
    this.#socket.write(
      Buffer.concat(
        chunks.map(({ chunk, encoding }) => (typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk)),
      ),
      done,
    );
  }
  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(() => done());
  }
  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }

  setTimeout(ms: number): this {
    this.#socket.setTimeout(ms);
    return this;
  }
  /** As `net.Socket` does it: the other side gets a reset. */
  resetAndDestroy(): void {
    this.#socket.resetAndDestroy();
    this.destroy();
  }
}
