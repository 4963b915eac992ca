import { assert } from '#kit/assert.ts';
import { FaultError } from '#kit/fault.ts';
import type { DirectoryEdit } from '#model/directory/directory-edit.ts';
import type { ObjectGuid } from '#model/directory/directory-object.ts';
import { mayKeepMail } from '#model/directory/recipient-type.ts';
import type { Context } from '../../contract.ts';
import { type JsonObject, textAt } from '../../graph/json.ts';
import type { DirectoryRefusal, DirectoryWritten } from '../contract.ts';
import { collections, mergedPatch, patchOf, shownAttributes } from './entra-objects.ts';
import { isScripted, linesOf } from './exchange-script.ts';
import {
  type EntraOutcome,
  type EntraRefusal,
  type EntraRequest,
  faultOf,
  type GraphSession,
} from './graph-session.ts';
import type { ObjectReader, ReadObject } from './read-objects.ts';

type Modify = Extract<DirectoryEdit, { readonly kind: 'modify' }>;
type Remove = Extract<DirectoryEdit, { readonly kind: 'remove' }>;

const refused = (reason: DirectoryRefusal, detail: string): DirectoryWritten => ({ kind: 'refused', reason, detail });

function handedOver(edit: DirectoryEdit, identity: string, why: string): DirectoryWritten {
  assert(edit.kind !== 'move', 'in a tenant nothing is moved');
  return { kind: 'handed-over', script: linesOf({ no: 0, identity, edit }), why };
}

/**
 * Writes to a tenant. Graph has no conditional writes: each object is read just before, compared, and written with what remains of a window.
 * What one edit asks for may be several requests; when one of them is refused, those before it are taken back.
 */
export class ObjectWriter {
  readonly #graph: GraphSession;
  readonly #reader: ObjectReader;

  constructor(graph: GraphSession, reader: ObjectReader) {
    this.#graph = graph;
    this.#reader = reader;
  }

  async write(edits: readonly DirectoryEdit[], context: Context): Promise<readonly DirectoryWritten[]> {
    const written: DirectoryWritten[] = [];
    for (const run of runsOf(edits)) {
      const guids = run.flatMap((edit) => (edit.kind === 'add' ? [] : [edit.guid]));
      const now = await this.#reader.read(guids, null, context);
      for (const edit of run) written.push(await this.#one(edit, now, context));
    }
    return written;
  }

  async #one(
    edit: DirectoryEdit,
    now: ReadonlyMap<ObjectGuid, ReadObject>,
    context: Context,
  ): Promise<DirectoryWritten> {
    if (edit.kind === 'add') return this.#add(edit, context);
    const there = now.get(edit.guid);
    if (there === undefined) return refused('not-there', 'there is no such object in the tenant');
    if (edit.kind === 'move') return refused('no-container', 'a tenant has no tree that anything could be moved in');
    if (there.json['onPremisesSyncEnabled'] === true)
      return refused(
        'not-here',
        'the object is synced from Active Directory and read-only in Entra: write it there, and Entra Connect brings it here',
      );
    return edit.kind === 'modify' ? this.#modify(edit, there, context) : this.#remove(edit, there, context);
  }

  async #add(edit: Extract<DirectoryEdit, { kind: 'add' }>, context: Context): Promise<DirectoryWritten> {
    const { object, attributes } = edit;
    if (object === 'container') return refused('schema-lacks', 'a tenant has no containers');
    const unknown = Object.keys(attributes).find((name) => !isKnown(name));
    if (unknown !== undefined) return refused('schema-lacks', `Entra has no ${unknown}`);
    const isMail = ['proxyAddresses', 'targetAddress', 'mail'].some((name) => (attributes[name]?.length ?? 0) > 0);
    if (object !== 'group' || isMail)
      return handedOver(
        edit,
        '',
        object === 'group'
          ? 'Graph makes no groups that receive mail'
          : `Graph makes no ${object === 'user' ? 'mail users' : 'contacts'}`,
      );
    const [displayName] = attributes['displayName'] ?? attributes['cn'] ?? [];
    const [alias] = attributes['mailNickname'] ?? attributes['sAMAccountName'] ?? [];
    const name = displayName ?? alias ?? '';
    const body: JsonObject = {
      displayName: name,
      mailEnabled: false,
      securityEnabled: true,
      mailNickname: (alias ?? name).replaceAll(/[^A-Za-z0-9._-]/g, '').slice(0, 64) || 'group',
      ...(attributes['description']?.[0] === undefined ? {} : { description: attributes['description'][0] }),
    };
    const [outcome] = await this.#graph.all([{ method: 'POST', path: '/groups', body }], context);
    if (outcome?.kind !== 'ok') return refusalOf(outcome, 'Graph');
    const guid = (textAt(outcome.body, 'id') ?? '').toLowerCase() as ObjectGuid;
    this.#reader.know(guid, 'group');
    const members = attributes['member'] ?? [];
    if (members.length === 0) return { kind: 'done', guid };
    const answer = await this.#steps(
      guid,
      members.map((id) => this.#member(guid, id, true)),
      context,
    );
    if (answer.kind === 'refused')
      await this.#graph.all([{ method: 'DELETE', path: `${collections.group}/${guid}` }], context);
    return answer;
  }

  async #modify(edit: Modify, { kind, json, object }: ReadObject, context: Context): Promise<DirectoryWritten> {
    const unknown = Object.keys(edit.values).find((name) => !isKnown(name));
    if (unknown !== undefined) return refused('schema-lacks', `Entra has no ${unknown}`);
    for (const [name, { remove, add }] of Object.entries(edit.values)) {
      // What Graph does not show cannot be compared: the script looks for itself.
      if (!shownAttributes.has(name.toLowerCase())) continue;
      const current = object.attributes[name] ?? [];
      const key = isReference(name) ? (value: string) => value.toLowerCase() : (value: string) => value;
      const there = new Set(current.map(key));
      if (remove.some((value) => !there.has(key(value)))) return refused('stale', `${name} has other values by now`);
      for (const value of remove) there.delete(key(value));
      if (add.some((value) => there.has(key(value)))) return refused('stale', `${name} has a value already`);
      const isSingle = !['member', 'proxyaddresses'].includes(name.toLowerCase());
      if (isSingle && add.length > 1) return refused('value-refused', `${name} takes one value`);
      if (isSingle && there.size + add.length > 1) return refused('stale', `${name} has another value by now`);
    }
    if (kind === 'contact')
      return handedOver(edit, object.guid, 'organizational contacts are read-only in Graph; Exchange writes them');
    if (kind === 'group' && json['mailEnabled'] === true)
      return handedOver(edit, object.guid, 'groups that receive mail are read-only in Graph; Exchange writes them');
    const patches: JsonObject[] = [];
    const undo: JsonObject[] = [];
    const steps: Step[] = [];
    for (const [name, { remove, add }] of Object.entries(edit.values)) {
      const current = object.attributes[name] ?? [];
      if (name.toLowerCase() === 'member' && kind === 'group') {
        for (const id of remove) steps.push(this.#member(object.guid, id, false));
        for (const id of add) steps.push(this.#member(object.guid, id, true));
      } else if (name.toLowerCase() === 'manager' && kind === 'user') {
        steps.push({
          do: this.#manager(object.guid, add[0] ?? null),
          undo: this.#manager(object.guid, remove[0] ?? null),
        });
      } else {
        const patch = patchOf(kind, name, add);
        if (patch === null)
          return handedOver(edit, object.guid, `Graph does not write ${name}; Exchange Online PowerShell does`);
        patches.push(patch);
        undo.push(patchOf(kind, name, current) ?? {});
      }
    }
    const path = `${collections[kind]}/${object.guid}`;
    if (patches.length > 0)
      steps.unshift({
        do: { method: 'PATCH', path, body: mergedPatch(patches) },
        undo: { method: 'PATCH', path, body: mergedPatch(undo) },
      });
    const answer = await this.#steps(object.guid, steps, context);
    // What Exchange took over from a directory on premises long ago is written by Exchange only.
    return answer.kind === 'refused' && /external service|mail-enabled security group/i.test(answer.detail)
      ? handedOver(edit, object.guid, answer.detail)
      : answer;
  }

  async #remove(edit: Remove, { kind, json, object }: ReadObject, context: Context): Promise<DirectoryWritten> {
    if (object.version !== edit.version) return refused('stale', 'it was changed since');
    // A licence makes a mailbox of a user whom nobody touched: what was read for the plan need not have shown it.
    if (kind === 'user' && mayKeepMail(object)) return refused('stale', 'it has a mailbox by now');
    if (kind === 'contact' || (kind === 'group' && json['mailEnabled'] === true))
      return handedOver(edit, object.guid, 'Graph removes no contacts and no groups that receive mail');
    const [outcome] = await this.#graph.all(
      [{ method: 'DELETE', path: `${collections[kind]}/${object.guid}` }],
      context,
    );
    return outcome?.kind === 'ok' ? { kind: 'done', guid: object.guid } : refusalOf(outcome, 'Graph');
  }

  #member(group: ObjectGuid, id: string, isAdded: boolean): Step {
    const add: EntraRequest = {
      method: 'POST',
      path: `/groups/${group}/members/$ref`,
      body: { '@odata.id': this.#graph.reference(id) },
    };
    const remove: EntraRequest = { method: 'DELETE', path: `/groups/${group}/members/${encodeURIComponent(id)}/$ref` };
    return isAdded ? { do: add, undo: remove } : { do: remove, undo: add };
  }
  #manager(user: ObjectGuid, id: string | null): EntraRequest {
    const path = `/users/${user}/manager/$ref`;
    return id === null
      ? { method: 'DELETE', path }
      : { method: 'PUT', path, body: { '@odata.id': this.#graph.reference(id) } };
  }

  /** All of them, or none: what was done before a refusal is taken back. Throws FaultError when that does not work. */
  async #steps(guid: ObjectGuid, steps: readonly Step[], context: Context): Promise<DirectoryWritten> {
    const done: Step[] = [];
    // Requests about one object go one after the other where their order counts: the properties first.
    const [head, ...rest] = steps;
    for (const group of head === undefined ? [] : [[head], rest]) {
      if (group.length === 0) continue;
      const outcomes = await this.#graph.all(
        group.map((step) => step.do),
        context,
      );
      done.push(...group.filter((_, at) => outcomes[at]?.kind === 'ok'));
      const bad = outcomes.find((outcome) => outcome.kind === 'refused');
      if (bad === undefined) continue;
      const back = await this.#graph.all(
        done.map((step) => step.undo),
        context,
      );
      if (back.some(({ kind }) => kind === 'refused'))
        throw new FaultError({
          kind: 'transient',
          detail: 'a write was refused half-way and could not be taken back',
          mayHaveHappened: true,
        });
      return refusalOf(bad, 'Graph', group[0]?.do.path.includes('$ref') ?? false);
    }
    return { kind: 'done', guid };
  }
}

interface Step {
  readonly do: EntraRequest;
  readonly undo: EntraRequest;
}

const isReference = (name: string): boolean => ['member', 'manager', 'memberof'].includes(name.toLowerCase());
const isKnown = (name: string): boolean => shownAttributes.has(name.toLowerCase()) || isScripted(name) || name === 'cn';

/** Edits of which each object has one: they may be read for at once. */
function runsOf(edits: readonly DirectoryEdit[]): readonly (readonly DirectoryEdit[])[] {
  const runs: DirectoryEdit[][] = [];
  let seen = new Set<ObjectGuid>();
  for (const edit of edits) {
    const guid = edit.kind === 'add' ? null : edit.guid;
    const run = runs.at(-1);
    if (run === undefined || (guid !== null && seen.has(guid))) {
      runs.push([edit]);
      seen = new Set();
    } else run.push(edit);
    if (guid !== null) seen.add(guid);
  }
  return runs;
}

/** What a refused write is called. The texts are the service's; the code is the same for most of them. */
function refusalOf(
  outcome: EntraOutcome | undefined,
  host: string,
  isReferenced = false,
): Extract<DirectoryWritten, { kind: 'refused' }> {
  const refusal: EntraRefusal | undefined = outcome?.kind === 'refused' ? outcome : undefined;
  const { status = 0, message = '', code = '' } = refusal ?? {};
  const detail = `${code}: ${message}`.slice(0, 500);
  const as = (reason: DirectoryRefusal) => ({ kind: 'refused', reason, detail }) as const;
  if (status === 403) return as('no-rights');
  if (status === 404) return as(isReferenced ? 'value-refused' : 'not-there');
  if (status === 409 || /already exists/i.test(message))
    return as(
      /object references already exist/i.test(message)
        ? 'stale'
        : /proxyAddress/i.test(message)
          ? 'address-taken'
          : 'name-taken',
    );
  if (/on-premises mastered|on-premises directory/i.test(message)) return as('not-here');
  if (status === 400) return as('value-refused');
  throw new FaultError(faultOf(refusal, host, ''));
}
