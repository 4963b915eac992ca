import { FaultError } from '#kit/fault.ts';
import type { DirectoryEdit } from '#model/directory/directory-edit.ts';
import type {
  Attributes,
  DirectoryKind,
  DirectoryObject,
  DistinguishedName,
} from '#model/directory/directory-object.ts';
import { dnKey, parentDn, parseDn, sameDn } from '#model/directory/distinguished-name.ts';
import { mailboxSigns, mayKeepMail } from '#model/directory/recipient-type.ts';
import type { Context } from '../../contract.ts';
import type { DirectoryRefusal, DirectoryWritten } from '../contract.ts';
import type { AttributeShape } from './attribute-shapes.ts';
import { readByGuid } from './change-feed.ts';
import type { ValueChange } from './controller.ts';
import type { Forest, Known } from './forest.ts';
import { guidOfBytes } from './guids.ts';
import { anyOf, equal } from './ldap-filter.ts';
import { asFault, LdapRefusal, type RefusedWrite, refusalOf } from './ldap-results.ts';
import { encodeValues, guidName, wantedOf } from './read-objects.ts';
import { inOrder } from './write-order.ts';

/**
 * Writes, each one operation of LDAP. An object is named by its GUID, so that one that was deleted and made again under its old name is never
 * taken for it. What an edit expects is asked twice: here letter by letter, since a server takes `smtp:` for `SMTP:`, and by the server,
 * which takes away only what is there. Several are on their way at a time (`write-order.ts`).
 */

const classes: Readonly<Record<DirectoryKind, readonly string[]>> = {
  user: ['top', 'person', 'organizationalPerson', 'user'],
  contact: ['top', 'person', 'organizationalPerson', 'contact'],
  group: ['top', 'group'],
  container: ['top', 'organizationalUnit'],
};

type Edit<Kind extends DirectoryEdit['kind']> = DirectoryEdit & { readonly kind: Kind };
type Existing = DirectoryEdit & { readonly kind: 'modify' | 'move' | 'remove' };

/** Where an object is now, and on which controller it is written. */
interface Found {
  readonly known: Known;
  readonly object: DirectoryObject;
}

const refused = (reason: DirectoryRefusal, detail: string): DirectoryWritten => ({ kind: 'refused', reason, detail });
/** An add whose GUID is still to be read. */
interface Added {
  readonly index: number;
  readonly known: Known;
  readonly dn: DistinguishedName;
}

export async function writeObjects(
  forest: Forest,
  edits: readonly DirectoryEdit[],
  context: Context,
): Promise<readonly DirectoryWritten[]> {
  const names = edits.flatMap((edit) => (edit.kind === 'add' ? Object.keys(edit.attributes) : namesToCompare(edit)));
  const shapes = await forest.shapes.of(names, context);
  const existing = await findAll(forest, edits, shapes, context);
  const results = new Array<DirectoryWritten>(edits.length);
  const touched = new Set<string>();
  const added: Added[] = [];
  await inOrder(edits, shapes, async (edit, index) => {
    if (edit.kind === 'add') {
      const done = await add(forest, edit, shapes, context);
      if ('known' in done) added.push({ index, ...done });
      results[index] =
        'known' in done ? refused('not-there', 'it was made, and was gone when it was looked for') : done;
      return;
    }
    // What an earlier edit of this call changed is looked at again.
    const isAgain = touched.has(edit.guid);
    touched.add(edit.guid);
    const found = (isAgain ? await findAll(forest, [edit], shapes, context) : existing).get(edit.guid);
    results[index] =
      found === undefined
        ? refused('not-there', `no object has the GUID ${edit.guid}`)
        : await change(forest, edit, found, shapes, context);
  });
  await nameAdded(added, results, context);
  return results;
}

async function change(
  forest: Forest,
  edit: Existing,
  found: Found,
  shapes: ReadonlyMap<string, AttributeShape>,
  context: Context,
): Promise<DirectoryWritten> {
  switch (edit.kind) {
    case 'modify':
      return modify(edit, found, shapes, context);
    case 'move':
      return move(forest, edit, found, context);
    case 'remove':
      return remove(edit, found, context);
  }
}

/** Of what is removed that is what tells of a mailbox. */
function namesToCompare(edit: Existing): readonly string[] {
  if (edit.kind === 'modify') return Object.keys(edit.values);
  return edit.kind === 'remove' ? mailboxSigns : [];
}

/** The objects of all edits as they are now, with the values that the edits are about. */
async function findAll(
  forest: Forest,
  edits: readonly DirectoryEdit[],
  shapes: ReadonlyMap<string, AttributeShape>,
  context: Context,
): Promise<Map<string, Found>> {
  const found = new Map<string, Found>();
  const attributes = new Set<string>();
  const missing = new Set<Existing['guid']>();
  for (const edit of edits) {
    if (edit.kind === 'add') continue;
    missing.add(edit.guid);
    for (const name of namesToCompare(edit)) {
      // References may be many, and the server compares them by what they name.
      if (edit.kind === 'remove' || shapes.get(name.toLowerCase())?.form !== 'dn') attributes.add(name);
    }
  }
  for (const domain of missing.size > 0 ? await forest.domains(context) : []) {
    if (missing.size === 0) break;
    const known = await forest.serving(domain, context);
    const wanted = wantedOf([...attributes], shapes);
    for (const [guid, object] of await readByGuid([...missing], known, domain.dn, null, wanted, context)) {
      found.set(guid, { known, object });
      missing.delete(guid);
    }
  }
  return found;
}

/** Names that the schema lacks, more values than it allows, or values of bytes that are no hex. */
function unwritable(
  attributes: Attributes,
  shapes: ReadonlyMap<string, AttributeShape>,
  broken: readonly string[],
): DirectoryWritten | null {
  const lacking = Object.keys(attributes).filter((name) => !shapes.has(name.toLowerCase()));
  if (lacking.length > 0) return refused('schema-lacks', `the schema has no ${lacking.join(', ')}`);
  const single = Object.keys(attributes).filter(
    (name) => shapes.get(name.toLowerCase())?.isSingle === true && (attributes[name]?.length ?? 0) > 1,
  );
  if (single.length > 0) return refused('value-refused', `${single.join(', ')} takes one value only`);
  return broken.length > 0
    ? refused('value-refused', `${broken.join(', ')} takes bytes, which are given in hex`)
    : null;
}

async function add(
  forest: Forest,
  edit: Edit<'add'>,
  shapes: ReadonlyMap<string, AttributeShape>,
  context: Context,
): Promise<DirectoryWritten | Omit<Added, 'index'>> {
  const { values, broken } = encodeValues(edit.attributes, shapes);
  const problem = unwritable(edit.attributes, shapes, broken);
  if (problem !== null) return problem;
  const domain = await forest.domainOf(edit.dn, context);
  if (domain === null || parseDn(edit.dn) === null)
    return refused('not-here', `${edit.dn} lies in no domain of this forest`);
  const known = await forest.serving(domain, context);
  const all = new Map(values);
  if (![...all.keys()].some((name) => name.toLowerCase() === 'objectclass')) {
    all.set(
      'objectClass',
      classesOf(edit).map((name) => Buffer.from(name)),
    );
  }
  return attempt({ kind: 'add', oneValueEach: true }, async () => {
    await known.controller.add(edit.dn, all, context);
    return { known, dn: edit.dn };
  });
}

const classesOf = ({ object, dn }: Edit<'add'>): readonly string[] =>
  object === 'container' && /^\s*cn\s*=/i.test(dn) ? ['top', 'container'] : classes[object];

async function modify(
  edit: Edit<'modify'>,
  { known, object }: Found,
  shapes: ReadonlyMap<string, AttributeShape>,
  context: Context,
): Promise<DirectoryWritten> {
  const changes: ValueChange[] = [];
  const [removes, adds]: [Record<string, readonly string[]>, Record<string, readonly string[]>] = [{}, {}];
  for (const [name, { remove: gone, add: come }] of Object.entries(edit.values)) {
    removes[name] = gone;
    adds[name] = come;
    if (shapes.get(name.toLowerCase())?.form === 'dn') continue;
    const now = new Set(object.attributes[name] ?? []);
    const unexpected =
      gone.some((value) => !now.has(value)) || come.some((value) => now.has(value) && !gone.includes(value));
    if (unexpected) return refused('stale', `${name} has other values by now`);
  }
  const [removed, added] = [encodeValues(removes, shapes), encodeValues(adds, shapes)];
  const problem = unwritable(adds, shapes, [...removed.broken, ...added.broken]);
  if (problem !== null) return problem;
  for (const name of Object.keys(edit.values)) {
    const [remove, add] = [removed.values.get(name) ?? [], added.values.get(name) ?? []];
    if (remove.length + add.length > 0) changes.push({ attribute: name, remove, add });
  }
  if (changes.length === 0) return { kind: 'done', guid: edit.guid };
  const oneValueEach = changes.every(({ add }) => add.length <= 1);
  const answer = await attempt({ kind: 'modify', oneValueEach }, async () => {
    await known.controller.modify(nameOf(known, object), changes, context);
    return { kind: 'done', guid: edit.guid };
  });
  // A reference to an object that is not there is refused with the same code as an object that is not there.
  if (answer.kind === 'refused' && answer.reason === 'not-there' && (await isThere(known, object, context))) {
    return refused('value-refused', answer.detail);
  }
  return answer;
}

async function move(
  forest: Forest,
  edit: Edit<'move'>,
  { known, object }: Found,
  context: Context,
): Promise<DirectoryWritten> {
  if (!sameDn(object.dn, edit.from)) return refused('stale', `it is ${object.dn} by now`);
  const [here, there] = [await forest.domainOf(object.dn, context), await forest.domainOf(edit.to, context)];
  const parent = parentDn(edit.to);
  if (here !== there || parent === null) return refused('not-here', `${edit.to} lies in another domain`);
  const rdn = edit.to.slice(0, edit.to.length - parent.length).replace(/[\s,;]+$/, '');
  const answer = await attempt({ kind: 'move', oneValueEach: true }, async () => {
    await known.controller.rename(nameOf(known, object), rdn, parent, context);
    return { kind: 'done', guid: edit.guid };
  });
  // Samba says of a container that is not there only that it will not do it.
  if (
    answer.kind === 'refused' &&
    answer.reason === 'value-refused' &&
    (await guidsOf(known, [parent], context)).size === 0
  ) {
    return refused('no-container', answer.detail);
  }
  return answer;
}

async function remove(edit: Edit<'remove'>, { known, object }: Found, context: Context): Promise<DirectoryWritten> {
  if (object.version !== edit.version) return refused('stale', 'it was changed since it was read');
  if (object.kind === 'user' && mayKeepMail(object)) return refused('stale', 'it has a mailbox by now');
  return attempt({ kind: 'remove', oneValueEach: true }, async () => {
    await known.controller.remove(nameOf(known, object), context);
    return { kind: 'done', guid: edit.guid };
  });
}

const nameOf = ({ identity }: Known, { guid, dn }: DirectoryObject): string =>
  identity.takesGuids ? guidName(guid) : dn;

async function isThere(known: Known, object: DirectoryObject, context: Context): Promise<boolean> {
  const wanted = wantedOf([], new Map());
  return (await readByGuid([object.guid], known, known.identity.domainDn, null, wanted, context)).size > 0;
}

/** What the server refuses for the entry's own sake is returned; what is not about the entry is thrown. */
async function attempt<T>(
  write: RefusedWrite,
  act: () => Promise<T | DirectoryWritten>,
): Promise<T | DirectoryWritten> {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof LdapRefusal)) throw error;
    const reason = refusalOf(error, write);
    if (reason === null) throw asFault(error);
    return refused(reason, error.message);
  }
}

const namesPerSearch = 100;

/** GUIDs of what was added, read together at the end. */
async function nameAdded(added: readonly Added[], results: DirectoryWritten[], context: Context): Promise<void> {
  for (let at = 0; at < added.length; at += namesPerSearch) {
    const these = added.slice(at, at + namesPerSearch);
    const byServer = new Map<Known['controller'], [Added, ...Added[]]>();
    for (const one of these) {
      const list = byServer.get(one.known.controller);
      if (list === undefined) byServer.set(one.known.controller, [one]);
      else list.push(one);
    }
    for (const list of byServer.values()) {
      const guids = await guidsOf(
        list[0].known,
        list.map(({ dn }) => dn),
        context,
      );
      for (const { index, dn } of list) {
        const guid = guids.get(dnKey(dn));
        if (guid !== undefined) results[index] = { kind: 'done', guid };
      }
    }
  }
}

/** GUIDs by `dnKey`; names that are not there are left out. */
export async function guidsOf(known: Known, dns: readonly string[], context: Context) {
  const filter = anyOf(...dns.map((dn) => equal('distinguishedName', dn)));
  const search = { base: known.identity.domainDn, filter, attributes: ['objectGUID'] };
  try {
    const entries = await known.controller.searchAll(search, context);
    return new Map(
      entries.flatMap(({ dn, values }) => {
        const guid = guidOfBytes(values.get('objectGUID')?.[0] ?? Buffer.alloc(0));
        return guid === null ? [] : [[dnKey(dn), guid] as const];
      }),
    );
  } catch (error) {
    throw error instanceof FaultError ? error : asFault(error);
  }
}
