import type { Rdn } from './dn.ts';
import type { Value } from './schema.ts';

/** Values by lower-case attribute name; names of objects are their GUIDs. */
export type Values = ReadonlyMap<string, readonly Value[]>;

/** When one attribute of one object was last written, and by whom: what replication and DirSync go by. [MS-ADTS] 3.1.1.1.9 */
export interface Stamp {
  readonly version: number;
  readonly atMs: number;
  /** Invocation id of the controller where it was written. */
  readonly from: string;
  /** Counted by the controller that holds the stamp. */
  readonly usn: number;
}

/** How an object is there from the beginning. What it holds is derived whenever it is looked at, until it is written to. */
export interface EntrySeed {
  readonly guid: string;
  readonly parent: EntrySeed | null;
  readonly rdn: Rdn;
  readonly values: () => Values;
}

/** One object as one controller has it. */
export class Entry {
  readonly guid: string;
  rdn: Rdn;
  /** Null: root of a naming context. */
  parent: Entry | null;
  /** By `rdnKey`. */
  readonly children = new Map<string, Entry>();
  readonly createdAtMs: number;
  readonly usnCreated: number;
  changedAtMs: number;
  usnChanged: number;
  isDeleted = false;
  readonly stamps = new Map<string, Stamp>();
  #values: Map<string, readonly Value[]> | null;
  #seed: (() => Values) | null;
  /** Derived already, as long as there is room for it. */
  #derived: WeakRef<Values> | null = null;
  /** Name as text, and the number of renames for which it holds. */
  dn: { readonly text: string; readonly renames: number } | null = null;

  constructor(init: {
    readonly guid: string;
    readonly rdn: Rdn;
    readonly parent: Entry | null;
    readonly atMs: number;
    readonly usn: number;
    readonly values: Map<string, readonly Value[]> | (() => Values);
  }) {
    this.guid = init.guid;
    this.rdn = init.rdn;
    this.parent = init.parent;
    this.createdAtMs = init.atMs;
    this.usnCreated = init.usn;
    this.changedAtMs = init.atMs;
    this.usnChanged = init.usn;
    this.#values = typeof init.values === 'function' ? null : init.values;
    this.#seed = typeof init.values === 'function' ? init.values : null;
  }

  /** What is stored; what controllers work out is not among it. */
  get values(): Values {
    if (this.#values !== null) return this.#values;
    const known = this.#derived?.deref();
    if (known !== undefined) return known;
    const derived = (this.#seed as () => Values)();
    this.#derived = new WeakRef(derived);
    return derived;
  }

  set(name: string, values: readonly Value[]): void {
    this.#values ??= new Map((this.#seed as () => Values)());
    this.#seed = null;
    if (values.length === 0) this.#values.delete(name);
    else this.#values.set(name, values);
  }

  /** The same object for another controller. */
  copy(parent: Entry | null): Entry {
    const made = new Entry({
      guid: this.guid,
      rdn: this.rdn,
      parent,
      atMs: this.createdAtMs,
      usn: this.usnCreated,
      values: this.#values === null ? (this.#seed as () => Values) : new Map(this.#values),
    });
    made.changedAtMs = this.changedAtMs;
    made.usnChanged = this.usnChanged;
    made.isDeleted = this.isDeleted;
    for (const [name, stamp] of this.stamps) made.stamps.set(name, stamp);
    return made;
  }

  get root(): Entry {
    let at: Entry = this;
    while (at.parent !== null) at = at.parent;
    return at;
  }
  isInside(other: Entry): boolean {
    for (let at: Entry | null = this; at !== null; at = at.parent) if (at === other) return true;
    return false;
  }
}
