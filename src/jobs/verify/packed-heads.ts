import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { Recent } from '#kit/recent.ts';
import type { ItemId } from '#model/ids.ts';
import type { MailHead } from '#model/mail.ts';

/** Pages that are kept unpacked: items of one folder follow each other on both sides, but not in the same order. */
const unpackedMax = 32;

/** Heads that a feed showed, until their items are compared: a hundredth of what they are in memory, since they are much alike. */
export class PackedHeads {
  readonly #pages: Buffer[] = [];
  readonly #places = new Map<ItemId, { readonly page: number; readonly at: number }>();
  readonly #unpacked = new Recent<number, readonly MailHead[]>(unpackedMax);

  /** A page of a feed. Of an item that is shown twice the last is kept. */
  add(heads: readonly MailHead[]): void {
    if (heads.length === 0) return;
    const page = this.#pages.push(deflateRawSync(JSON.stringify(heads), { level: 1 })) - 1;
    for (const [at, { id }] of heads.entries()) this.#places.set(id, { page, at });
  }

  get(id: ItemId): MailHead | null {
    const place = this.#places.get(id);
    if (place === undefined) return null;
    const heads = this.#unpacked.get(place.page, () => unpack(this.#pages[place.page]));
    return heads[place.at] ?? null;
  }
}

const unpack = (page: Buffer | undefined): readonly MailHead[] =>
  page === undefined ? [] : (JSON.parse(inflateRawSync(page).toString('utf8')) as readonly MailHead[]);
