import { assert, must } from '#kit/assert.ts';
import { type DnParts, formatDn, guidBytes, parseDn, type Rdn, rdnKey } from './dn.ts';
import { Entry, type EntrySeed, type Stamp } from './entry.ts';
import { type Filter, type FilterView, matches, wantedKey } from './filter.ts';
import { DirectoryRefusal, noObject, noRights, refer, refuse, refuseEarly } from './refusal.ts';
import {
  type AttributeRow,
  attributeRow,
  attributeRows,
  type ClassRow,
  classRow,
  generalizedTime,
  isBackLink,
  isOutOfRange,
  otherEnd,
  readValue,
  type Value,
  valueKey,
} from './schema.ts';

/** Who asks, and what that account may do. */
export interface Principal {
  /** Sign-in name, for the record. */
  readonly user: string;
  mayRead(entry: Entry): boolean;
  mayWrite(entry: Entry): boolean;
  /** DS-Replication-Get-Changes of a naming context. */
  mayReplicate(context: Entry): boolean;
}

export interface ModifyChange {
  readonly op: 'add' | 'delete' | 'replace';
  readonly attribute: string;
  readonly values: readonly Buffer[];
}

export interface Search {
  readonly base: string;
  readonly scope: 'base' | 'one' | 'sub';
  readonly filter: Filter;
  /** Tombstones too. */
  readonly showsDeleted?: boolean;
  /** All naming contexts below the base too: one tree. */
  readonly isWholeForest?: boolean;
}

/** One write as it goes to the other controllers. */
export interface Update {
  readonly guid: string;
  readonly atMs: number;
  readonly from: string;
  /** Its number at that controller. */
  readonly usn: number;
  /** Set when the object was made, named, moved or deleted. */
  readonly place: { readonly rdn: Rdn; readonly parent: string | null; readonly isDeleted: boolean } | null;
  readonly values: readonly { readonly name: string; readonly values: readonly Value[]; readonly version: number }[];
  /** Of linked attributes: each value by itself. [MS-ADTS] 3.1.1.1.11 */
  readonly links: readonly {
    readonly name: string;
    readonly added: readonly string[];
    readonly removed: readonly string[];
  }[];
}

/** An object with a controller of the domain it lies in. */
export interface Held {
  readonly at: Controller;
  readonly entry: Entry;
}

/** What a controller knows of objects of the other domains of its forest: that they are there, and what they are called now. */
export interface OtherDomains {
  byGuid(guid: string): Held | null;
  find(dn: string): Held | null;
  /** GUIDs of those with a value of an attribute that is indexed. */
  having(attribute: string, value: string | Buffer): readonly string[];
}

/** A naming context of the forest, as its cross reference tells of it. [MS-ADTS] 6.1.1.2.1.1 */
interface NamingContext {
  readonly parts: DnParts;
  readonly dnsRoot: string;
}

/** Keyed by hand because searches ask for them: indexed attributes. */
const indexed: ReadonlySet<string> = new Set([
  'objectsid',
  'samaccountname',
  'userprincipalname',
  'mail',
  'mailnickname',
  'proxyaddresses',
  'legacyexchangedn',
  'targetaddress',
  'msexchmailboxguid',
  'ms-ds-consistencyguid',
  'employeeid',
  'displayname',
  'name',
  'cn',
  'extensionattribute15',
]);

/** What stays of a deleted object. [MS-ADTS] 3.1.1.5.5.1.1 */
const keptByTombstones: ReadonlySet<string> = new Set([
  'objectclass',
  'objectsid',
  'samaccountname',
  'instancetype',
  'legacyexchangedn',
  'msexchmailboxguid',
  'sidhistory',
]);

const valuesMax = 100_000;

/** One domain controller: its copy of the forest, its counter, and what clients may do to it. */
export class Controller implements FilterView {
  /** Host name. */
  readonly name: string;
  readonly invocationId: string;
  readonly domain: Entry;
  readonly configuration: Entry;
  readonly schema: Entry;
  usn: number;
  /** Told of every write that was made here, after it. */
  onWrite: (update: Update, entry: Entry) => void = () => {};
  readonly #byGuid = new Map<string, Entry>();
  readonly #nowMs: () => number;
  readonly #newGuid: () => string;
  readonly #domainSid: Buffer;
  readonly #others: OtherDomains;
  /** Per naming context the last change of each other controller that came here. [MS-ADTS] 3.1.1.1.9 */
  readonly #heard = new Map<Entry, Map<string, number>>();
  #lastRid: number;
  readonly #indexes = new Map<string, Map<string, Set<Entry>>>();
  /** GUID of an object → back link attribute → GUIDs of those that name it; built when first asked for. */
  #backLinks: Map<string, Map<string, Set<string>>> | null = null;

  constructor(init: {
    readonly name: string;
    readonly invocationId: string;
    readonly roots: readonly [Entry, Entry, Entry];
    readonly entries: Iterable<Entry>;
    readonly usn: number;
    readonly nowMs: () => number;
    readonly newGuid: () => string;
    readonly domainSid: Buffer;
    readonly lastRid: number;
    readonly others: OtherDomains;
  }) {
    this.name = init.name;
    this.invocationId = init.invocationId;
    [this.domain, this.configuration, this.schema] = init.roots;
    this.usn = init.usn;
    this.#nowMs = init.nowMs;
    this.#newGuid = init.newGuid;
    this.#domainSid = init.domainSid;
    this.#lastRid = init.lastRid;
    this.#others = init.others;
    for (const entry of init.entries) this.#byGuid.set(entry.guid, entry);
  }

  /** A controller with what is there from the beginning; parents come before their children. */
  static ofSeeds(
    seeds: readonly EntrySeed[],
    init: Omit<ConstructorParameters<typeof Controller>[0], 'roots' | 'entries' | 'usn'> & { readonly atMs: number },
  ): Controller {
    const made = new Map<EntrySeed, Entry>();
    let usn = 8192;
    const roots: Entry[] = [];
    for (const seed of seeds) {
      const parent = seed.parent === null ? null : must(made.get(seed.parent), 'parents come first');
      const entry = new Entry({
        guid: seed.guid,
        rdn: seed.rdn,
        parent,
        atMs: init.atMs,
        usn: ++usn,
        values: seed.values,
      });
      made.set(seed, entry);
      if (parent === null) roots.push(entry);
      else parent.children.set(rdnKey(seed.rdn), entry);
    }
    const [domain, configuration, schema] = roots;
    assert(domain !== undefined && configuration !== undefined && schema !== undefined, 'three naming contexts');
    return new Controller({ ...init, roots: [domain, configuration, schema], entries: made.values(), usn });
  }

  /** Another controller that has what this one has now. */
  copy(name: string, invocationId: string): Controller {
    const made = new Map<Entry, Entry>();
    const put = (entry: Entry, parent: Entry | null): Entry => {
      const copy = entry.copy(parent);
      made.set(entry, copy);
      for (const [key, child] of entry.children) copy.children.set(key, put(child, copy));
      return copy;
    };
    const roots = [put(this.domain, null), put(this.configuration, null), put(this.schema, null)] as const;
    const copied = new Controller({
      name,
      invocationId,
      roots: [roots[0], roots[1], roots[2]],
      entries: made.values(),
      usn: this.usn,
      nowMs: this.#nowMs,
      newGuid: this.#newGuid,
      domainSid: this.#domainSid,
      // Each controller has relative identifiers of its own. [MS-ADTS] 3.1.1.1.12
      lastRid: this.#lastRid + 1_000_000,
      others: this.#others,
    });
    for (const [root, copy] of made)
      if (root.parent === null)
        copied.#heard.set(copy, new Map([...(this.#heard.get(root) ?? []), [this.invocationId, this.usn]]));
    return copied;
  }

  // Names

  get size(): number {
    return this.#byGuid.size;
  }
  entries(): IterableIterator<Entry> {
    return this.#byGuid.values();
  }
  byGuid(guid: string): Entry | null {
    return this.#byGuid.get(guid) ?? null;
  }
  get deletedObjects(): Entry {
    return must(this.domain.children.get('cn=deleted objects'), 'every domain keeps its tombstones');
  }

  /** Parts of the DN of an object; a naming context knows its own whole name. */
  partsOf(entry: Entry): DnParts {
    const parts: Rdn[] = [];
    let at: Entry | null = entry;
    for (; at.parent !== null; at = at.parent) parts.push(at.rdn);
    return [...parts, ...must(this.#rootParts.get(at), 'every tree has its root')];
  }
  dnOf(entry: Entry): string {
    if (entry.dn?.renames !== this.#renames) entry.dn = { text: formatDn(this.partsOf(entry)), renames: this.#renames };
    return entry.dn.text;
  }
  #renames = 0;
  readonly #rootNames = new Map<Entry, DnParts>();
  /** The naming contexts that it holds. Each is named by its whole DN. */
  get #rootParts(): ReadonlyMap<Entry, DnParts> {
    if (this.#rootNames.size === 0)
      for (const root of [this.domain, this.configuration, this.schema])
        this.#rootNames.set(root, must(parseDn(root.rdn.value), 'a naming context is named by its whole DN'));
    return this.#rootNames;
  }
  /** All of the forest, as the configuration tells. */
  #contexts(): readonly NamingContext[] {
    const partitions = must(this.configuration.children.get('cn=partitions'), 'the configuration knows the partitions');
    return [...partitions.children.values()].flatMap((crossRef) => {
      const [guid] = crossRef.values.get('ncname') ?? [];
      const [dnsRoot] = crossRef.values.get('dnsroot') ?? [];
      const name = this.nameOf(String(guid));
      return name === null
        ? []
        : [{ parts: must(parseDn(name), 'names of objects are DNs'), dnsRoot: String(dnsRoot) }];
    });
  }

  /**
   * Looks a name up, also `<GUID=…>`; with the closest ancestor when it is not there.
   *
   * @throws DirectoryRefusal no DN; or a referral, when it lies in a naming context of others. [MS-ADTS] 3.1.1.4.6
   */
  locate(dn: string): { readonly entry: Entry | null; readonly closest: Entry | null; readonly rest: DnParts } {
    const guid = /^<GUID=([0-9a-fA-F-]{32,36})>$/i.exec(dn.trim())?.[1];
    if (guid !== undefined) {
      const bare = guid.toLowerCase();
      const wanted = bare.includes('-')
        ? bare
        : ([...this.#guidForms(bare)].find((form) => this.#byGuid.has(form)) ?? '');
      return { entry: this.byGuid(wanted), closest: null, rest: [] };
    }
    const parts = parseDn(dn);
    if (parts === null) throw refuse('invalidDnSyntax', 0x208f, 'BAD_NAME');
    let best: { readonly root: Entry; readonly rest: DnParts } | null = null;
    for (const [root, name] of this.#rootParts) {
      const rest = restBelow(parts, name);
      if (rest !== null && (best === null || rest.length < best.rest.length)) best = { root, rest };
    }
    let at = best?.root ?? null;
    for (let n = (best?.rest.length ?? 0) - 1; at !== null && best !== null && n >= 0; n--) {
      const child = at.children.get(rdnKey(best.rest[n] as Rdn));
      if (child === undefined) {
        this.#referElsewhere(dn, parts, best.rest.length);
        return { entry: null, closest: at, rest: best.rest.slice(0, n + 1) };
      }
      at = child;
    }
    if (at === null) this.#referElsewhere(dn, parts, Number.POSITIVE_INFINITY);
    return { entry: at, closest: at, rest: at === null ? parts : [] };
  }
  /** @param depth how far below a naming context of its own the name lies. @throws DirectoryRefusal it lies in one of others */
  #referElsewhere(dn: string, parts: DnParts, depth: number): void {
    let closest: { readonly host: string; readonly depth: number } | null = null;
    for (const context of this.#contexts()) {
      const rest = restBelow(parts, context.parts);
      if (rest !== null && rest.length < (closest?.depth ?? depth))
        closest = { host: context.dnsRoot, depth: rest.length };
    }
    // What no cross reference knows is looked for where the name itself says.
    const labels = parts.filter(({ attribute }) => attribute.toLowerCase() === 'dc').map(({ value }) => value);
    const host = closest?.host ?? (depth === Number.POSITIVE_INFINITY ? labels.join('.').toLowerCase() : '');
    if (host !== '') throw refer(host, dn);
  }
  /** Hex of the sixteen bytes, or of the text without dashes. */
  *#guidForms(hex: string): Generator<string> {
    const dashed = (text: string): string =>
      `${text.slice(0, 8)}-${text.slice(8, 12)}-${text.slice(12, 16)}-${text.slice(16, 20)}-${text.slice(20)}`;
    yield dashed(hex);
    yield dashed(guidBytes(dashed(hex)).toString('hex'));
  }

  /** An object that it holds. */
  find(dn: string): Entry | null {
    try {
      return this.locate(dn).entry;
    } catch (error) {
      if (error instanceof DirectoryRefusal) return null;
      throw error;
    }
  }
  /** What an object of the whole forest is called; null: there is none. */
  nameOf(guid: string): string | null {
    const entry = this.byGuid(guid);
    if (entry !== null) return this.dnOf(entry);
    const other = this.#others.byGuid(guid);
    return other === null ? null : other.at.dnOf(other.entry);
  }
  /** The SID of an object of the whole forest; null: it has none. */
  sidOf(guid: string): Buffer | null {
    const entry = this.byGuid(guid) ?? this.#others.byGuid(guid)?.entry ?? null;
    const [sid] = entry?.values.get('objectsid') ?? [];
    return sid instanceof Buffer ? sid : null;
  }
  guidOf(dn: string): string | null {
    return (this.find(dn) ?? this.#others.find(dn)?.entry)?.guid ?? null;
  }
  attribute(name: string): AttributeRow | null {
    return attributeRow(name);
  }
  holderOf(_entry: Entry): Controller {
    return this;
  }
  #need(dn: string, by: Principal, showsDeleted = false): Entry {
    const { entry, closest } = this.locate(dn);
    if (entry === null || (entry.isDeleted && !showsDeleted) || !by.mayRead(entry))
      throw noObject(closest === null ? '' : this.dnOf(closest));
    return entry;
  }

  /** The same for a place to move to, which a controller does not refer to another one. */
  #needHere(dn: string, by: Principal): Entry {
    try {
      return this.#need(dn, by);
    } catch (error) {
      if (error instanceof DirectoryRefusal && error.result === 'referral')
        throw refuse('affectsMultipleDsas', 0x2093, 'AFFECTS_MULTIPLE_DSAS');
      throw error;
    }
  }

  categoryGuid(category: string): string {
    return must(this.schema.children.get(`cn=${category.toLowerCase()}`), `the schema has ${category}`).guid;
  }

  // Values

  /** Values of one attribute, also of those that are worked out. @param name lower case */
  read(entry: Entry, name: string): readonly Value[] {
    switch (name) {
      case 'objectguid':
        return [guidBytes(entry.guid)];
      case 'parentguid':
        return entry.parent === null ? [] : [guidBytes(entry.parent.guid)];
      case 'distinguishedname':
        return [entry.guid];
      case 'name':
        return [entry.parent === null ? (this.partsOf(entry)[0]?.value ?? '') : entry.rdn.value];
      case 'whencreated':
        return [generalizedTime(entry.createdAtMs)];
      case 'whenchanged':
        return [generalizedTime(entry.changedAtMs)];
      case 'usncreated':
        return [String(entry.usnCreated)];
      case 'usnchanged':
        return [String(entry.usnChanged)];
      case 'isdeleted':
        return entry.isDeleted ? ['TRUE'] : [];
      case 'unicodepwd':
        return [];
      case 'repluptodatevector':
        return entry.parent === null ? [this.#upToDateVector(entry)] : [];
    }
    if (name === entry.rdn.attribute.toLowerCase() && entry.parent !== null) return [entry.rdn.value];
    const row = attributeRow(name);
    if (row !== null && isBackLink(row)) return [...(this.#backLinksOf(entry).get(name) ?? [])];
    return entry.values.get(name) ?? [];
  }
  /** What it has heard of a naming context. [MS-DRSR] 4.1.10.2.1 UPTODATE_VECTOR_V2_EXT, without the times */
  #upToDateVector(root: Entry): Buffer {
    const heard = [...(this.#heard.get(root) ?? [])];
    const head = Buffer.alloc(16);
    head.writeUInt32LE(2);
    head.writeUInt32LE(heard.length, 8);
    const cursors = heard.map(([invocationId, usn]) => {
      const cursor = Buffer.alloc(32);
      guidBytes(invocationId).copy(cursor);
      cursor.writeBigUInt64LE(BigInt(usn), 16);
      return cursor;
    });
    return Buffer.concat([head, ...cursors]);
  }
  text(entry: Entry, name: string): string | null {
    const [value] = this.read(entry, name.toLowerCase());
    return typeof value === 'string' ? value : null;
  }
  texts(entry: Entry, name: string): readonly string[] {
    return this.read(entry, name.toLowerCase()).filter((value) => typeof value === 'string');
  }

  /** Names of all attributes that it has, lower case. */
  attributesOf(entry: Entry): readonly string[] {
    return [
      ...entry.values.keys(),
      ...(entry.parent === null ? [] : [entry.rdn.attribute.toLowerCase()]),
      'objectguid',
      'distinguishedname',
      'name',
      'whencreated',
      'whenchanged',
      'usncreated',
      'usnchanged',
      ...(entry.isDeleted ? ['isdeleted'] : []),
      ...this.#backLinksOf(entry).keys(),
    ].filter((name) => name !== 'unicodepwd');
  }

  #backLinksOf(entry: Entry): ReadonlyMap<string, ReadonlySet<string>> {
    return this.#allBackLinks().get(entry.guid) ?? new Map();
  }
  #allBackLinks(): Map<string, Map<string, Set<string>>> {
    if (this.#backLinks !== null) return this.#backLinks;
    this.#backLinks = new Map();
    for (const entry of this.#byGuid.values()) {
      const { values } = entry;
      for (const { forward, back } of linkNames)
        for (const target of values.get(forward) ?? []) this.#linked(String(target), back, entry.guid);
    }
    return this.#backLinks;
  }
  #linked(target: string, back: string, guid: string): void {
    const all = this.#backLinks;
    if (all === null) return;
    let of = all.get(target);
    if (of === undefined) all.set(target, (of = new Map()));
    const set = of.get(back);
    if (set === undefined) of.set(back, new Set([guid]));
    else set.add(guid);
  }
  #unlinked(target: string, back: string, guid: string): void {
    const of = this.#backLinks?.get(target);
    const set = of?.get(back);
    set?.delete(guid);
    if (set?.size === 0) of?.delete(back);
  }

  // Search

  #index(name: string): Map<string, Set<Entry>> {
    const known = this.#indexes.get(name);
    if (known !== undefined) return known;
    const made = new Map<string, Set<Entry>>();
    this.#indexes.set(name, made);
    const isName = name === 'name' || name === 'cn' || name === 'displayname' || name === 'legacyexchangedn';
    // Only names are in the other partitions too.
    for (const entry of this.#byGuid.values())
      if (isName || entry.root === this.domain) this.#intoIndex(made, name, entry, this.#indexValues(entry, name));
    return made;
  }
  #indexValues(entry: Entry, name: string): readonly Value[] {
    return name === 'name' || name === entry.rdn.attribute.toLowerCase()
      ? [entry.rdn.value]
      : (entry.values.get(name) ?? []);
  }
  #intoIndex(index: Map<string, Set<Entry>>, name: string, entry: Entry, values: readonly Value[]): void {
    const row = must(attributeRow(name), 'indexed attributes are in the schema');
    for (const value of values) {
      const key = valueKey(row, value);
      const set = index.get(key);
      if (set === undefined) index.set(key, new Set([entry]));
      else set.add(entry);
    }
  }
  #reindex(entry: Entry, name: string, before: readonly Value[], after: readonly Value[]): void {
    const index = this.#indexes.get(name);
    if (index === undefined) return;
    const row = must(attributeRow(name), 'indexed attributes are in the schema');
    for (const value of before) index.get(valueKey(row, value))?.delete(entry);
    this.#intoIndex(index, name, entry, after);
  }

  /** Objects with that value, tombstones left out. @param attribute one of those that are indexed */
  having(attribute: string, value: string | Buffer): readonly Entry[] {
    const name = attribute.toLowerCase();
    const row = must(attributeRow(name), 'indexed attributes are in the schema');
    assert(indexed.has(name), `${attribute} is indexed`);
    return [...(this.#index(name).get(valueKey(row, value)) ?? [])].filter((entry) => !entry.isDeleted);
  }

  /** Those a filter can be true for, when an index knows; null: all. */
  #candidates(filter: Filter): ReadonlySet<Entry> | null {
    if (filter.kind === 'or') {
      const all = new Set<Entry>();
      for (const part of filter.of) {
        const some = this.#candidates(part);
        if (some === null) return null;
        for (const entry of some) all.add(entry);
      }
      return all;
    }
    if (filter.kind === 'and') {
      let best: ReadonlySet<Entry> | null = null;
      for (const part of filter.of) {
        const some = this.#candidates(part);
        if (some !== null && (best === null || some.size < best.size)) best = some;
      }
      return best;
    }
    if (filter.kind !== 'equal') return null;
    const name = filter.attribute.toLowerCase();
    const row = attributeRow(name);
    if (row === null) return null;
    const one = (entry: Entry | null): ReadonlySet<Entry> => new Set(entry === null ? [] : [entry]);
    if (name === 'objectguid') return one(this.byGuid(guidOf(filter.value)));
    if (name === 'distinguishedname') return one(this.find(filter.value.toString('utf8')));
    const wanted = wantedKey(this, row, filter.value);
    if (wanted === null) return new Set();
    return indexed.has(name) ? (this.#index(name).get(wanted) ?? new Set()) : null;
  }

  /** Everything that is found, in the order of the tree. @throws DirectoryRefusal the base is not there */
  search(
    by: Principal,
    { base, scope, filter, showsDeleted = false, isWholeForest = false }: Search,
    view: FilterView = this,
  ): Entry[] {
    const root = base === '' && isWholeForest ? null : this.#need(base, by, showsDeleted);
    const visible = (entry: Entry): boolean => (showsDeleted || !entry.isDeleted) && by.mayRead(entry);
    const found: Entry[] = [];
    const take = (entry: Entry): void => {
      if (visible(entry) && matches(view, entry, filter) === true) found.push(entry);
    };
    if (scope === 'base') {
      if (root !== null) take(root);
      return found;
    }
    const candidates = this.#candidates(filter);
    if (candidates !== null) {
      for (const entry of candidates) {
        const inside =
          root === null ||
          (scope === 'one'
            ? entry.parent === root
            : entry.isInside(root) || (isWholeForest && this.#below(entry, root)));
        if (inside) take(entry);
      }
      return found;
    }
    if (scope === 'one') {
      for (const child of root?.children.values() ?? []) take(child);
      return found;
    }
    const walk = (entry: Entry): void => {
      take(entry);
      for (const child of entry.children.values()) walk(child);
    };
    const roots = root === null ? [...this.#rootParts.keys()] : [root];
    for (const one of roots) walk(one);
    if (root !== null && isWholeForest)
      for (const other of this.#rootParts.keys()) if (other !== root && this.#below(other, root)) walk(other);
    return found;
  }
  /** Of another naming context, but below by its name. */
  #below(entry: Entry, base: Entry): boolean {
    return entry.root !== base.root && restBelow(this.partsOf(entry.root), this.partsOf(base)) !== null;
  }
  /** Naming contexts directly below a base, to which a search of it is referred. [MS-ADTS] 3.1.1.4.7 */
  *continuations(base: Entry, scope: 'one' | 'sub'): Generator<{ readonly dn: string; readonly dnsRoot: string }> {
    const own = this.partsOf(base.root);
    const above = this.partsOf(base);
    const contexts = this.#contexts();
    for (const { parts, dnsRoot } of contexts) {
      const depth = restBelow(parts, above)?.length ?? 0;
      const isDirect = !contexts.some(
        (other) => other.parts.length > own.length && (restBelow(parts, other.parts)?.length ?? 0) > 0,
      );
      if ((scope === 'one' ? depth === 1 : depth > 0) && isDirect) yield { dn: formatDn(parts), dnsRoot };
    }
  }
  isNamingContext(entry: Entry): boolean {
    return entry.parent === null;
  }

  // Writes

  /** @returns the new object. @throws DirectoryRefusal */
  add(by: Principal, dn: string, attributes: ReadonlyMap<string, readonly Buffer[]>): Entry {
    const { entry, closest, rest } = this.locate(dn);
    if (entry !== null) throw refuse('entryAlreadyExists', 0x2071, 'ENTRY_EXISTS');
    const [rdn] = rest;
    if (closest === null || rest.length !== 1 || rdn === undefined || !by.mayRead(closest))
      throw noObject(closest === null ? '' : this.dnOf(closest));
    if (!by.mayWrite(closest)) throw noRights();
    const given = new Map<string, readonly Buffer[]>();
    for (const [name, values] of attributes) {
      if (values.length === 0)
        throw refuseEarly('invalidAttributeSyntax', 0x57, 'Error in attribute conversion operation');
      given.set(name.toLowerCase(), values);
    }
    const names = (given.get('objectclass') ?? []).map((bytes) => bytes.toString('utf8'));
    if (names.length === 0) throw refuse('objectClassViolation', 0x2014, 'OBJ_CLASS_VIOLATION');
    const classes = names.map((name) => classRow(name));
    // `top` and the like are classes too, but nothing is only that.
    const known = classes.filter((row) => row !== null);
    const abstract = new Set(known.flatMap(({ chain }) => chain.map((one) => one.toLowerCase())));
    const strange = names.find((name) => classRow(name) === null && !abstract.has(name.toLowerCase()));
    if (strange !== undefined && !['top', 'person', 'organizationalperson'].includes(strange.toLowerCase()))
      throw refuse('noSuchAttribute', 0x2079, 'NO_ATTRIBUTE_OR_VAL', { attribute: `objectClass, ${strange}` });
    const row = known.sort((a, b) => b.chain.length - a.chain.length)[0];
    if (row === undefined) throw refuse('objectClassViolation', 0x2014, 'OBJ_CLASS_VIOLATION');
    if (!row.creatable) throw refuse('unwillingToPerform', 0x20ae, 'WILL_NOT_PERFORM');
    if (rdn.attribute.toLowerCase() !== row.rdn) throw refuse('namingViolation', 0x2073, 'NAMING_VIOLATION');
    const nameRow = must(attributeRow(row.rdn), 'naming attributes are in the schema');
    if (isOutOfRange(nameRow, rdn.value)) throw outOfRange(nameRow);
    const values = new Map<string, readonly Value[]>();
    for (const [name, bytes] of given) {
      if (name === 'objectclass') continue;
      if (name === row.rdn || name === 'name') {
        if (
          bytes.length !== 1 ||
          rdnKey({ attribute: row.rdn, value: String(bytes[0]) }) !== rdnKey({ ...rdn, attribute: row.rdn })
        )
          throw refuse('namingViolation', 0x2073, 'NAMING_VIOLATION');
        continue;
      }
      const attribute = this.#rowFor(name, row);
      if (attribute.systemOnly) throw systemOnly(attribute);
      const read = bytes.map((one) => this.#valueOf(attribute, one, by));
      this.#checkSet(attribute, read, row);
      values.set(name, read);
    }
    const guid = this.#newGuid();
    this.#complete(row, values);
    this.#checkUnique(values, null);
    this.#checkMembers(null, values);
    const made = this.#insert(guid, { ...rdn, attribute: rdn.attribute.toUpperCase() }, closest, values, this.#nowMs());
    this.#toldNew(made, values);
    return made;
  }
  #toldNew(made: Entry, values: ReadonlyMap<string, readonly Value[]>): void {
    this.#told(made, {
      place: placeOf(made),
      values: [...values].filter(([name]) => linkedRow(name) === null),
      links: [...values].flatMap(([name, list]) =>
        linkedRow(name) === null ? [] : [{ name, added: list.map(String), removed: [] }],
      ),
    });
  }

  /** What the server fills in. */
  #complete(row: ClassRow, values: Map<string, readonly Value[]>): void {
    const put = (name: string, value: Value): void => {
      if (!values.has(name)) values.set(name, [value]);
    };
    values.set('objectclass', row.chain);
    put('instancetype', '4');
    values.set('objectcategory', [this.categoryGuid(row.category)]);
    if (row.groups.includes('group')) put('grouptype', '-2147483646');
    if (!row.groups.includes('account') && !row.groups.includes('group')) return;
    const sid = this.#nextSid();
    values.set('objectsid', [sid]);
    put(
      'samaccountname',
      `$${sid.subarray(-4).toString('hex').toUpperCase()}-${this.#newGuid().slice(24).toUpperCase()}`,
    );
    if (row.groups.includes('group')) {
      const isSecurity = Number(values.get('grouptype')?.[0]) < 0;
      values.set('samaccounttype', [isSecurity ? '268435456' : '268435457']);
      return;
    }
    // Neither enabled nor with a password until somebody says so.
    put('useraccountcontrol', '546');
    put('primarygroupid', '513');
    put('accountexpires', '9223372036854775807');
    put('pwdlastset', '0');
    values.set('samaccounttype', ['805306368']);
  }

  #nextSid(): Buffer {
    const rid = Buffer.alloc(4);
    rid.writeUInt32LE(++this.#lastRid);
    return Buffer.concat([this.#domainSid, rid]);
  }

  /** @param permissive values that are there already, or are gone already, are no error. [MS-ADTS] 3.1.1.3.4.1.8 */
  modify(by: Principal, dn: string, changes: readonly ModifyChange[], permissive = false): Entry {
    const entry = this.#need(dn, by);
    if (!by.mayWrite(entry)) throw noRights();
    const row = this.classOf(entry);
    const next = new Map<string, readonly Value[]>();
    const now = (name: string): readonly Value[] => next.get(name) ?? entry.values.get(name) ?? [];
    for (const { op, attribute: given, values: bytes } of changes) {
      const name = given.toLowerCase();
      const attribute = this.#rowFor(name, row);
      if (name === entry.rdn.attribute.toLowerCase() || name === 'name')
        throw refuse('notAllowedOnRdn', 0x2016, 'CANT_ON_RDN');
      if (attribute.systemOnly || name === 'objectclass') throw systemOnly(attribute);
      const values = bytes.map((one) => this.#valueOf(attribute, one, by));
      const before = now(name);
      const keys = new Set(before.map((value) => valueKey(attribute, value)));
      if (op === 'replace') next.set(name, distinct(attribute, values));
      else if (op === 'add') {
        if (values.length === 0)
          throw refuseEarly('invalidAttributeSyntax', 0x57, 'Error in attribute conversion operation');
        const fresh: Value[] = [];
        for (const value of values) {
          const key = valueKey(attribute, value);
          if (!keys.has(key)) fresh.push(value);
          else if (!permissive) throw alreadyThere(attribute);
          keys.add(key);
        }
        next.set(name, [...before, ...fresh]);
      } else if (values.length === 0) {
        if (before.length === 0 && !permissive) throw notThere(attribute, 0x2084);
        next.set(name, []);
      } else {
        const gone = new Set(values.map((value) => valueKey(attribute, value)));
        for (const key of gone) if (!keys.has(key) && !permissive) throw notThere(attribute, 0x2085);
        next.set(
          name,
          before.filter((value) => !gone.has(valueKey(attribute, value))),
        );
      }
    }
    for (const [name, values] of next) this.#checkSet(must(attributeRow(name), 'known'), values, row);
    this.#checkAccount(entry, next);
    this.#checkUnique(next, entry);
    this.#checkMembers(entry, next);
    this.#put(entry, next);
    return entry;
  }

  /** Writes as the server's own services do: no rights, no rules. Names are GUIDs here. */
  put(entry: Entry, values: ReadonlyMap<string, readonly Value[]> | Readonly<Record<string, readonly Value[]>>): void {
    const given = values instanceof Map ? [...values] : Object.entries(values);
    this.#put(entry, new Map(given.map(([name, list]) => [name.toLowerCase(), list])));
  }

  #put(entry: Entry, next: ReadonlyMap<string, readonly Value[]>): void {
    const plain: [string, readonly Value[]][] = [];
    const links: { name: string; added: string[]; removed: string[] }[] = [];
    for (const [name, after] of next) {
      const row = must(attributeRow(name), `${name} is in the schema`);
      const before = entry.values.get(name) ?? [];
      if (isSame(row, before, after)) continue;
      this.#assign(entry, name, before, after);
      if (row.link === null) plain.push([name, after]);
      else {
        const [old, fresh] = [new Set(before.map(String)), new Set(after.map(String))];
        links.push({
          name,
          added: [...fresh].filter((one) => !old.has(one)),
          removed: [...old].filter((one) => !fresh.has(one)),
        });
      }
    }
    // A write of what is there already is none. [MS-ADTS] 3.1.1.5.3.2
    if (plain.length > 0 || links.length > 0) this.#told(entry, { place: null, values: plain, links });
  }

  #assign(entry: Entry, name: string, before: readonly Value[], after: readonly Value[]): void {
    entry.set(name, after);
    this.#reindex(entry, name, before, after);
    const back = linkedRow(name);
    if (back === null || this.#backLinks === null) return;
    for (const target of before) this.#unlinked(String(target), back, entry.guid);
    for (const target of after) this.#linked(String(target), back, entry.guid);
  }

  /** Renames, and moves when another parent is named. */
  rename(by: Principal, dn: string, newRdn: string, newParent: string | null): Entry {
    const entry = this.#need(dn, by);
    const parts = parseDn(newRdn);
    const rdn = parts?.[0];
    if (rdn === undefined || parts?.length !== 1) throw refuse('invalidDnSyntax', 0x208f, 'BAD_NAME');
    if (entry.parent === null || entry === this.deletedObjects)
      throw refuse('unwillingToPerform', 0x20ae, 'WILL_NOT_PERFORM');
    const to = newParent === null ? entry.parent : this.#needHere(newParent, by);
    if (!by.mayWrite(entry) || !by.mayWrite(to)) throw noRights();
    if (to.root !== entry.root) throw refuse('affectsMultipleDsas', 0x2093, 'AFFECTS_MULTIPLE_DSAS');
    if (to.isInside(entry)) throw refuse('unwillingToPerform', 0x2086, 'WILL_NOT_PERFORM');
    const row = this.classOf(entry);
    if (rdn.attribute.toLowerCase() !== row.rdn) throw refuse('namingViolation', 0x2073, 'NAMING_VIOLATION');
    const nameRow = must(attributeRow(row.rdn), 'naming attributes are in the schema');
    if (isOutOfRange(nameRow, rdn.value)) throw outOfRange(nameRow);
    const taken = to.children.get(rdnKey(rdn));
    if (taken !== undefined && taken !== entry) throw refuse('entryAlreadyExists', 0x2071, 'ENTRY_EXISTS');
    this.#place(entry, { attribute: rdn.attribute.toUpperCase(), value: rdn.value }, to);
    this.#told(entry, { place: placeOf(entry), values: [], links: [] });
    return entry;
  }

  #place(entry: Entry, rdn: Rdn, to: Entry): void {
    this.#renames++;
    const before = [entry.rdn.value];
    entry.parent?.children.delete(rdnKey(entry.rdn));
    const name = entry.rdn.attribute.toLowerCase();
    entry.rdn = rdn;
    entry.parent = to;
    to.children.set(rdnKey(rdn), entry);
    for (const one of ['name', name]) if (indexed.has(one)) this.#reindex(entry, one, before, [rdn.value]);
  }

  // Moves between domains. [MS-ADTS] 3.1.1.5.4.2

  /** Takes an object over from another domain: the same one, with a SID of this domain and the old one in its history. */
  receive(from: Held, rdn: Rdn, parent: Entry): Entry {
    if (parent.children.has(rdnKey(rdn))) throw refuse('entryAlreadyExists', 0x2071, 'ENTRY_EXISTS');
    const values = new Map(from.entry.values);
    const [sid] = values.get('objectsid') ?? [];
    if (sid !== undefined) {
      values.set('sidhistory', [...(values.get('sidhistory') ?? []), sid]);
      values.set('objectsid', [this.#nextSid()]);
    }
    this.#checkUnique(values, null, from.entry.guid);
    const made = this.#insert(from.entry.guid, rdn, parent, values, from.entry.createdAtMs);
    this.#toldNew(made, values);
    return made;
  }

  /**
   * Lets go of an object that another domain has by now. It leaves no tombstone: what stays is a deleted object of another class and GUID
   * that names it, by which the other controllers of the domain let go of it too.
   */
  release(entry: Entry): void {
    this.#expunge(entry);
    const guid = this.#newGuid();
    const values = new Map<string, readonly Value[]>([
      ['objectclass', must(classRow('infrastructureUpdate'), 'the schema has the class').chain],
      ['instancetype', ['4']],
      ['proxiedobjectname', [entry.guid]],
    ]);
    const proxy = this.#insert(
      guid,
      { attribute: 'CN', value: `${guid}\nDEL:${guid}` },
      this.deletedObjects,
      values,
      this.#nowMs(),
    );
    proxy.isDeleted = true;
    this.#toldNew(proxy, values);
  }

  /** Takes an object away as if it had never been there. What names it by a link still does. */
  #expunge(entry: Entry): void {
    for (const name of this.#indexes.keys()) this.#reindex(entry, name, this.#indexValues(entry, name), []);
    for (const [name, values] of entry.values) {
      const back = linkedRow(name);
      if (back !== null) for (const target of values) this.#unlinked(String(target), back, entry.guid);
    }
    entry.parent?.children.delete(rdnKey(entry.rdn));
    this.#byGuid.delete(entry.guid);
    this.#renames++;
  }

  /** Lets go of an object of the configuration and of all below it, as what looks after the partitions does. */
  expungeTree(entry: Entry): void {
    for (const child of [...entry.children.values()]) this.expungeTree(child);
    this.#expunge(entry);
  }

  /** @param tree with everything below it. [MS-ADTS] 3.1.1.3.4.1.15 */
  remove(by: Principal, dn: string, tree = false): void {
    const entry = this.#need(dn, by);
    if (entry.parent === null || entry.root !== this.domain || entry === this.deletedObjects)
      throw refuse('unwillingToPerform', 0x2086, 'WILL_NOT_PERFORM');
    if (!by.mayWrite(entry)) throw noRights();
    if (entry.children.size > 0 && !tree) throw refuse('notAllowedOnNonLeaf', 0x2015, 'CANT_ON_NON_LEAF');
    this.#bury(entry);
  }

  /** Makes a tombstone of it: most of it is gone, and so is what names it by a link. */
  #bury(entry: Entry): void {
    for (const child of [...entry.children.values()]) this.#bury(child);
    const parent = must(entry.parent, 'roots are not deleted');
    this.#forgetLinksTo(entry);
    const stored = new Map(entry.values);
    const gone = [...stored.keys()].filter((name) => !keptByTombstones.has(name));
    for (const name of gone) this.#assign(entry, name, stored.get(name) ?? [], []);
    entry.isDeleted = true;
    const kept: [string, readonly Value[]][] = [
      ['lastknownparent', [parent.guid]],
      ['msds-lastknownrdn', [entry.rdn.value]],
    ];
    for (const [name, values] of kept) this.#assign(entry, name, [], values);
    this.#place(
      entry,
      { attribute: entry.rdn.attribute, value: `${entry.rdn.value}\nDEL:${entry.guid}` },
      this.deletedObjects,
    );
    this.#told(entry, {
      place: placeOf(entry),
      values: [
        ...gone.filter((name) => linkedRow(name) === null).map((name): [string, readonly Value[]] => [name, []]),
        ...kept,
      ],
      links: gone.flatMap((name) =>
        linkedRow(name) === null ? [] : [{ name, added: [], removed: (stored.get(name) ?? []).map(String) }],
      ),
    });
  }

  /** Links to what is deleted are gone. No change of those objects: nothing counts up. [MS-ADTS] 3.1.1.5.5.1.1 */
  #forgetLinksTo(entry: Entry): void {
    this.#allBackLinks();
    for (const [back, guids] of [...this.#backLinksOf(entry)]) {
      const forward = must(otherEnd(must(attributeRow(back), 'known')), 'links have two ends').name.toLowerCase();
      for (const guid of [...guids]) {
        const from = must(this.byGuid(guid), 'back links lead to objects');
        const before = from.values.get(forward) ?? [];
        const after = before.filter((one) => one !== entry.guid);
        this.#assign(from, forward, before, after);
      }
    }
  }

  /** Counts a write of this controller, and passes it on. */
  #told(
    entry: Entry,
    change: {
      readonly place: Update['place'];
      readonly values: readonly (readonly [string, readonly Value[]])[];
      readonly links: Update['links'];
    },
  ): void {
    const atMs = this.#nowMs();
    const usn = ++this.usn;
    const stamp = (name: string): Stamp => {
      const made = { version: (entry.stamps.get(name)?.version ?? 1) + 1, atMs, from: this.invocationId, usn };
      entry.stamps.set(name, made);
      return made;
    };
    entry.usnChanged = usn;
    entry.changedAtMs = atMs;
    if (change.place !== null) stamp('name');
    const values = change.values.map(([name, list]) => ({ name, values: list, version: stamp(name).version }));
    for (const { name } of change.links) stamp(name);
    this.onWrite(
      { guid: entry.guid, atMs, from: this.invocationId, usn, place: change.place, values, links: change.links },
      entry,
    );
  }

  /** Takes over what another controller wrote. */
  replicate(update: Update): void {
    const usn = ++this.usn;
    const { place, atMs, from } = update;
    let entry = this.byGuid(update.guid);
    const known = (guid: string | null): Entry => {
      const parent = guid === null ? null : this.byGuid(guid);
      return parent === null || (parent.isDeleted && place?.isDeleted !== true) ? this.#lostAndFound() : parent;
    };
    if (entry === null) {
      if (place === null) return;
      entry = this.#insert(update.guid, place.rdn, known(place.parent), new Map(), atMs);
      entry.isDeleted = place.isDeleted;
    } else if (place !== null && this.#isNewer(entry, 'name', (entry.stamps.get('name')?.version ?? 1) + 1, update)) {
      const to = known(place.parent);
      const taken = to.children.get(rdnKey(place.rdn));
      // Two objects under one name: the one that comes later gets another. [MS-ADTS] 3.1.1.5.1.2 conflict names
      const rdn =
        taken === undefined || taken === entry
          ? place.rdn
          : { ...place.rdn, value: `${place.rdn.value}\nCNF:${entry.guid}` };
      if (place.isDeleted) this.#forgetLinksTo(entry);
      entry.isDeleted = place.isDeleted;
      this.#place(entry, rdn, to);
    }
    if (place !== null)
      entry.stamps.set('name', { version: (entry.stamps.get('name')?.version ?? 1) + 1, atMs, from, usn });
    for (const { name, values, version } of update.values) {
      if (!this.#isNewer(entry, name, version, update)) continue;
      this.#assign(entry, name, entry.values.get(name) ?? [], values);
      entry.stamps.set(name, { version, atMs, from, usn });
      // It was moved to another domain.
      const moved = name === 'proxiedobjectname' ? this.byGuid(String(values[0])) : null;
      if (moved !== null) this.#expunge(moved);
    }
    for (const { name, added, removed } of update.links) {
      const before = entry.values.get(name) ?? [];
      const left = before.filter((one) => !removed.includes(String(one)) && !added.includes(String(one)));
      const row = must(attributeRow(name), 'known');
      const after = row.single && added.length > 0 ? added : [...left, ...added];
      this.#assign(entry, name, before, after);
      entry.stamps.set(name, { version: (entry.stamps.get(name)?.version ?? 1) + 1, atMs, from, usn });
    }
    entry.usnChanged = usn;
    entry.changedAtMs = Math.max(entry.changedAtMs, atMs);
    const { root } = entry;
    const heard = this.#heard.get(root) ?? new Map<string, number>();
    this.#heard.set(root, heard.set(from, update.usn));
  }
  /** The later version wins, then the later time, then the greater controller. [MS-ADTS] 3.1.1.1.9 */
  #isNewer(entry: Entry, name: string, version: number, update: Update): boolean {
    const stamp = entry.stamps.get(name);
    if (stamp === undefined || stamp.version !== version) return (stamp?.version ?? 0) < version;
    return stamp.atMs === update.atMs ? stamp.from < update.from : stamp.atMs < update.atMs;
  }
  #lostAndFound(): Entry {
    return must(this.domain.children.get('cn=lostandfound'), 'every domain has a place for what is lost');
  }

  #insert(guid: string, rdn: Rdn, parent: Entry, values: Map<string, readonly Value[]>, atMs: number): Entry {
    const entry = new Entry({ guid, rdn, parent, atMs, usn: this.usn + 1, values });
    const taken = parent.children.has(rdnKey(rdn));
    if (taken) entry.rdn = { ...rdn, value: `${rdn.value}\nCNF:${guid}` };
    parent.children.set(rdnKey(entry.rdn), entry);
    this.#byGuid.set(guid, entry);
    for (const name of this.#indexes.keys()) this.#reindex(entry, name, [], this.#indexValues(entry, name));
    for (const [name, list] of values) {
      const back = linkedRow(name);
      if (back !== null) for (const target of list) this.#linked(String(target), back, guid);
    }
    return entry;
  }

  // Rules

  classOf(entry: Entry): ClassRow {
    const chain = entry.values.get('objectclass') ?? [];
    return must(classRow(String(chain[chain.length - 1])), 'every object has a class');
  }

  #rowFor(name: string, row: ClassRow): AttributeRow {
    const attribute = attributeRow(name.split(';')[0] ?? '');
    if (attribute === null || name.includes(';'))
      throw refuseEarly('noSuchAttribute', 0x57, 'Error in attribute conversion operation');
    if (attribute.on.length > 0 && !attribute.on.some((group) => row.groups.includes(group)))
      throw refuse('objectClassViolation', 0x207d, 'OBJ_CLASS_VIOLATION');
    return attribute;
  }

  #valueOf(attribute: AttributeRow, bytes: Buffer, by: Principal): Value {
    const value = readValue(attribute, bytes);
    if (value === null) throw refuseEarly('invalidAttributeSyntax', 0x57, 'Error in attribute conversion operation');
    if (attribute.name === 'unicodePwd') {
      const text = bytes.toString('utf16le');
      if (bytes.length % 2 !== 0 || !/^".*"$/s.test(text)) throw refuse('unwillingToPerform', 0x1f, 'WILL_NOT_PERFORM');
      if (text.length < 9)
        throw refuse('constraintViolation', 0x52d, 'CONSTRAINT_ATT_TYPE', { attribute: 'unicodePwd' });
      return value;
    }
    if (attribute.syntax !== 'dn') return value;
    if (!/^<GUID=/i.test(String(value)) && parseDn(String(value)) === null)
      throw refuseEarly('invalidAttributeSyntax', 0x57, 'Error in attribute conversion operation');
    const target = this.find(String(value)) ?? this.#others.find(String(value))?.entry ?? null;
    if (target === null || target.isDeleted || !by.mayRead(target)) throw noObject(this.dnOf(this.domain));
    return target.guid;
  }

  /** Whom of other domains a group takes goes by its scope. [MS-SAMR] 3.1.1.8.9 */
  #checkMembers(group: Entry | null, next: ReadonlyMap<string, readonly Value[]>): void {
    const members = next.get('member') ?? [];
    const type = Number((next.get('grouptype') ?? group?.values.get('grouptype'))?.[0] ?? 0);
    for (const guid of members) {
      if (this.byGuid(String(guid)) !== null) continue;
      const member = this.#others.byGuid(String(guid));
      const [memberType] = member?.entry.values.get('grouptype') ?? [];
      const isLocal = memberType !== undefined && (Number(memberType) & groupScopes.local) !== 0;
      if ((type & groupScopes.global) !== 0) throw refuse('unwillingToPerform', 0x2147, 'WILL_NOT_PERFORM');
      if (isLocal)
        throw (type & groupScopes.universal) !== 0
          ? refuse('unwillingToPerform', 0x2146, 'WILL_NOT_PERFORM')
          : refuse('unwillingToPerform', 0x2148, 'WILL_NOT_PERFORM');
    }
  }

  #checkSet(attribute: AttributeRow, values: readonly Value[], row: ClassRow): void {
    if (attribute.single && values.length > 1)
      throw refuse('constraintViolation', 0x2081, 'CONSTRAINT_ATT_TYPE', { attribute: attribute.name });
    if (values.length > valuesMax) throw refuse('unwillingToPerform', 0x2035, 'WILL_NOT_PERFORM');
    for (const value of values) if (isOutOfRange(attribute, value)) throw outOfRange(attribute);
    // Names of accounts end at twenty letters, whatever the schema says. [MS-SAMR] 3.1.1.6
    if (attribute.name === 'sAMAccountName' && row.groups.includes('account') && String(values[0] ?? '').length > 20)
      throw refuse('constraintViolation', 0x523, 'CONSTRAINT_ATT_TYPE', { attribute: attribute.name });
    if (attribute.name === 'sAMAccountName' && /["/\\[\]:;|=,+*?<>]/.test(String(values[0] ?? '')))
      throw refuse('constraintViolation', 0x523, 'CONSTRAINT_ATT_TYPE', { attribute: attribute.name });
    if (attribute.syntax === 'text' && distinct(attribute, values).length < values.length)
      throw alreadyThere(attribute);
  }

  /** An account is enabled only with a password, or when it may be without. */
  #checkAccount(entry: Entry, next: ReadonlyMap<string, readonly Value[]>): void {
    const flags = next.get('useraccountcontrol')?.[0];
    if (flags === undefined || (Number(flags) & 2) !== 0 || (Number(flags) & 32) !== 0) return;
    const before = Number(entry.values.get('useraccountcontrol')?.[0] ?? 0);
    const hasPassword = next.has('unicodepwd') || (before & 32) === 0 || entry.values.has('unicodepwd');
    if (!hasPassword) throw refuse('unwillingToPerform', 0x52d, 'WILL_NOT_PERFORM');
  }

  #checkUnique(values: ReadonlyMap<string, readonly Value[]>, except: Entry | null, moved: string | null = null): void {
    for (const [name, result, code] of [
      ['samaccountname', 'entryAlreadyExists', 0x524],
      ['userprincipalname', 'constraintViolation', 0x21c8],
    ] as const) {
      const value = values.get(name)?.[0];
      if (value === undefined) continue;
      const isTaken =
        this.having(name, value).some((one) => one !== except) ||
        (name === 'userprincipalname' && this.#others.having(name, value).some((guid) => guid !== moved));
      if (!isTaken) continue;
      throw result === 'entryAlreadyExists'
        ? refuse(result, code, 'ENTRY_EXISTS')
        : refuse(result, code, 'CONSTRAINT_ATT_TYPE', { attribute: 'userPrincipalName' });
    }
  }
}

/** groupType. [MS-ADTS] 2.2.12 */
export const groupScopes = { global: 2, local: 4, universal: 8 } as const;

/** Parts of a name that stand before those of another one; null: it does not lie there. */
export function restBelow(parts: DnParts, above: DnParts): DnParts | null {
  const depth = parts.length - above.length;
  if (depth < 0) return null;
  return above.every((part, at) => rdnKey(parts[depth + at] as Rdn) === rdnKey(part)) ? parts.slice(0, depth) : null;
}

const linkNames = attributeRows.flatMap((row) => {
  const back = row.link !== null && !isBackLink(row) ? otherEnd(row) : null;
  return back === null ? [] : [{ forward: row.name.toLowerCase(), back: back.name.toLowerCase() }];
});
const backOf = new Map(linkNames.map(({ forward, back }) => [forward, back]));
/** The back link of a forward link; null: it is none. */
const linkedRow = (name: string): string | null => backOf.get(name) ?? null;

const guidOf = (bytes: Buffer): string => {
  if (bytes.length !== 16) return bytes.toString('utf8').toLowerCase();
  const mixed = guidBytes(bytes.toString('hex')).toString('hex');
  return `${mixed.slice(0, 8)}-${mixed.slice(8, 12)}-${mixed.slice(12, 16)}-${mixed.slice(16, 20)}-${mixed.slice(20)}`;
};

const placeOf = (entry: Entry): NonNullable<Update['place']> => ({
  rdn: entry.rdn,
  parent: entry.parent?.guid ?? null,
  isDeleted: entry.isDeleted,
});

function distinct(row: AttributeRow, values: readonly Value[]): readonly Value[] {
  return [...new Map(values.map((value) => [valueKey(row, value), value])).values()];
}

function isSame(row: AttributeRow, before: readonly Value[], after: readonly Value[]): boolean {
  if (before.length !== after.length) return false;
  // Other letters of the same value are another value to write.
  const keys = new Set(before.map((value) => (typeof value === 'string' ? value : value.toString('latin1'))));
  return after.every((value) => keys.has(typeof value === 'string' ? value : value.toString('latin1'))) && row !== null;
}

const outOfRange = (row: AttributeRow): DirectoryRefusal =>
  refuse('constraintViolation', 0x2082, 'CONSTRAINT_ATT_TYPE', { attribute: row.name });
const systemOnly = (row: AttributeRow): DirectoryRefusal =>
  refuse('constraintViolation', 0x20b1, 'CONSTRAINT_ATT_TYPE', { attribute: row.name });
/** Members have codes of their own. */
const alreadyThere = (row: AttributeRow): DirectoryRefusal =>
  row.name === 'member'
    ? refuse('entryAlreadyExists', 0x562, 'ENTRY_EXISTS')
    : refuse('attributeOrValueExists', 0x2083, 'ATT_OR_VALUE_EXISTS', { attribute: row.name });
const notThere = (row: AttributeRow, code: number): DirectoryRefusal =>
  row.name === 'member'
    ? refuse('unwillingToPerform', 0x561, 'WILL_NOT_PERFORM')
    : refuse('noSuchAttribute', code, 'NO_ATTRIBUTE_OR_VAL', { attribute: row.name });
