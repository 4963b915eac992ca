import { Catalogue } from '../world/directory/catalogue.ts';
import type { Controller, Principal } from '../world/directory/controller.ts';
import type { Entry } from '../world/directory/entry.ts';
import { ldapUrl, refuse, refuseEarly, resultCodes } from '../world/directory/refusal.ts';
import type { AttributeRow } from '../world/directory/schema.ts';
import { type Controls, type DirSyncAsked, dirSyncControl, pageControl } from './controls.ts';
import {
  type Control,
  entryMessage,
  type Operation,
  referenceMessage,
  responseTags,
  resultMessage,
} from './message.ts';
import { changedAttributes, shownAttributes, shownName } from './shape.ts';

type SearchOperation = Extract<Operation, { kind: 'search' }>;

/** MaxPageSize: entries in one answer. [MS-ADTS] 3.1.1.3.4.6 */
const pageMax = 1000;
/** Searches of one connection that wait for their next page. */
const pagedMax = 10;

/** Searches of one connection whose next page was not asked for yet. */
export class PagedSearches {
  readonly #left = new Map<string, readonly Entry[]>();
  #count = 0;

  /** The rest of a search; null: the cookie is of another connection, or was forgotten. */
  take(cookie: Buffer): readonly Entry[] | null {
    const key = cookie.toString('hex');
    const left = this.#left.get(key) ?? null;
    this.#left.delete(key);
    return left;
  }
  keep(left: readonly Entry[]): Buffer {
    const cookie = Buffer.alloc(8);
    cookie.writeUInt32BE(0x4c414250);
    cookie.writeUInt32BE(++this.#count, 4);
    this.#left.set(cookie.toString('hex'), left);
    for (const oldest of this.#left.keys()) {
      if (this.#left.size <= pagedMax) break;
      this.#left.delete(oldest);
    }
    return cookie;
  }
}

const isInCatalogue = (row: AttributeRow): boolean => row.isInCatalogue;

/** Everything that goes back for one search, in order. @throws DirectoryRefusal */
export function* answerSearch(
  at: Controller | Catalogue,
  by: Principal,
  id: number,
  search: SearchOperation,
  controls: Controls,
  paged: PagedSearches,
): Generator<Buffer> {
  if (controls.dirSync !== null) {
    if (at instanceof Catalogue) throw refuse('unwillingToPerform', 0x2077, 'WILL_NOT_PERFORM');
    return yield* answerDirSync(at, by, id, search, controls.dirSync);
  }
  const { page } = controls;
  const isNext = page !== null && page.cookie.length > 0;
  let found: readonly Entry[] | null;
  if (isNext) {
    found = paged.take(page.cookie);
    if (found === null) throw refuseEarly('unavailableCriticalExtension', 0x57, 'Error processing control');
  } else
    found = at.search(by, {
      base: search.base,
      scope: search.scope,
      filter: search.filter,
      showsDeleted: controls.showsDeleted,
      isWholeForest: controls.isWholeForest,
    });
  const size = page === null ? pageMax : Math.min(page.size, pageMax);
  const limit = search.sizeLimit > 0 ? search.sizeLimit : Number.POSITIVE_INFINITY;
  const sent = found.slice(0, Math.min(size, limit));
  for (const entry of sent) {
    // Between two pages it may have been deleted.
    if (entry.isDeleted && !controls.showsDeleted) continue;
    const holder = at.holderOf(entry);
    const isKnown = at instanceof Catalogue ? isInCatalogue : undefined;
    const form = controls.extendedNames;
    const shown = shownAttributes(holder, entry, search.attributes, search.typesOnly, form, isKnown);
    yield entryMessage(id, shownName(holder, entry.guid, form) ?? holder.dnOf(entry), shown);
  }
  const left = found.slice(sent.length);
  if (!isNext && !controls.isDomainOnly && !controls.isWholeForest && !(at instanceof Catalogue))
    yield* references(at, id, search);
  const tooMany = left.length > 0 && (page === null || sent.length >= limit);
  const answer: Control[] =
    page === null
      ? []
      : [pageControl(left.length > 0 && !tooMany && page.size > 0 ? paged.keep(left) : Buffer.alloc(0))];
  yield resultMessage(
    id,
    responseTags.search,
    { code: tooMany ? resultCodes.sizeLimitExceeded : resultCodes.success },
    answer,
  );
}

/** Naming contexts below are other trees, which a client is sent to. [MS-ADTS] 3.1.1.3.1.4 */
function* references(at: Controller, id: number, search: SearchOperation): Generator<Buffer> {
  const base = at.find(search.base);
  if (base === null || search.scope === 'base') return;
  for (const { dn, dnsRoot } of at.continuations(base, search.scope))
    yield referenceMessage(id, [ldapUrl(dnsRoot, dn)]);
}

const cookieMagic = 'MSDS';

/** `MSDS`, invocation id, count. What is in real ones is nobody's business either. */
function cookieOf(at: Controller, usn: number): Buffer {
  const count = Buffer.alloc(8);
  count.writeBigUInt64BE(BigInt(usn));
  return Buffer.concat([Buffer.from(cookieMagic), Buffer.from(at.invocationId.replaceAll('-', ''), 'hex'), count]);
}
/** The count of a cookie; 0: from the beginning, also when it is another controller's. @throws DirectoryRefusal it is no cookie */
function usnOfCookie(at: Controller, cookie: Buffer): number {
  if (cookie.length === 0) return 0;
  if (cookie.length !== 28 || cookie.toString('latin1', 0, 4) !== cookieMagic)
    throw refuseEarly('unwillingToPerform', 0x57, 'Error processing control');
  const from = cookie.toString('hex', 4, 20);
  return from === at.invocationId.replaceAll('-', '') ? Number(cookie.readBigUInt64BE(20)) : 0;
}

const dirSyncPageMax = 1000;

function* answerDirSync(
  at: Controller,
  by: Principal,
  id: number,
  search: SearchOperation,
  asked: DirSyncAsked,
): Generator<Buffer> {
  const base = at.locate(search.base).entry;
  if (base === null || !at.isNamingContext(base) || search.scope !== 'sub')
    throw refuse('unwillingToPerform', 0x2077, 'WILL_NOT_PERFORM');
  if (!by.mayReplicate(base) && !asked.objectSecurity)
    throw refuseEarly('insufficientAccessRights', 0x2105, 'Error processing control');
  const since = usnOfCookie(at, asked.cookie);
  const found = at
    .search(by, { base: search.base, scope: 'sub', filter: search.filter, showsDeleted: true })
    .filter((entry) => entry.usnChanged > since)
    .sort((a, b) => a.usnChanged - b.usnChanged);
  let sent = 0;
  let bytes = 0;
  let last = since;
  const page = found.slice(0, dirSyncPageMax);
  const depth = (entry: Entry): number => at.partsOf(entry).length;
  const chosen: Buffer[] = [];
  const order: Entry[] = [];
  for (const entry of page) {
    if (sent > 0 && asked.maxBytes > 0 && bytes >= asked.maxBytes) break;
    order.push(entry);
    bytes += 500;
    sent++;
    last = entry.usnChanged;
  }
  if (asked.ancestorsFirst) order.sort((a, b) => depth(a) - depth(b));
  for (const entry of order)
    chosen.push(entryMessage(id, at.dnOf(entry), changedAttributes(at, entry, since, search.attributes)));
  yield* chosen;
  const more = sent < found.length;
  yield resultMessage(id, responseTags.search, { code: resultCodes.success }, [
    dirSyncControl(more, cookieOf(at, more ? last : at.usn)),
  ]);
}
