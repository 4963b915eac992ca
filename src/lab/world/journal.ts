/** One commit to the world: what was written where, by whom. The order is the order of the commits. */
export interface JournalEntry {
  readonly sequence: number;
  readonly atMs: number;
  readonly organization: string;
  readonly mailbox: string;
  /** Sign-in name of who asked for it; `people` and `server` for the lab's own hands. */
  readonly caller: string;
  readonly kind:
    | 'item-created'
    | 'item-updated'
    | 'item-read-flag'
    | 'item-moved'
    | 'item-copied'
    | 'item-deleted'
    | 'item-sent'
    | 'folder-created'
    | 'folder-updated'
    | 'folder-moved'
    | 'folder-deleted'
    | 'receipt-suppressed';
  /** EWS id of the item or folder after the commit; of a deleted one, before. */
  readonly id: string;
  /** PidLidCleanGlobalObjectId of an appointment, upper-case hex. */
  readonly identity?: string;
}

/** The last commits. Bounded; `sequence` tells when the beginning was cut off. */
export class Journal {
  readonly #capacity: number;
  #entries: JournalEntry[] = [];
  #next = 0;
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  record(entry: Omit<JournalEntry, 'sequence'>): void {
    this.#entries.push({ sequence: this.#next++, ...entry });
    // Cut in halves, so that a long life costs no more per commit than a short one.
    if (this.#entries.length > this.#capacity) this.#entries = this.#entries.slice(this.#capacity >> 1);
  }

  /** Commits ever recorded. */
  get length(): number {
    return this.#next;
  }

  /** Entries from that sequence number on that are still there. */
  since(sequence: number): readonly JournalEntry[] {
    const first = this.#entries[0]?.sequence ?? 0;
    return this.#entries.slice(Math.max(0, sequence - first));
  }
}
