/** Size of a block. */
export const blockBytes = 256 * 1024;

/**
 * Memory for texts that could also go into files, shared by all readers of one server: so many blocks and not one more. A text that is
 * given blocks is neither written nor read again; one that is not goes into a file. Blocks are used again, because allocating and
 * collecting them costs more than moving the bytes does; when none is in use all are let go.
 */
export class SpoolMemory {
  readonly #blocksMax: number;
  #taken = 0;
  #spare: Buffer[] = [];

  constructor(bytesMax: number) {
    this.#blocksMax = Math.floor(bytesMax / blockBytes);
  }

  /** A block with anything in it, for whoever takes it alone; null when all are taken. */
  take(): Buffer | null {
    if (this.#taken === this.#blocksMax) return null;
    this.#taken++;
    return this.#spare.pop() ?? Buffer.allocUnsafeSlow(blockBytes);
  }

  /** Gives back blocks that `take` gave. Nobody reads them any more. */
  give(blocks: readonly Buffer[]): void {
    this.#taken -= blocks.length;
    if (this.#taken === 0) this.#spare = [];
    else this.#spare.push(...blocks);
  }

  /** Blocks that were taken and not given back. */
  get taken(): number {
    return this.#taken;
  }
}
