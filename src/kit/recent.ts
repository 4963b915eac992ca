/** Values made on demand, of which those that were used last are kept: for caches whose keys are as many as there are mailboxes. */
export class Recent<Key, Value> {
  readonly #max: number;
  /** Used last comes last. */
  readonly #values = new Map<Key, Value>();

  constructor(max: number) {
    this.#max = max;
  }

  /** Does not count as use. */
  known(key: Key): Value | null {
    return this.#values.get(key) ?? null;
  }

  get(key: Key, make: () => Value): Value {
    const known = this.#values.get(key);
    const value = known ?? make();
    this.#values.delete(key);
    this.#values.set(key, value);
    if (this.#values.size > this.#max) for (const oldest of this.#values.keys()) return this.#forget(oldest, value);
    return value;
  }

  #forget(key: Key, used: Value): Value {
    this.#values.delete(key);
    return used;
  }
}
