/** Who on the other side is the same person. Rules in their order; the first that finds anybody decides, and one that finds several decides nothing. */
import type { DirectoryKind, DirectoryObject, ObjectGuid } from '#model/directory/directory-object.ts';
import { parseDn } from '#model/directory/distinguished-name.ts';
import { smtpAddresses } from '#model/directory/proxy-address.ts';
import { isMailbox, recipientType } from '#model/directory/recipient-type.ts';
import { type BySide, type MatchRule, otherSide } from '#model/directory/sync-policy.ts';
import type { Side } from '#model/ids.ts';
import { primaryOf, withoutType } from './addresses.ts';
import type { Knowledge } from './knowledge.ts';
import type { DirectoryOutcome } from './outcomes.ts';
import type { DirectoryPlanInput } from './plan.ts';
import { valuesOf } from './values.ts';

export type Join =
  | { readonly kind: 'match'; readonly other: DirectoryObject; readonly by: string; readonly made: Side | null }
  | { readonly kind: 'nobody' }
  | { readonly kind: 'wait'; readonly reason: DirectoryOutcome; readonly detail: string }
  /** Questions are open. */
  | { readonly kind: 'unknown' };

const markPrefix = 'causeway:';

/** What is written into the mark attribute of an object of ours. */
export function markOf(sync: string, original: ObjectGuid): string {
  return `${markPrefix}${sync}:${original}`;
}

/** Name of the other sync by which an object of the target stands for somebody already; null: none. */
function otherSyncOf({ policy, elsewhere }: DirectoryPlanInput, object: DirectoryObject): string | null {
  const linked = elsewhere?.get(object.guid);
  if (linked !== undefined) return linked;
  const own = policy.mark === null ? undefined : valuesOf(object.attributes, policy.mark)[0];
  const [, sync = policy.sync] = own?.startsWith(markPrefix) ? own.split(':') : [];
  return sync === policy.sync ? null : sync;
}

export function join(input: DirectoryPlanInput, know: Knowledge, side: Side, object: DirectoryObject): Join {
  const rules: readonly (MatchRule | { readonly by: 'anchor' })[] = [
    { by: 'anchor' },
    ...input.policy.match.filter(({ by }) => by === 'csv'),
    ...input.policy.match.filter(({ by }) => by !== 'csv'),
  ];
  // Where one answer is missing, what later rules compare is asked for along with it: each time of asking is a plan of its own.
  const unknown = (from: number): Join => {
    for (const rule of rules.slice(from)) candidates(input, know, side, object, rule);
    return { kind: 'unknown' };
  };
  const byMark = joinByMark(input, know, side, object);
  if (byMark.kind === 'unknown') return unknown(0);
  if (byMark.kind !== 'nobody') return byMark;
  for (const [at, rule] of rules.entries()) {
    const openBefore = know.openCount;
    const found = candidates(input, know, side, object, rule);
    if (know.openCount > openBefore) return unknown(at + 1);
    const decision = decide(input, know, side, object, rule, found);
    if (know.openCount > openBefore) return { kind: 'unknown' };
    if (decision.kind !== 'nobody') return decision;
  }
  return { kind: 'nobody' };
}

/** Objects of ours say themselves whom they stand for: what is left to go by after the loss of the database. */
function joinByMark(input: DirectoryPlanInput, know: Knowledge, side: Side, object: DirectoryObject): Join {
  const { mark, sync } = input.policy;
  if (mark === null) return { kind: 'nobody' };
  const other = otherSide(side);
  const openBefore = know.openCount;
  const own = valuesOf(object.attributes, mark)[0];
  const prefix = markOf(sync, '' as ObjectGuid);
  if (own?.startsWith(prefix)) {
    const original = know.object(other, own.slice(prefix.length) as ObjectGuid);
    if (know.openCount > openBefore) return { kind: 'unknown' };
    if (original === null)
      return { kind: 'wait', reason: 'counterpart-deleted', detail: 'it stands for an object that is not there' };
    return linkedOr(know, other, original, { kind: 'match', other: original, by: 'mark', made: side });
  }
  const [holder, second] = know.holders(other, mark, markOf(sync, object.guid));
  if (know.openCount > openBefore) return { kind: 'unknown' };
  if (holder === undefined) return { kind: 'nobody' };
  if (second !== undefined)
    return { kind: 'wait', reason: 'ambiguous-match', detail: 'several objects bear the mark of standing for it' };
  const shadow = know.object(other, holder);
  if (shadow === null) return know.openCount > openBefore ? { kind: 'unknown' } : { kind: 'nobody' };
  return linkedOr(know, other, shadow, { kind: 'match', other: shadow, by: 'mark', made: other });
}

function linkedOr(know: Knowledge, side: Side, object: DirectoryObject, otherwise: Join): Join {
  const openBefore = know.openCount;
  const link = know.link(side, object.guid);
  if (know.openCount > openBefore) return { kind: 'unknown' };
  return link === null
    ? otherwise
    : { kind: 'wait', reason: 'match-linked', detail: `${nameOf(object)} is linked to another object` };
}

function decide(
  input: DirectoryPlanInput,
  know: Knowledge,
  side: Side,
  object: DirectoryObject,
  rule: MatchRule | { readonly by: 'anchor' },
  found: readonly ObjectGuid[],
): Join {
  if (found.length === 0) return { kind: 'nobody' };
  const other = otherSide(side);
  const objects = found.flatMap((guid) => know.object(other, guid) ?? []).filter(({ kind }) => kind !== 'container');
  const fitting = objects.filter((one) => fits(object.kind, one.kind));
  const [match, second] = fitting;
  if (match === undefined)
    return objects[0] === undefined
      ? { kind: 'nobody' }
      : { kind: 'wait', reason: 'match-other-kind', detail: `by ${rule.by} it is ${names(objects)}` };
  if (second !== undefined)
    return { kind: 'wait', reason: 'ambiguous-match', detail: `by ${rule.by} it may be ${names(fitting)}` };
  const link = know.link(other, match.guid);
  if (link !== null) {
    const predecessor = know.object(side, side === 'left' ? link.left : link.right);
    return predecessor === null
      ? { kind: 'wait', reason: 'recreated', detail: `${nameOf(match)} stood for the object that was deleted` }
      : { kind: 'wait', reason: 'match-linked', detail: `${nameOf(match)} is linked to ${nameOf(predecessor)}` };
  }
  const elsewhere = otherSyncOf(input, side === 'left' ? match : object);
  if (elsewhere !== null && rule.by !== 'csv' && rule.by !== 'anchor') {
    if (input.policy.collision === 'suffix') return { kind: 'nobody' };
    const detail = `by ${rule.by} it is ${nameOf(match)}, and in the sync ${elsewhere} somebody else is`;
    return { kind: 'wait', reason: 'other-sync', detail };
  }
  if (!know.isScoped(other, match.guid))
    return { kind: 'wait', reason: 'match-out-of-scope', detail: `by ${rule.by} it is ${nameOf(match)}` };
  // A person of the same name as somebody who was deleted is somebody else until the operator says so.
  const isSaid = rule.by === 'csv' || rule.by === 'anchor';
  if (!isSaid && input.waiting[side].get(object.guid) === 'recreated')
    return { kind: 'wait', reason: 'recreated', detail: `by ${rule.by} it is ${nameOf(match)}` };
  if (!isSaid && input.waiting[other].get(match.guid) === 'counterpart-deleted')
    return { kind: 'wait', reason: 'recreated', detail: `${nameOf(match)} stood for an object that was deleted` };
  if (input.policy.hybrid && rule.by !== 'anchor') {
    if (anchorsDiffer(object, match))
      return { kind: 'wait', reason: 'anchors-differ', detail: `by ${rule.by} it is ${nameOf(match)}` };
    const anchored = candidates(input, know, other, match, { by: 'anchor' })
      .filter((guid) => guid !== object.guid)
      .flatMap((guid) => know.object(side, guid) ?? []);
    if (anchored.length > 0)
      return {
        kind: 'wait',
        reason: 'anchors-differ',
        detail: `by ${rule.by} it is ${nameOf(match)}, which is anchored to ${names(anchored)}`,
      };
  }
  const back = candidates(input, know, other, match, rule)
    .flatMap((guid) => know.object(side, guid) ?? [])
    .filter((one) => one.guid !== object.guid && fits(one.kind, match.kind));
  if (back.length > 0)
    return {
      kind: 'wait',
      reason: 'ambiguous-match',
      detail: `by ${rule.by} ${nameOf(match)} may also be ${names(back)}`,
    };
  return { kind: 'match', other: match, by: rule.by, made: null };
}

function fits(a: DirectoryKind, b: DirectoryKind): boolean {
  return a === b || a === 'contact' || b === 'contact';
}

/** What synchronization to a tenant knows an account by, in hex; undefined: nobody wrote one, and objectGUID counts. */
const anchorOf = ({ attributes }: DirectoryObject): string | undefined =>
  valuesOf(attributes, 'ms-DS-ConsistencyGuid')[0];

function anchorsDiffer(a: DirectoryObject, b: DirectoryObject): boolean {
  const [ofA, ofB] = [anchorOf(a), anchorOf(b)];
  return ofA !== undefined && ofB !== undefined && ofA !== ofB;
}

/** Bytes of a GUID as Active Directory stores them, in hex: the first three groups are little-endian ([MS-DTYP] 2.3.4.2). */
function guidBytes(guid: ObjectGuid): string {
  const [a = '', b = '', c = '', d = '', e = ''] = guid.toLowerCase().split('-');
  return `${turned(a)}${turned(b)}${turned(c)}${d}${e}`;
}

/** @returns null for an anchor that is no GUID: tools write what they like. */
function guidOfBytes(hex: string): ObjectGuid | null {
  const [, a = '', b = '', c = '', d = '', e = ''] =
    /^([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/i.exec(hex) ?? [];
  return a === '' ? null : (`${turned(a)}-${turned(b)}-${turned(c)}-${d}-${e}`.toLowerCase() as ObjectGuid);
}

const turned = (hex: string): string => (hex.match(/../g) ?? []).reverse().join('');

/** GUIDs on the other side that a rule takes for the object, without doubles. */
function candidates(
  input: DirectoryPlanInput,
  know: Knowledge,
  side: Side,
  object: DirectoryObject,
  rule: MatchRule | { readonly by: 'anchor' },
): readonly ObjectGuid[] {
  const other = otherSide(side);
  const found = new Set<ObjectGuid>();
  const look = (attribute: string, values: readonly string[]) => {
    for (const value of values) for (const guid of know.holders(other, attribute, value)) found.add(guid);
  };
  const own = (name: string) => valuesOf(object.attributes, name);
  const { attributes } = object;
  switch (rule.by) {
    case 'anchor': {
      const written = anchorOf(object);
      // Where nobody wrote an anchor, synchronization takes objectGUID for it.
      const isHybrid = input.policy.hybrid || input.sides.left.kind === 'entra' || input.sides.right.kind === 'entra';
      if (written !== undefined) look('ms-DS-ConsistencyGuid', [written]);
      else if (isHybrid && input.sides[side].kind === 'ad') look('ms-DS-ConsistencyGuid', [guidBytes(object.guid)]);
      const named = written === undefined ? null : guidOfBytes(written);
      if (isHybrid && input.sides[other].kind === 'ad' && named !== null) {
        const source = know.object(other, named);
        if (source !== null && anchorOf(source) === undefined) found.add(source.guid);
      }
      break;
    }
    case 'mail': {
      const primary = primaryOf(attributes);
      const mails = [...new Set(primary === null ? own('mail') : [...own('mail'), primary])];
      look('mail', mails);
      look(
        'proxyAddresses',
        mails.map((mail) => `smtp:${mail}`),
      );
      break;
    }
    case 'proxyAddresses': {
      const values = new Set(smtpAddresses(own('proxyAddresses')).map((address) => `smtp:${address.toLowerCase()}`));
      for (const mail of own('mail')) values.add(`smtp:${mail.toLowerCase()}`);
      // What home is redirected to is the person on the other side; where to a mailbox redirects may be anybody.
      if (!isMailbox(recipientType(object)))
        for (const target of own('targetAddress')) values.add(`smtp:${withoutType(target).toLowerCase()}`);
      look('proxyAddresses', [...values]);
      for (const guid of values.size === 0 ? [] : standIns(know, other, [...values])) found.add(guid);
      break;
    }
    case 'legacyExchangeDN':
      look(
        'proxyAddresses',
        own('legacyExchangeDN').map((dn) => `x500:${dn}`),
      );
      for (const value of own('proxyAddresses'))
        if (/^x500:/i.test(value)) look('legacyExchangeDN', [value.slice('x500:'.length)]);
      break;
    case 'sidHistory':
      look('sIDHistory', own('objectSid'));
      look('objectSid', own('sIDHistory'));
      break;
    case 'sAMAccountName':
    case 'userPrincipalName':
    case 'employeeID':
      look(rule.by, own(rule.by));
      break;
    case 'attribute':
      look(rule[other], own(rule[side]));
      break;
    case 'csv': {
      const rows = rowsBySide(rule.pairs)[side];
      const written = new Set(namesIn(object).flatMap((name) => rows.get(name) ?? []));
      for (const text of written) for (const guid of named(know, other, text)) found.add(guid);
      break;
    }
  }
  return [...found].sort();
}

/** Contacts and mail users of the other side that send on to one of the addresses. */
function standIns(know: Knowledge, side: Side, values: readonly string[]): readonly ObjectGuid[] {
  return values.flatMap((value) =>
    know.holders(side, 'targetAddress', value).filter((guid) => {
      const object = know.object(side, guid);
      return object !== null && !isMailbox(recipientType(object));
    }),
  );
}

type CsvPairs = Extract<MatchRule, { readonly by: 'csv' }>['pairs'];
/** Files have thousands of rows, and every object asks. */
const rowsKnown = new WeakMap<CsvPairs, BySide<ReadonlyMap<string, readonly string[]>>>();

function rowsBySide(pairs: CsvPairs): BySide<ReadonlyMap<string, readonly string[]>> {
  const known = rowsKnown.get(pairs);
  if (known !== undefined) return known;
  const by = (side: Side) => {
    const rows = new Map<string, string[]>();
    for (const pair of pairs) {
      const key = pair[side].trim().toLowerCase();
      rows.set(key, [...(rows.get(key) ?? []), pair[otherSide(side)]]);
    }
    return rows;
  };
  const made = { left: by('left'), right: by('right') };
  rowsKnown.set(pairs, made);
  return made;
}

/** What a file may call the object by, lower case. */
function namesIn({ guid, dn, attributes }: DirectoryObject): readonly string[] {
  const written = [
    guid,
    dn,
    ...valuesOf(attributes, 'sAMAccountName'),
    ...valuesOf(attributes, 'mail'),
    ...smtpAddresses(valuesOf(attributes, 'proxyAddresses')),
  ];
  return [...new Set(written.filter((name) => name !== '').map((name) => name.toLowerCase()))];
}

function named(know: Knowledge, side: Side, text: string): readonly ObjectGuid[] {
  const name = text.trim();
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(name)) return [name.toLowerCase() as ObjectGuid];
  if (name.includes('=') && parseDn(name) !== null) {
    const guid = know.resolve(side, name as DirectoryObject['dn']);
    return guid === null ? [] : [guid];
  }
  return name.includes('@')
    ? [...know.holders(side, 'proxyAddresses', `smtp:${name}`), ...know.holders(side, 'mail', name)]
    : know.holders(side, 'sAMAccountName', name);
}

/** For sentences: a name that a person knows the object by. */
export function nameOf(object: DirectoryObject): string {
  const { attributes } = object;
  const name = valuesOf(attributes, 'displayName')[0] ?? valuesOf(attributes, 'cn')[0];
  const where = valuesOf(attributes, 'mail')[0] ?? (object.dn === '' ? object.guid : object.dn);
  return name === undefined ? where : `${name} (${where})`;
}

function names(objects: readonly DirectoryObject[]): string {
  const shown = objects.slice(0, 3).map(nameOf).join(', ');
  return objects.length > 3 ? `${shown} and ${objects.length - 3} more` : shown;
}

/** Side where the mailbox is; where that says nothing, the one the other’s redirection points to. */
export function homeOf(left: DirectoryObject, right: DirectoryObject): Side {
  const has = (object: DirectoryObject) => {
    const type = recipientType(object);
    return isMailbox(type) || type === 'remote-mailbox';
  };
  if (has(left) !== has(right)) return has(left) ? 'left' : 'right';
  if (has(left)) return 'left';
  if ((left.kind === 'group') !== (right.kind === 'group')) return left.kind === 'group' ? 'left' : 'right';
  const isRedirectedTo = (from: DirectoryObject, to: DirectoryObject) =>
    valuesOf(from.attributes, 'targetAddress').some((target) =>
      smtpAddresses(valuesOf(to.attributes, 'proxyAddresses')).some(
        (address) => address.toLowerCase() === withoutType(target).toLowerCase(),
      ),
    );
  const hasMail = (object: DirectoryObject) => recipientType(object) !== 'none';
  if (hasMail(left) !== hasMail(right)) return hasMail(left) ? 'left' : 'right';
  // Where a tenant's contact sends on to is not shown, but it does.
  const sendsOnUnseen = (object: DirectoryObject) =>
    ['mail-contact', 'mail-user'].includes(recipientType(object)) &&
    valuesOf(object.attributes, 'targetAddress').length === 0;
  const isRight = isRedirectedTo(left, right) && !isRedirectedTo(right, left) && !sendsOnUnseen(right);
  return isRight ? 'right' : 'left';
}
