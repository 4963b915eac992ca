import { must } from '#kit/assert.ts';
import { FaultError } from '#kit/fault.ts';
import { attributeRow } from '#model/directory/attribute-rows.ts';
import type { DirectoryEdit } from '#model/directory/directory-edit.ts';
import type {
  Attributes,
  DirectoryKind,
  DirectoryObject,
  DistinguishedName,
  ObjectGuid,
} from '#model/directory/directory-object.ts';
import { dnKey, domainOfDn, isUnder, parentDn, sameDn } from '#model/directory/distinguished-name.ts';
import { mayKeepMail } from '#model/directory/recipient-type.ts';
import type {
  Directory,
  DirectoryChange,
  DirectoryDescription,
  DirectoryRefusal,
  DirectoryScope,
  DirectoryWritten,
} from '../contract.ts';

/** One object as the forest keeps it: references are kept by GUID and shown as the DN of the moment, as Active Directory does. */
interface Entry {
  readonly guid: ObjectGuid;
  readonly kind: DirectoryKind;
  dn: DistinguishedName;
  /** By lower-case name; the name as it was written first. */
  values: Map<string, { readonly name: string; readonly values: readonly string[] }>;
  usn: number;
  isDeleted: boolean;
}

export interface MemoryForestOptions {
  /** DN of its domain, such as `DC=old,DC=example`. */
  readonly root: DistinguishedName;
  /** First digits of the GUIDs that it gives, so that those of two forests differ: 8 hex digits. */
  readonly seed: string;
  /** Entries of a page of changes. */
  readonly pageSize?: number;
  /** Containers in which the account may not write. */
  readonly denied?: readonly DistinguishedName[];
  /** Attributes that its schema has not. */
  readonly lacks?: readonly string[];
}

const refused = (reason: DirectoryRefusal, detail: string): DirectoryWritten => ({ kind: 'refused', reason, detail });
const fold = (value: string): string => value.toLowerCase();

/**
 * A forest of one domain in memory, for tests of what works with directories. It does what Active Directory does where it matters to
 * a sync: references follow renames and vanish with their object, account names are unique, values are compared without case, deleted
 * objects stay as tombstones in the change feed, addresses may occur twice.
 */
export class MemoryForest {
  readonly root: DistinguishedName;
  denied: readonly DistinguishedName[];
  lacks: ReadonlySet<string>;
  readonly #entries = new Map<ObjectGuid, Entry>();
  readonly #byDn = new Map<string, Entry>();
  readonly #seed: string;
  readonly #pageSize: number;
  #usn = 0;
  #given = 0;
  /** Change numbers up to this are forgotten: a cursor from before is lost. */
  #forgottenUsn = 0;

  constructor({ root, seed, pageSize = 500, denied = [], lacks = [] }: MemoryForestOptions) {
    this.root = root;
    this.#seed = seed;
    this.#pageSize = pageSize;
    this.denied = denied;
    this.lacks = new Set(lacks.map(fold));
    this.add('container', root, {});
  }

  /** As an administrator: throws what a sync would be refused. */
  add(kind: DirectoryKind, dn: DistinguishedName, attributes: Attributes): ObjectGuid {
    const written = this.#add({ kind: 'add', object: kind, dn, attributes }, true);
    if (written.kind !== 'done') throw new Error(`${dn}: ${written.kind === 'refused' ? written.detail : ''}`);
    return written.guid;
  }

  /** Sets whole attributes, as an administrator. An empty list takes the attribute away. */
  set(guid: ObjectGuid, attributes: Attributes): void {
    const entry = must(this.#live(guid), `an object ${guid}`);
    for (const [name, values] of Object.entries(attributes)) this.#put(entry, name, values);
    entry.usn = ++this.#usn;
  }

  move(guid: ObjectGuid, to: DistinguishedName): void {
    const entry = must(this.#live(guid), `an object ${guid}`);
    this.#rename(entry, to);
  }

  remove(guid: ObjectGuid): void {
    this.#bury(must(this.#live(guid), `an object ${guid}`));
  }

  /** As a server does that was restored or lost its memory. */
  forgetFeed(): void {
    this.#forgottenUsn = ++this.#usn;
  }

  /** Everything that is there, in order of DN, for tests. */
  all(): readonly DirectoryObject[] {
    return [...this.#entries.values()]
      .filter(({ isDeleted }) => !isDeleted)
      .map((entry) => this.#show(entry, null))
      .sort((a, b) => (a.dn < b.dn ? -1 : 1));
  }

  get(dn: string): DirectoryObject | null {
    const entry = this.#byDn.get(dnKey(dn));
    return entry ? this.#show(entry, null) : null;
  }

  /** A connection to it. Several may be open. */
  open(): Directory {
    const counts = { searches: 0, writes: 0 };
    const searched = <T>(value: T, signal: AbortSignal): Promise<T> => {
      signal.throwIfAborted();
      counts.searches++;
      return Promise.resolve(value);
    };
    return {
      counts,
      describe: async ({ signal }) => {
        signal.throwIfAborted();
        return this.#describe();
      },
      lacks: async (attributes) => new Set(attributes.map(fold).filter((name) => this.lacks.has(name))),
      unheard: async () => [],
      changes: (scope, attributes, cursor, { signal }) => searched(this.#changes(scope, attributes, cursor), signal),
      read: (guids, attributes, { signal }) =>
        searched(
          new Map(
            guids.flatMap((guid): [ObjectGuid, DirectoryObject][] => {
              const entry = this.#live(guid);
              return entry ? [[guid, this.#show(entry, attributes)]] : [];
            }),
          ),
          signal,
        ),
      resolve: (dns, { signal }) =>
        searched(
          new Map(
            dns.flatMap((dn): [DistinguishedName, ObjectGuid][] => {
              const entry = this.#byDn.get(dnKey(dn));
              return entry ? [[dn, entry.guid]] : [];
            }),
          ),
          signal,
        ),
      find: (attributes, values, wanted, { signal }) => searched(this.#find(attributes, values, wanted), signal),
      write: async (edits, { signal }) => {
        const written: DirectoryWritten[] = [];
        for (const edit of edits) {
          signal.throwIfAborted();
          counts.writes++;
          written.push(this.#write(edit));
        }
        return written;
      },
      replicated: async (guid, shows, controllers) => {
        const entry = this.#live(guid);
        const isThere =
          entry !== null &&
          Object.entries(shows).every(([name, values]) => sameValues(this.#values(entry, name), values));
        return new Map(controllers.map((controller) => [controller, isThere]));
      },
      close: async () => {},
    };
  }

  #describe(): DirectoryDescription {
    const name = domainOfDn(this.root);
    return {
      product: 'memory',
      domains: [{ name, dn: this.root }],
      controller: `dc1.${name}`,
      controllers: [`dc1.${name}`],
      feed: { by: 'usn', why: 'memory counts its changes' },
      exchange: {
        organization: name,
        legacyExchangeDn: `/o=${name}`,
        administrativeGroupDn: `/o=${name}/ou=Exchange`,
        schemaVersion: 15_334,
      },
    };
  }

  #changes({ under }: DirectoryScope, attributes: readonly string[], cursor: string | null) {
    const [, mode = 'whole', from = '0'] = /^(whole|since):(\d+)$/.exec(cursor ?? 'whole:0') ?? [];
    const sinceUsn = Number(from);
    if (mode === 'since' && sinceUsn < this.#forgottenUsn) throw new FaultError({ kind: 'cursor-lost' });
    const isWhole = mode === 'whole';
    const due = [...this.#entries.values()]
      .filter(({ usn, isDeleted }) => usn > sinceUsn && !(isWhole && isDeleted))
      .filter(
        ({ dn, isDeleted }) => isDeleted || under.length === 0 || !isWhole || under.some((top) => isUnder(dn, top)),
      )
      .sort((a, b) => a.usn - b.usn);
    const page = due.slice(0, this.#pageSize);
    const complete = page.length === due.length;
    const upTo = complete ? this.#usn : must(page.at(-1), 'a page that is not complete has entries').usn;
    return {
      changes: page.map(
        (entry): DirectoryChange =>
          entry.isDeleted
            ? { kind: 'gone', guid: entry.guid, lastDn: entry.dn }
            : { kind: 'upsert', object: this.#show(entry, attributes) },
      ),
      cursor: complete || !isWhole ? `since:${upTo}` : `whole:${upTo}`,
      complete,
      isWhole,
    };
  }

  #find(
    attributes: readonly string[],
    values: readonly string[],
    wanted: readonly string[],
  ): readonly DirectoryObject[] {
    const sought = new Set(values.map(fold));
    const soughtDns = new Set(values.map(dnKey));
    return [...this.#entries.values()]
      .filter(
        (entry) =>
          !entry.isDeleted &&
          attributes.some((name) =>
            this.#values(entry, name).some((value) =>
              isReference(name) ? soughtDns.has(dnKey(value)) : sought.has(fold(value)),
            ),
          ),
      )
      .map((entry) => this.#show(entry, wanted));
  }

  #write(edit: DirectoryEdit): DirectoryWritten {
    switch (edit.kind) {
      case 'add':
        return this.#add(edit, false);
      case 'modify':
        return this.#modify(edit);
      case 'move': {
        const entry = this.#live(edit.guid);
        if (!entry) return refused('not-there', 'there is no such object');
        if (!sameDn(entry.dn, edit.from)) return refused('stale', `it is at ${entry.dn} by now`);
        const why = this.#refuseName(edit.to, entry) ?? this.#refuseRights(entry.dn);
        if (why) return why;
        this.#rename(entry, edit.to);
        return { kind: 'done', guid: entry.guid };
      }
      case 'remove': {
        const entry = this.#live(edit.guid);
        if (!entry) return refused('not-there', 'there is no such object');
        if (String(entry.usn) !== edit.version) return refused('stale', 'it was changed since');
        if (entry.kind === 'user' && mayKeepMail(this.#show(entry, null)))
          return refused('stale', 'it has a mailbox by now');
        const why = this.#refuseRights(entry.dn);
        if (why) return why;
        this.#bury(entry);
        return { kind: 'done', guid: entry.guid };
      }
    }
  }

  #add(edit: Extract<DirectoryEdit, { kind: 'add' }>, byAdministrator: boolean): DirectoryWritten {
    const isRoot = this.#entries.size === 0;
    const why =
      (isRoot ? null : this.#refuseName(edit.dn, null)) ??
      (byAdministrator ? null : this.#refuseRights(edit.dn)) ??
      this.#refuseAccount(edit.attributes, null) ??
      this.#refuseValues(edit.attributes);
    if (why) return why;
    const guid = `${this.#seed}-0000-0000-0000-${(++this.#given).toString(16).padStart(12, '0')}` as ObjectGuid;
    const entry: Entry = {
      guid,
      kind: edit.object,
      dn: edit.dn,
      values: new Map(),
      usn: ++this.#usn,
      isDeleted: false,
    };
    this.#entries.set(guid, entry);
    this.#byDn.set(dnKey(edit.dn), entry);
    for (const [name, values] of Object.entries(edit.attributes)) this.#put(entry, name, values);
    return { kind: 'done', guid };
  }

  #modify({ guid, values }: Extract<DirectoryEdit, { kind: 'modify' }>): DirectoryWritten {
    const entry = this.#live(guid);
    if (!entry) return refused('not-there', 'there is no such object');
    const why = this.#refuseRights(entry.dn);
    if (why) return why;
    const after = new Map<string, readonly string[]>();
    for (const [name, { remove, add }] of Object.entries(values)) {
      const key = (value: string) => (isReference(name) ? dnKey(value) : fold(value));
      const before = this.#values(entry, name);
      const there = new Set(before.map(key));
      const removed = new Set(remove.map(key));
      if (remove.some((value) => !there.has(key(value)))) return refused('stale', `${name} has other values by now`);
      const kept = before.filter((value) => !removed.has(key(value)));
      const keptKeys = new Set(kept.map(key));
      if (add.some((value) => keptKeys.has(key(value)))) return refused('stale', `${name} has a value already`);
      after.set(name, [...kept, ...add]);
    }
    const attributes = Object.fromEntries(after);
    const bad = this.#refuseAccount(attributes, entry) ?? this.#refuseValues(attributes);
    if (bad) return bad;
    for (const [name, list] of after) this.#put(entry, name, list);
    entry.usn = ++this.#usn;
    return { kind: 'done', guid };
  }

  #refuseName(dn: DistinguishedName, self: Entry | null): DirectoryWritten | null {
    const parent = parentDn(dn);
    if (parent === null || !this.#byDn.has(dnKey(parent)))
      return refused('no-container', `there is no container ${parent ?? ''}`);
    const holder = this.#byDn.get(dnKey(dn));
    if (holder && holder !== self) return refused('name-taken', `there is another object ${dn}`);
    return this.denied.some((top) => isUnder(dn, top)) && self !== null ? refused('no-rights', dn) : null;
  }

  #refuseRights(dn: DistinguishedName): DirectoryWritten | null {
    return this.denied.some((top) => isUnder(dn, top)) ? refused('no-rights', `no right to write ${dn}`) : null;
  }

  #refuseAccount(attributes: Attributes, self: Entry | null): DirectoryWritten | null {
    for (const [name, values] of Object.entries(attributes)) {
      if (!['samaccountname', 'userprincipalname'].includes(fold(name))) continue;
      const taken = this.#find([name], values, []).some(({ guid }) => guid !== self?.guid);
      if (taken) return refused('name-taken', `another account has this ${name}`);
    }
    return null;
  }

  #refuseValues(attributes: Attributes): DirectoryWritten | null {
    const unknown = Object.keys(attributes).find((name) => this.lacks.has(fold(name)));
    if (unknown !== undefined) return refused('schema-lacks', `the schema has no ${unknown}`);
    for (const [name, values] of Object.entries(attributes)) {
      const row = attributeRow(name);
      if (row && !row.multi && values.length > 1) return refused('value-refused', `${name} takes one value`);
      if (row?.rangeUpper && values.some((value) => value.length > (row.rangeUpper ?? 0)))
        return refused('value-refused', `${name} takes ${row.rangeUpper} characters`);
      if (isReference(name) && values.some((value) => !this.#byDn.has(dnKey(value))))
        return refused('value-refused', `${name} names an object that is not there`);
    }
    return null;
  }

  #put(entry: Entry, name: string, values: readonly string[]): void {
    if (values.length === 0) return void entry.values.delete(fold(name));
    const kept = isReference(name)
      ? values.map((dn) => must(this.#byDn.get(dnKey(dn)), `an object ${dn}`).guid)
      : values;
    entry.values.set(fold(name), { name: entry.values.get(fold(name))?.name ?? name, values: kept });
  }

  #rename(entry: Entry, to: DistinguishedName): void {
    const from = entry.dn;
    for (const below of [...this.#entries.values()])
      if (!below.isDeleted && isUnder(below.dn, from)) {
        this.#byDn.delete(dnKey(below.dn));
        below.dn = below === entry ? to : rebase(below.dn, from, to);
        this.#byDn.set(dnKey(below.dn), below);
      }
    entry.usn = ++this.#usn;
  }

  /** References to it vanish, and so does everything below; neither counts as a change of those who referred to it. */
  #bury(entry: Entry): void {
    for (const below of [...this.#entries.values()])
      if (!below.isDeleted && below !== entry && isUnder(below.dn, entry.dn)) this.#bury(below);
    this.#byDn.delete(dnKey(entry.dn));
    entry.isDeleted = true;
    entry.usn = ++this.#usn;
  }

  #live(guid: ObjectGuid): Entry | null {
    const entry = this.#entries.get(guid);
    return entry && !entry.isDeleted ? entry : null;
  }

  #values(entry: Entry, name: string): readonly string[] {
    if (fold(name) === 'distinguishedname') return [entry.dn];
    if (fold(name) === 'objectguid') return [entry.guid];
    if (fold(name) === 'memberof')
      return [...this.#entries.values()]
        .filter(({ isDeleted, values }) => !isDeleted && values.get('member')?.values.includes(entry.guid))
        .map(({ dn }) => dn);
    const values = entry.values.get(fold(name))?.values ?? [];
    return isReference(name) ? values.flatMap((guid) => this.#live(guid as ObjectGuid)?.dn ?? []) : values;
  }

  /** @param wanted Null: all there are. */
  #show(entry: Entry, wanted: readonly string[] | null): DirectoryObject {
    const names = wanted ?? [...entry.values.values()].map(({ name }) => name);
    return {
      guid: entry.guid,
      kind: entry.kind,
      dn: entry.dn,
      domain: domainOfDn(this.root),
      attributes: Object.fromEntries(
        names.flatMap((name): [string, readonly string[]][] => {
          const values = this.#values(entry, name);
          return values.length === 0 ? [] : [[name, values]];
        }),
      ),
      version: String(entry.usn),
    };
  }
}

const isReference = (name: string): boolean => attributeRow(name)?.syntax === 'dn';

const sameValues = (a: readonly string[], b: readonly string[]): boolean => {
  const there = new Set(a.map(fold));
  return there.size === new Set(b.map(fold)).size && b.every((value) => there.has(fold(value)));
};

function rebase(dn: DistinguishedName, from: DistinguishedName, to: DistinguishedName): DistinguishedName {
  const parent = must(parentDn(dn), 'a container');
  const own = dn.slice(0, dn.length - parent.length);
  return `${own}${sameDn(parent, from) ? to : rebase(parent, from, to)}` as DistinguishedName;
}
