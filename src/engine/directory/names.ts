/** Names for objects of ours: free ones, of the form that the other side takes. */
import { createHash } from 'node:crypto';
import type { DirectoryObject, DistinguishedName, ObjectGuid } from '#model/directory/directory-object.ts';
import { childDn, dnKey, nameOfDn } from '#model/directory/distinguished-name.ts';
import type { Side } from '#model/ids.ts';
import type { Knowledge } from './knowledge.ts';
import { valuesOf } from './values.ts';
import { valueKey } from './view.ts';

/** rangeUpper of Common-Name. */
const commonNameMax = 64;
/** What the server takes of a user’s account name, whatever the schema says ([MS-SAMR] 3.1.1.6). */
const accountNameMax = 20;
const tries = 100;

/** Values that this plan gives away on a side, so that no second object gets them: by key, with who gets it. */
export class Claims {
  readonly #taken = new Map<string, ObjectGuid>();

  ownerOf(side: Side, key: string): ObjectGuid | null {
    return this.#taken.get(`${side} ${key}`) ?? null;
  }

  claim(side: Side, key: string, owner: ObjectGuid): void {
    this.#taken.set(`${side} ${key}`, owner);
  }
}

/** Active Directory takes `Müller` and `Muller` for one name. */
export function nameKey(dn: string): string {
  return `dn ${dnKey(dn)
    .normalize('NFKD')
    .replace(/[\u0300-\u036f]/g, '')}`;
}

/** Name of an object as its container knows it. */
export function ownName(object: DirectoryObject): string {
  const { attributes } = object;
  return (
    nameOfDn(object.dn) ??
    valuesOf(attributes, 'cn')[0] ??
    valuesOf(attributes, 'displayName')[0] ??
    valuesOf(attributes, 'mailNickname')[0] ??
    object.guid
  );
}

function* numbered(base: string, organization: string, max: number): Iterable<string> {
  const cut = (suffix: string) => `${base.slice(0, Math.max(1, max - suffix.length)).trimEnd()}${suffix}`;
  yield cut('');
  yield cut(` (${organization})`.slice(0, max - 1));
  for (let n = 2; n < tries; n++) yield cut(` ${n}`);
}

/** @returns null: it is taken, and so is everything that may be tried. */
export function freeDn(
  know: Knowledge,
  claims: Claims,
  side: Side,
  container: DistinguishedName,
  name: string,
  options: { readonly organization: string; readonly mayNumber: boolean; readonly owner: ObjectGuid },
): DistinguishedName | null {
  // Line feeds stand in the names of deleted objects, and nowhere else.
  const base = name.replace(/[\u0000-\u001f]/g, ' ').trim() || options.owner;
  for (const candidate of numbered(base, options.organization, commonNameMax)) {
    const dn = childDn(container, 'CN', candidate);
    const owner = claims.ownerOf(side, nameKey(dn));
    const holder = know.resolve(side, dn);
    if ((owner === null || owner === options.owner) && (holder === null || holder === options.owner)) return dn;
    if (!options.mayNumber) return null;
  }
  return null;
}

/** An account name, alias or the like that nobody in the forest has. */
export function freeValue(
  know: Knowledge,
  claims: Claims,
  side: Side,
  attribute: 'sAMAccountName' | 'mailNickname',
  base: string,
  options: { readonly max: number; readonly mayNumber: boolean; readonly owner: ObjectGuid },
): string | null {
  for (let n = 1; n < tries; n++) {
    const suffix = n === 1 ? '' : String(n);
    const candidate = `${base.slice(0, options.max - suffix.length)}${suffix}`;
    const owner = claims.ownerOf(side, valueKey(attribute, candidate));
    const holders = know.holders(side, attribute, candidate).filter((guid) => guid !== options.owner);
    if ((owner === null || owner === options.owner) && holders.length === 0) return candidate;
    if (!options.mayNumber) return null;
  }
  return null;
}

/** [MS-SAMR] 3.1.1.6: characters that no account name has, and no dot at its end. */
export function accountName(
  text: string,
  kind: DirectoryObject['kind'],
): { readonly base: string; readonly max: number } {
  const max = kind === 'user' ? accountNameMax : commonNameMax;
  const base = text
    .replace(/["/\\[\]:;|=,+*?<>@\u0000-\u001f]/g, '')
    .trim()
    .slice(0, max)
    .replace(/\.+$/, '');
  return { base, max };
}

/** legacyExchangeDN of an object of ours: the same whenever it is computed, and nobody else’s. */
export function legacyExchangeDnOf(
  administrativeGroup: string,
  sync: string,
  original: ObjectGuid,
  alias: string,
): string {
  const unique = createHash('sha256').update(`${sync} ${original}`).digest('hex').slice(0, 32);
  return `${administrativeGroup}/cn=Recipients/cn=${unique}-${alias.replace(/[^A-Za-z0-9-]/g, '').slice(0, 20)}`;
}
