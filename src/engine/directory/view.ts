/**
 * What a plan knows of a side: objects as they are now, who holds which value, which DN is whose. A view starts with the changed
 * objects and grows by the look-ups that `planDirectory` asks for, so that a pass never reads the whole forest.
 */
import { attributeRow } from '#model/directory/attribute-rows.ts';
import type { DirectoryObject, DistinguishedName, ObjectGuid } from '#model/directory/directory-object.ts';
import { dnKey } from '#model/directory/distinguished-name.ts';
import { addressKey } from '#model/directory/proxy-address.ts';

export interface DirectoryView {
  /** By GUID; null: looked for and not there. Absent: nobody has looked. */
  readonly objects: ReadonlyMap<ObjectGuid, DirectoryObject | null>;
  /** GUIDs of the objects that lie in the scope of this side. */
  readonly scoped: ReadonlySet<ObjectGuid>;
  /** By `dnKey`; null: nothing is there. */
  readonly resolved: ReadonlyMap<string, ObjectGuid | null>;
  /** Holders of a value, by `valueKey`; empty: nobody. */
  readonly holders: ReadonlyMap<string, ReadonlySet<ObjectGuid>>;
  /** Attributes, lower case, of which every holder in the forest was seen: a key that is absent has none. */
  readonly indexed: ReadonlySet<string>;
}

/** What somebody has to read before a plan can be made. Each list is free of doubles. */
export interface DirectoryLookups {
  /** `Directory.read`. */
  readonly read: readonly ObjectGuid[];
  /** `Directory.resolve`. */
  readonly resolve: readonly DistinguishedName[];
  /** `Directory.find`, one attribute at a time. */
  readonly find: readonly { readonly attribute: string; readonly values: readonly string[] }[];
  /** Links of these objects (`Store.directoryLinks`). */
  readonly links: readonly ObjectGuid[];
}

/** Equal for values of an attribute that a server takes for equal when it searches. */
export function valueKey(attribute: string, value: string): string {
  const name = attribute.toLowerCase();
  const syntax = attributeRow(attribute)?.syntax ?? 'text';
  if (syntax === 'dn') return `${name} ${dnKey(value)}`;
  if (name === 'proxyaddresses' || name === 'targetaddress') return `${name} ${addressKey(value)}`;
  return `${name} ${value.toLowerCase()}`;
}

/** Attributes whose holders are looked for: what has to be one of a kind, and what match rules compare. */
const searched = [
  'proxyAddresses',
  'mail',
  'targetAddress',
  'legacyExchangeDN',
  'sAMAccountName',
  'userPrincipalName',
  'mailNickname',
  'employeeID',
  'objectSid',
  'sIDHistory',
  'ms-DS-ConsistencyGuid',
] as const;

/** A view that somebody fills. Whatever is seen again replaces what was seen before. */
export class DirectorySight implements DirectoryView {
  readonly objects = new Map<ObjectGuid, DirectoryObject | null>();
  readonly scoped = new Set<ObjectGuid>();
  readonly resolved = new Map<string, ObjectGuid | null>();
  readonly holders = new Map<string, Set<ObjectGuid>>();
  readonly indexed = new Set<string>();
  readonly #searched: readonly string[];

  /** @param more Further attributes that match rules and the mark compare. */
  constructor(more: readonly string[] = []) {
    this.#searched = [...new Set([...searched, ...more])];
  }

  see(object: DirectoryObject, isScoped: boolean): void {
    this.#forgetValues(object.guid);
    this.objects.set(object.guid, object);
    if (isScoped) this.scoped.add(object.guid);
    else this.scoped.delete(object.guid);
    if (object.dn !== '') this.resolved.set(dnKey(object.dn), object.guid);
    for (const key of this.#keysOf(object)) {
      const holders = this.holders.get(key);
      if (holders) holders.add(object.guid);
      else if (this.indexed.has(key.slice(0, key.indexOf(' ')))) this.holders.set(key, new Set([object.guid]));
    }
  }

  /** It was looked for, and is not there. */
  miss(guid: ObjectGuid): void {
    this.#forgetValues(guid);
    this.objects.set(guid, null);
    this.scoped.delete(guid);
  }

  /** Answer to `DirectoryLookups.resolve`. */
  answerResolve(asked: readonly DistinguishedName[], found: ReadonlyMap<DistinguishedName, ObjectGuid>): void {
    const byKey = new Map([...found].map(([dn, guid]) => [dnKey(dn), guid]));
    for (const dn of asked) this.resolved.set(dnKey(dn), byKey.get(dnKey(dn)) ?? null);
  }

  /** Answer to one of `DirectoryLookups.find`; the objects have to be seen as well. */
  answerFind(attribute: string, values: readonly string[], found: readonly DirectoryObject[]): void {
    const answers = new Map(values.map((value) => [valueKey(attribute, value), new Set<ObjectGuid>()]));
    for (const object of found)
      for (const value of object.attributes[attribute] ?? []) answers.get(valueKey(attribute, value))?.add(object.guid);
    for (const [key, holders] of answers) this.holders.set(key, holders);
  }

  /** Every object in the forest that holds a value of these attributes is seen by now, or is about to be. */
  indexAll(attributes: readonly string[]): void {
    for (const attribute of attributes) this.indexed.add(attribute.toLowerCase());
    for (const object of this.objects.values()) if (object !== null) this.see(object, this.scoped.has(object.guid));
  }

  #forgetValues(guid: ObjectGuid): void {
    const before = this.objects.get(guid);
    if (!before) return;
    if (before.dn !== '' && this.resolved.get(dnKey(before.dn)) === guid) this.resolved.set(dnKey(before.dn), null);
    for (const key of this.#keysOf(before)) this.holders.get(key)?.delete(guid);
  }

  *#keysOf(object: DirectoryObject): Iterable<string> {
    for (const attribute of this.#searched)
      for (const value of object.attributes[attribute] ?? []) yield valueKey(attribute, value);
  }
}
