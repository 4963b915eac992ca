import type { Item } from '../world/item.ts';
import { DavError } from './dav-error.ts';

interface Lock {
  readonly token: string;
  readonly owner: string;
  expiresAtMs: number;
}

/** Write locks on items. RFC 4918 6 */
export class DavLocks {
  readonly #locks = new WeakMap<Item, Lock>();

  #alive(item: Item, nowMs: number): Lock | null {
    const lock = this.#locks.get(item);
    return lock === undefined || lock.expiresAtMs <= nowMs ? null : lock;
  }

  /** @throws DavError 423 when somebody else holds it */
  lock(item: Item, owner: string, token: string, untilMs: number, nowMs: number): void {
    if (this.#alive(item, nowMs) !== null) throw new DavError(423, 'the item is locked');
    this.#locks.set(item, { token, owner, expiresAtMs: untilMs });
  }

  /** @returns whether there was such a lock */
  unlock(item: Item, token: string, nowMs: number): boolean {
    const isIt = this.#alive(item, nowMs)?.token === token;
    if (isIt) this.#locks.delete(item);
    return isIt;
  }

  /** @param condition the `If` header of the request. @throws DavError 423 */
  refuseLocked(item: Item, condition: string | undefined, nowMs: number): void {
    const lock = this.#alive(item, nowMs);
    if (lock === null || condition?.includes(`<${lock.token}>`)) return;
    throw new DavError(423, 'the item is locked');
  }
}
