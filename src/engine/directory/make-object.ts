/** An object of ours: what stands on the other side for somebody whom nobody was matched with. */
import { attributeRow } from '#model/directory/attribute-rows.ts';
import type { DirectoryObject, DistinguishedName, RecipientType } from '#model/directory/directory-object.ts';
import { domainOfDn } from '#model/directory/distinguished-name.ts';
import { domainOfAddress, isSmtpAddress, parseProxyAddress, primarySmtp } from '#model/directory/proxy-address.ts';
import {
  disabledAccount,
  isDisabled,
  isMailbox,
  isSecurityGroup,
  kindOfShadow,
  noAddressPolicy,
  recipientType,
  type ShadowType,
  typeAttributes,
  universalDistribution,
  universalSecurity,
} from '#model/directory/recipient-type.ts';
import { type BySide, type DirectorySyncPolicy, otherSide } from '#model/directory/sync-policy.ts';
import type { Side } from '#model/ids.ts';
import { addressesOf, aliasOf, plainAlias, primaryOf, withoutType } from './addresses.ts';
import { type DraftEdit, phaseOfAdd, placeholderOf } from './draft.ts';
import { markOf, nameOf } from './join.ts';
import { mergeAttributes } from './merge-attributes.ts';
import { accountName, freeDn, freeValue, legacyExchangeDnOf, nameKey, ownName } from './names.ts';
import type { DirectoryOutcome, DirectoryReason } from './outcomes.ts';
import { placeOf } from './place.ts';
import { mailboxNeed, sayRouting, targetValue } from './plan-pair.ts';
import type { Pair, Planner } from './planner.ts';
import { simulateRouting } from './simulate-routing.ts';
import { changeOf, valuesOf, withoutEmpty } from './values.ts';
import { valueKey } from './view.ts';

interface Refusal {
  readonly reason: DirectoryOutcome;
  readonly detail: string;
}

const refuse = (reason: DirectoryOutcome, detail: string): Refusal => ({ reason, detail });

/** What the policy makes of a recipient; a refusal says why nothing. */
function shadowTypeOf(policy: DirectorySyncPolicy, object: DirectoryObject, type: RecipientType): ShadowType | Refusal {
  const leftOut = refuse('kind-left-out', `${nameOf(object)} is a ${type}`);
  const account = (choice: 'mail-user' | 'contact' | 'nothing'): ShadowType | Refusal =>
    choice === 'nothing' ? leftOut : choice === 'contact' ? 'mail-contact' : 'mail-user';
  switch (type) {
    case 'user-mailbox':
    case 'linked-mailbox':
    case 'remote-mailbox':
    case 'mail-user':
      return account(policy.people);
    case 'shared-mailbox':
      return account(policy.shared);
    case 'room-mailbox':
    case 'equipment-mailbox':
      return account(policy.resources);
    case 'mail-contact':
      return policy.contacts === 'contact' ? 'mail-contact' : leftOut;
    case 'distribution-group':
    case 'security-group':
      if (policy.groups === 'nothing') return leftOut;
      if (policy.groups === 'contact') return 'mail-contact';
      return type === 'security-group' && policy.groups === 'same' ? 'security-group' : 'distribution-group';
    case 'dynamic-group':
      return policy.groups === 'nothing' ? leftOut : 'mail-contact';
    case 'none':
      return object.kind === 'group' && isSecurityGroup(object.attributes) && policy.groups === 'same'
        ? 'security-group'
        : refuse('no-mail', `${nameOf(object)} has no mail`);
    case 'public-folder':
      return leftOut;
    case 'other':
      return refuse('other-type', `${nameOf(object)} is of a type that is left alone`);
  }
}

/** @returns the pair with the add; a refusal: nothing may be made, and why. */
export function makeObject(planner: Planner, home: Side, object: DirectoryObject): Pair | Refusal {
  const { policy, sides } = planner.input;
  const side = otherSide(home);
  const type = recipientType(object);
  const shadow = shadowTypeOf(policy, object, type);
  if (typeof shadow !== 'string') return shadow;
  const isPerson = type === 'user-mailbox' || type === 'mail-user' || type === 'remote-mailbox';
  if (isPerson && policy.disabled === 'leave' && isDisabled(object.attributes))
    return refuse('disabled', `the account of ${nameOf(object)} is disabled`);
  if (policy.hybrid && shadow === 'mail-user')
    return refuse('no-anchor-yet', `no account there is anchored to ${nameOf(object)}`);
  const isMail = type !== 'none';
  const wrong = isMail ? problemOfAddresses(planner, home, object) : null;
  if (wrong !== null) return wrong;
  const place = placeOf(planner, home, object.dn);
  if (!planner.mayWriteTo(side) || place === null)
    return refuse('nothing-made-here', `nothing stands for ${nameOf(object)}`);
  const into = policy.into[side];
  if (sides[side].kind === 'ad' && into !== null && planner.know.isFree(side, into))
    return refuse('no-container', `there is no ${into}`);
  return compose(planner, home, object, type, shadow, place);
}

/** Clashes are found before anything is written, on both sides. */
function problemOfAddresses(planner: Planner, home: Side, object: DirectoryObject): Refusal | null {
  const { policy } = planner.input;
  const side = otherSide(home);
  const primary = primaryOf(object.attributes);
  if (primary !== null && !isSmtpAddress(primary)) return refuse('bad-address', `${primary} is no address`);
  for (const value of valuesOf(object.attributes, 'proxyAddresses')) {
    const parsed = parseProxyAddress(value);
    if (parsed === null || (parsed.type !== 'SMTP' && parsed.type !== 'X500')) continue;
    const twin = planner.takenBy(home, 'proxyAddresses', value, object.guid);
    if (twin !== null)
      return refuse('address-twice', `${parsed.address} of ${nameOf(object)} is also of ${planner.nameOf(home, twin)}`);
    if (parsed.type === 'SMTP' && policy.foreignDomains.includes(domainOfAddress(parsed.address)))
      return refuse('foreign-domain', `${parsed.address} of ${nameOf(object)} is of another organization`);
  }
  const [target] = valuesOf(object.attributes, 'targetAddress');
  if (target === undefined || isMailbox(recipientType(object))) return null;
  const domain = domainOfAddress(withoutType(target));
  const isOfSide =
    (policy.domains[side].includes(domain) && !policy.sharedDomains.includes(domain)) ||
    policy.routing[side] === domain;
  return isOfSide || policy.foreignDomains.includes(domain)
    ? refuse('foreign-domain', `${nameOf(object)} sends on to ${withoutType(target)}, which nobody there has`)
    : null;
}

function compose(
  planner: Planner,
  home: Side,
  object: DirectoryObject,
  type: RecipientType,
  shadow: ShadowType,
  place: NonNullable<ReturnType<typeof placeOf>>,
): Pair | Refusal {
  const { policy, sides } = planner.input;
  const { know, claims } = planner;
  const side = otherSide(home);
  const kind = kindOfShadow(shadow);
  const guid = placeholderOf(object.guid);
  const mayNumber = policy.nameTaken === 'number';
  const isEntra = sides[side].kind === 'entra';
  const isMail = type !== 'none';
  const attributes: Record<string, readonly string[]> = {};

  const openBefore = know.openCount;
  const dn = isEntra
    ? ('' as DistinguishedName)
    : freeDn(know, claims, side, place.dn, ownName(object), {
        organization: sides[home].organization,
        mayNumber,
        owner: guid,
      });
  if (dn === null) return refuse('name-taken', `${ownName(object)} is taken in ${place.dn}`);
  const alias = aliasOf(object.attributes);
  if (isMail && alias !== null) {
    const free = freeValue(know, claims, side, 'mailNickname', alias, { max: 64, mayNumber, owner: guid });
    if (free === null) return refuse('name-taken', `the alias ${alias} is taken`);
    attributes['mailNickname'] = [free];
    claims.claim(side, valueKey('mailNickname', free), guid);
  }
  if (kind !== 'contact') {
    const wanted = accountName(
      valuesOf(object.attributes, 'sAMAccountName')[0] ?? alias ?? plainAlias(ownName(object)),
      kind,
    );
    const base = wanted.base === '' ? object.guid.slice(0, 8) : wanted.base;
    const account = freeValue(know, claims, side, 'sAMAccountName', base, { max: wanted.max, mayNumber, owner: guid });
    if (account === null) return refuse('name-taken', `the account name ${base} is taken`);
    attributes['sAMAccountName'] = [account];
    claims.claim(side, valueKey('sAMAccountName', account), guid);
    if (kind === 'user') {
      attributes['userAccountControl'] = [disabledAccount];
      const domain = domainOfDn(place.dn) || sides[side].domains[0]?.name;
      const local = plainAlias(account);
      const principal = `${local}@${domain}`;
      // An account works without one; a second one of the same name works for nobody.
      if (local !== '' && domain !== undefined && know.holders(side, 'userPrincipalName', principal).length === 0)
        attributes['userPrincipalName'] = [principal];
    } else attributes['groupType'] = [shadow === 'security-group' ? universalSecurity : universalDistribution];
  }
  if (know.openCount === openBefore) claims.claim(side, nameKey(dn), guid);

  const bare: DirectoryObject = {
    guid,
    kind,
    dn,
    domain: sides[side].domains[0]?.name ?? '',
    attributes: {},
    version: '',
  };
  const objects: BySide<DirectoryObject> =
    home === 'left' ? { left: object, right: bare } : { left: bare, right: object };
  const pair: Pair = {
    by: 'made',
    made: side,
    home,
    objects,
    link: null,
    add: null,
    drafts: [],
    wanted: { left: {}, right: {} },
    isHeld: false,
  };
  const writes: BySide<boolean> =
    home === 'left'
      ? { left: planner.mayWrite('left', object, false), right: true }
      : { left: true, right: planner.mayWrite('right', object, false) };
  const merged = mergeAttributes({
    policy,
    home,
    kinds: { left: objects.left.kind, right: objects.right.kind },
    attributes: { left: objects.left.attributes, right: objects.right.attributes },
    shown: null,
    writes,
    lacks: { left: sides.left.lacks, right: sides.right.lacks },
  });
  const ofHome: Record<string, readonly string[]> = {};
  for (const edit of merged.edits) (edit.side === side ? attributes : ofHome)[edit.attribute] = edit.values;
  for (const note of merged.notes)
    planner.note(
      { left: objects.left.guid, right: objects.right.guid },
      { ...note, side: home },
      `of ${nameOf(object)}`,
    );

  if (isMail) {
    const problem = addMail(planner, pair, type, shadow, attributes, ofHome, writes);
    if (problem !== null) return problem;
  }
  if (policy.mark !== null) attributes[policy.mark] = [markOf(policy.sync, object.guid)];
  return finish(planner, pair, withoutEmpty(attributes), ofHome, place);
}

function addMail(
  planner: Planner,
  pair: Pair,
  type: RecipientType,
  shadow: ShadowType,
  attributes: Record<string, readonly string[]>,
  ofHome: Record<string, readonly string[]>,
  writes: BySide<boolean>,
): Refusal | null {
  const { policy, sides } = planner.input;
  const { home, objects } = pair;
  const side = otherSide(home);
  const original = objects[home];
  const alias = attributes['mailNickname']?.[0] ?? '';
  Object.assign(attributes, typeAttributes(shadow, type));
  attributes['msExchPoliciesExcluded'] = [noAddressPolicy];
  if (policy.addressBook[side].length > 0) attributes['showInAddressBook'] = policy.addressBook[side];
  const group = sides[side].administrativeGroup;
  if (group !== null && sides[side].kind === 'ad')
    attributes['legacyExchangeDN'] = [legacyExchangeDnOf(group, policy.sync, original.guid, alias)];
  const of = (at: Side) => (at === side ? withoutEmpty(attributes) : original.attributes);
  const typeOf = (at: Side): RecipientType => (at === home ? type : shadow);
  const addresses = addressesOf({
    policy,
    home,
    made: side,
    attributes: { left: of('left'), right: of('right') },
    types: { left: typeOf('left'), right: typeOf('right') },
    shownHome: null,
    writes,
  });
  const proxies = addresses.proxies[side];
  for (const value of proxies) {
    const holder = planner.takenBy(side, 'proxyAddresses', value, objects[side].guid);
    if (holder !== null)
      return refuse(
        'address-taken',
        `${withoutType(value)} of ${nameOf(original)} belongs to ${planner.nameOf(side, holder)} on the other side`,
      );
  }
  const onHome = addresses.proxies[home];
  const blocked = (changeOf(valuesOf(original.attributes, 'proxyAddresses'), onHome)?.add ?? []).find(
    (value) => planner.takenBy(home, 'proxyAddresses', value, original.guid) !== null,
  );
  if (blocked !== undefined)
    return refuse('address-taken', `${withoutType(blocked)}, wanted for ${nameOf(original)}, belongs to somebody else`);
  if (shadow === 'mail-user' || shadow === 'mail-contact') {
    if (addresses.redirect === 'leave' || addresses.redirect.to === null)
      return refuse(
        addresses.route === null ? 'no-routing-address' : 'redirection-hole',
        `mail for ${nameOf(original)} would not leave the other organization`,
      );
    attributes['targetAddress'] = [targetValue(addresses.redirect.to)];
  }
  if (proxies.length > 0) attributes['proxyAddresses'] = proxies;
  const primary = primarySmtp(proxies) ?? primaryOf(original.attributes);
  if (primary !== null) attributes['mail'] = [primary];
  if (changeOf(valuesOf(original.attributes, 'proxyAddresses'), onHome) !== null) ofHome['proxyAddresses'] = onHome;
  for (const note of addresses.notes)
    planner.note(
      { left: objects.left.guid, right: objects.right.guid },
      { ...note, side: home },
      `of ${nameOf(original)}`,
    );
  return circleOf(planner, pair, attributes, ofHome);
}

function circleOf(
  planner: Planner,
  { home, objects }: Pair,
  attributes: Readonly<Record<string, readonly string[]>>,
  ofHome: Readonly<Record<string, readonly string[]>>,
): Refusal | null {
  const side = otherSide(home);
  const become = (at: Side) => ({
    guid: objects[at].guid,
    kind: objects[at].kind,
    attributes: withoutEmpty({ ...objects[at].attributes, ...(at === side ? attributes : ofHome) }),
  });
  const trial = { left: become('left'), right: become('right') };
  for (const at of [home, side]) {
    const type = recipientType(trial[at]);
    if (type === 'distribution-group' || type === 'security-group' || type === 'dynamic-group') continue;
    const delivery = simulateRouting(planner.routing(trial), at, trial[at]);
    if (delivery.kind === 'loop' || delivery.kind === 'hole')
      return refuse(`redirection-${delivery.kind}`, sayRouting(delivery, nameOf(objects[home])));
  }
  return null;
}

function finish(
  planner: Planner,
  pair: Pair,
  attributes: Readonly<Record<string, readonly string[]>>,
  ofHome: Readonly<Record<string, readonly string[]>>,
  place: NonNullable<ReturnType<typeof placeOf>>,
): Pair {
  const { sides } = planner.input;
  const { home, objects } = pair;
  const side = otherSide(home);
  const original = objects[home];
  const bare = objects[side];
  const reasons = new Map<string, DirectoryReason>([
    ['proxyAddresses', planner.input.policy.routing[home] === null ? 'replies' : 'routing'],
  ]);
  const homeDraft = planner.modify(pair, home, ofHome, reasons, []);
  const taken = Object.entries(attributes).filter(
    ([name]) =>
      !sides[side].lacks.has(name.toLowerCase()) && (attributeRow(name)?.of.some((kind) => kind === bare.kind) ?? true),
  );
  const written = Object.fromEntries(taken);
  const add: DraftEdit = {
    side,
    phase: phaseOfAdd(bare.kind),
    makes: bare.guid,
    change: { kind: 'add', object: bare.kind, dn: bare.dn, attributes: written },
    dn: bare.dn,
    before: {},
    after: written,
    reason: 'stands-for',
    detail: `stands for ${nameOf(original)}`,
    needs: [...place.ensure(), ...(homeDraft === null ? [] : [homeDraft])],
  };
  planner.drafts.push(add);
  pair.drafts.push(add);
  planner.placed[side].set(bare.guid, { dn: bare.dn, draft: add });
  Object.assign(pair.wanted[side], written);
  Object.assign(pair.wanted[home], ofHome);
  planner.become(side, bare, written);
  planner.become(home, original, withoutEmpty({ ...original.attributes, ...ofHome }));
  const made: Pair = { ...pair, add };
  if (sides[side].kind === 'ad') needPowerShell(planner, made);
  else if (written['proxyAddresses'] !== undefined || written['targetAddress'] !== undefined)
    planner.wait(home, original.guid, 'handed-over', `PowerShell has to make what stands for ${nameOf(original)}`);
  return made;
}

function needPowerShell(planner: Planner, { home, objects }: Pair): void {
  const { policy } = planner.input;
  const side = otherSide(home);
  const bare = objects[side];
  const attributes = planner.after(side, bare);
  if (recipientType({ ...bare, attributes }) === 'none') return;
  planner.needs.push({ need: 'update-recipient', side, guid: bare.guid, identity: bare.dn });
  if (policy.targetMailboxes && side === 'right' && bare.kind === 'user' && isMailbox(recipientType(objects.left)))
    planner.needs.push(mailboxNeed(planner, objects.left, bare, bare.dn));
}
