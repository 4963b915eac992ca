import { Malformed } from '../mapi/byte-cursor.ts';

// A file system in a file. [MS-CFB]

export interface Storage {
  /** Names in upper case. */
  readonly streams: ReadonlyMap<string, Buffer>;
  readonly storages: ReadonlyMap<string, Storage>;
}

const signature = Buffer.from('d0cf11e0a1b11ae1', 'hex');
const noStream = 0xffffffff;
/** Sector numbers from here on end a chain or are none. */
const lastRegular = 0xfffffffa;
const entryBytes = 128;
/** Storages inside of storages; messages hardly nest deeper. */
const depthMax = 64;

interface Entry {
  readonly name: string;
  readonly kind: number;
  readonly left: number;
  readonly right: number;
  readonly child: number;
  readonly start: number;
  readonly size: number;
}

class Sectors {
  readonly #bytes: Buffer;
  readonly #from: number;
  readonly #size: number;
  readonly #next: readonly number[];

  constructor(bytes: Buffer, from: number, size: number, next: readonly number[]) {
    this.#bytes = bytes;
    this.#from = from;
    this.#size = size;
    this.#next = next;
  }

  one(sector: number): Buffer {
    const at = this.#from + sector * this.#size;
    if (at >= this.#bytes.length) throw new Malformed('a sector behind the end of the file');
    return this.#bytes.subarray(at, at + this.#size);
  }

  chain(start: number): Buffer {
    const parts: Buffer[] = [];
    for (let sector = start; sector < lastRegular; sector = this.#next[sector] ?? noStream) {
      if (parts.length > this.#next.length) throw new Malformed('sectors in a circle');
      parts.push(this.one(sector));
    }
    return Buffer.concat(parts);
  }
}

const numbersOf = (bytes: Buffer): readonly number[] =>
  Array.from({ length: bytes.length >> 2 }, (_, at) => bytes.readUInt32LE(at * 4));

function entryOf(bytes: Buffer): Entry {
  const nameBytes = Math.min(64, Math.max(2, bytes.readUInt16LE(64))) - 2;
  return {
    name: bytes.toString('utf16le', 0, nameBytes).toUpperCase(),
    kind: bytes[66] ?? 0,
    left: bytes.readUInt32LE(68),
    right: bytes.readUInt32LE(72),
    child: bytes.readUInt32LE(76),
    start: bytes.readUInt32LE(116),
    size: bytes.readUInt32LE(120),
  };
}

/** @throws Malformed */
export function readCompoundFile(bytes: Buffer): Storage {
  if (bytes.length < 512 || !bytes.subarray(0, 8).equals(signature)) throw new Malformed('no compound file');
  const [shift, miniShift] = [bytes.readUInt16LE(30), bytes.readUInt16LE(32)];
  if ((shift !== 9 && shift !== 12) || miniShift !== 6) throw new Malformed('sectors of a size that none has');
  const size = 1 << shift;
  const plain = new Sectors(bytes, size, size, []);
  const tables = [...numbersOf(bytes.subarray(76, 512))];
  let more = bytes.readUInt32LE(68);
  for (let seen = 0; more < lastRegular; seen++) {
    if (seen > bytes.length / size) throw new Malformed('sectors in a circle');
    const numbers = numbersOf(plain.one(more));
    tables.push(...numbers.slice(0, -1));
    more = numbers.at(-1) ?? noStream;
  }
  const next = tables.filter((sector) => sector < lastRegular).flatMap((sector) => numbersOf(plain.one(sector)));
  const sectors = new Sectors(bytes, size, size, next);
  const directory = sectors.chain(bytes.readUInt32LE(48));
  const entries = Array.from({ length: Math.floor(directory.length / entryBytes) }, (_, at) =>
    entryOf(directory.subarray(at * entryBytes, (at + 1) * entryBytes)),
  );
  const [root] = entries;
  if (root === undefined) throw new Malformed('a compound file without a root');
  const cutoff = bytes.readUInt32LE(56);
  const minis = new Sectors(sectors.chain(root.start), 0, 64, numbersOf(sectors.chain(bytes.readUInt32LE(60))));
  const visited = new Set<number>();

  function storageOf(entry: Entry, depth: number): Storage {
    if (depth > depthMax) throw new Malformed('storages inside of storages inside of storages');
    const streams = new Map<string, Buffer>();
    const storages = new Map<string, Storage>();
    const open = [entry.child];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      const one = entries[at];
      if (one === undefined || one.kind === 0) continue;
      if (visited.has(at)) throw new Malformed('entries in a circle');
      visited.add(at);
      open.push(one.left, one.right);
      if (one.kind === 2)
        streams.set(one.name, (one.size < cutoff ? minis : sectors).chain(one.start).subarray(0, one.size));
      else storages.set(one.name, storageOf(one, depth + 1));
    }
    return { streams, storages };
  }
  return storageOf(root, 0);
}
