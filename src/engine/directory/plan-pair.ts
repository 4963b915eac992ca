/** What two objects that are one owe to each other: attributes, addresses, redirection, name and place. References come last, elsewhere. */
import type { Attributes, DirectoryObject, RecipientType } from '#model/directory/directory-object.ts';
import { childDn, nameOfDn, parentDn, sameDn } from '#model/directory/distinguished-name.ts';
import { addressKey, domainOfAddress, parseProxyAddress, primarySmtp } from '#model/directory/proxy-address.ts';
import {
  isDisabled,
  isMailbox,
  isSecurityGroup,
  noAddressPolicy,
  recipientType,
  type ShadowType,
  typeAttributes,
} from '#model/directory/recipient-type.ts';
import { type BySide, otherSide } from '#model/directory/sync-policy.ts';
import type { Side } from '#model/ids.ts';
import { type Addresses, addressesOf, aliasOf, isGroup, primaryOf, withoutType } from './addresses.ts';
import type { DraftEdit } from './draft.ts';
import { nameOf } from './join.ts';
import { isAnswered, mergeAttributes } from './merge-attributes.ts';
import { freeDn, freeValue, legacyExchangeDnOf, nameKey } from './names.ts';
import type { DirectoryOutcome, DirectoryReason } from './outcomes.ts';
import { placeOf } from './place.ts';
import type { PowerShellNeed } from './plan.ts';
import { identityOf, type Pair, type Planner } from './planner.ts';
import { type Delivery, simulateRouting } from './simulate-routing.ts';
import { changeOf, sameValues, valuesOf, withoutEmpty } from './values.ts';
import { valueKey } from './view.ts';

/** Attributes wanted on each side, with the reason for each. */
class Wanted {
  readonly #values: Record<Side, Record<string, readonly string[]>> = { left: {}, right: {} };
  readonly #reasons: BySide<Map<string, DirectoryReason>> = { left: new Map(), right: new Map() };

  set(side: Side, attribute: string, values: readonly string[], reason: DirectoryReason): void {
    this.#values[side][attribute] = values;
    this.#reasons[side].set(attribute, reason);
  }

  drop(side: Side, attribute: string): void {
    delete this.#values[side][attribute];
  }

  of(side: Side): Attributes {
    return this.#values[side];
  }

  reasons(side: Side): ReadonlyMap<string, DirectoryReason> {
    return this.#reasons[side];
  }

  /** An object as it will be. */
  applied(side: Side, attributes: Attributes): Attributes {
    return withoutEmpty({ ...attributes, ...this.#values[side] });
  }
}

export function planPair(planner: Planner, pair: Pair): void {
  const { policy, sides } = planner.input;
  const { home, objects } = pair;
  const shadow = otherSide(home);
  const types = { left: recipientType(objects.left), right: recipientType(objects.right) };
  const guids = { left: objects.left.guid, right: objects.right.guid };
  for (const side of ['left', 'right'] as const)
    if (types[side] === 'other') {
      planner.wait(side, guids[side], 'other-type', `${nameOf(objects[side])} is of a type that is left alone`);
      planner.hold(pair);
      return;
    }
  const writes = {
    left: planner.mayWrite('left', objects.left, pair.made === 'left'),
    right: planner.mayWrite('right', objects.right, pair.made === 'right'),
  };
  if (valuesOf(objects[shadow].attributes, 'onPremisesSyncEnabled')[0] === 'TRUE')
    planner.note(
      guids,
      { side: shadow, attribute: '', outcome: 'mastered-elsewhere', values: [] },
      `${nameOf(objects[shadow])} is written in the directory on premises`,
    );
  const shown = pair.link === null ? null : { left: pair.link.shownLeft, right: pair.link.shownRight };
  const wanted = new Wanted();
  const merged = mergeAttributes({
    policy,
    home,
    kinds: { left: objects.left.kind, right: objects.right.kind },
    attributes: { left: objects.left.attributes, right: objects.right.attributes },
    shown,
    writes,
    lacks: { left: sides.left.lacks, right: sides.right.lacks },
  });
  for (const { side, attribute, values, reason } of merged.edits) wanted.set(side, attribute, values, reason);
  // What an Entra side cannot show is taken back in so many words, since somebody may have set it by now.
  for (const { side, attribute } of merged.atRest)
    if (writes[side] && planner.isUnseen(side, attribute)) wanted.set(side, attribute, [], 'attribute');
    else delete pair.wanted[side][attribute];
  for (const note of merged.notes) planner.note(guids, note, `${note.attribute} of ${nameOf(objects[note.side])}`);

  // An account of a tenant that is nothing to mail becomes something by a licence only.
  const isMail = types[home] !== 'none' && !(sides[shadow].kind === 'entra' && types[shadow] === 'none');
  const isSwitching = planner.input.switching.has(guids.left);
  if (isMail && isSwitching)
    planner.wait(home, guids[home], 'switch-under-way', `a switch of ${nameOf(objects[home])} is under way`);
  if (isMail && !isSwitching) {
    const problem = planMail(planner, pair, types, writes, wanted);
    if (problem !== null) {
      planner.wait(home, guids[home], problem.reason, problem.detail);
      planner.hold(pair);
      return;
    }
  }
  for (const side of ['left', 'right'] as const)
    for (const [attribute, values] of Object.entries(wanted.of(side))) pair.wanted[side][attribute] = values;

  const homeDraft = planner.modify(pair, home, wanted.of(home), wanted.reasons(home), []);
  const needs = homeDraft === null ? [] : [homeDraft];
  planner.modify(pair, shadow, wanted.of(shadow), wanted.reasons(shadow), needs);
  for (const side of ['left', 'right'] as const)
    planner.become(side, objects[side], wanted.applied(side, objects[side].attributes));
  planMove(planner, pair, writes);
  planPowerShell(planner, pair, types);
  reportRestrictions(planner, pair);
}

interface Problem {
  readonly reason: DirectoryOutcome;
  readonly detail: string;
}

/** Addresses and redirection. @returns why nothing may be written for this pair at all; null: go on. */
function planMail(
  planner: Planner,
  pair: Pair,
  types: BySide<RecipientType>,
  writes: BySide<boolean>,
  wanted: Wanted,
): Problem | null {
  const { policy } = planner.input;
  const { home, objects } = pair;
  const shadow = otherSide(home);
  const isEnabled = types[shadow] === 'none';
  if (isEnabled && writes[shadow]) mailEnable(planner, pair, types[home], wanted);
  const now = {
    left: wanted.applied('left', objects.left.attributes),
    right: wanted.applied('right', objects.right.attributes),
  };
  const typesNow = {
    left: recipientType({ ...objects.left, attributes: now.left }),
    right: recipientType({ ...objects.right, attributes: now.right }),
  };
  const shownHome = pair.link === null ? null : home === 'left' ? pair.link.shownLeft : pair.link.shownRight;
  const addresses = addressesOf({
    policy,
    home,
    made: pair.made,
    attributes: now,
    types: typesNow,
    shownHome,
    writes,
  });
  for (const note of addresses.notes)
    planner.note({ left: objects.left.guid, right: objects.right.guid }, note, `of ${nameOf(objects[home])}`);
  for (const side of ['left', 'right'] as const) planProxies(planner, pair, side, addresses, wanted);
  planRedirect(planner, pair, typesNow, writes, addresses, wanted);
  if (pair.made === shadow && writes[shadow]) {
    const primary = primarySmtp(valuesOf(wanted.applied(shadow, objects[shadow].attributes), 'proxyAddresses'));
    if (primary !== null) computed(pair, shadow, 'mail', [primary], 'addresses', wanted);
  }
  return problemOfRouting(planner, pair, addresses, wanted);
}

/** Wants a computed value, unless a server has answered the same question with another value before. */
function computed(
  pair: Pair,
  side: Side,
  attribute: string,
  values: readonly string[],
  reason: DirectoryReason,
  wanted: Wanted,
): void {
  const current = valuesOf(pair.objects[side].attributes, attribute);
  pair.wanted[side][attribute] = values;
  if (sameValues(current, values)) return;
  const shown = pair.link === null ? null : side === 'left' ? pair.link.shownLeft : pair.link.shownRight;
  if (isAnswered(shown, attribute, values, current)) return;
  wanted.set(side, attribute, values, reason);
}

function planProxies(planner: Planner, pair: Pair, side: Side, addresses: Addresses, wanted: Wanted): void {
  const object = pair.objects[side];
  const current = valuesOf(object.attributes, 'proxyAddresses');
  const change = changeOf(current, addresses.proxies[side]);
  if (change === null) {
    if (wanted.of(side)['proxyAddresses'] !== undefined) wanted.drop(side, 'proxyAddresses');
    pair.wanted[side]['proxyAddresses'] = current;
    return;
  }
  const had = new Set(current.map(addressKey));
  const blocked = new Set<string>();
  for (const value of change.add) {
    if (had.has(addressKey(value))) continue;
    const holder = planner.takenBy(side, 'proxyAddresses', value, object.guid);
    if (holder === null) continue;
    blocked.add(addressKey(value));
    planner.wait(
      pair.home,
      pair.objects[pair.home].guid,
      'address-taken',
      `${withoutType(value)} of ${nameOf(pair.objects[pair.home])} belongs to ${planner.nameOf(side, holder)} on the other side`,
    );
  }
  const values = addresses.proxies[side].filter((value) => !blocked.has(addressKey(value)));
  const routing = planner.input.policy.routing[side];
  const reason = change.add.some((value) => domainOfAddress(withoutType(value)) === routing)
    ? 'routing'
    : change.add.some((value) => parseProxyAddress(value)?.type === 'X500')
      ? 'replies'
      : 'addresses';
  wanted.drop(side, 'proxyAddresses');
  computed(pair, side, 'proxyAddresses', values, reason, wanted);
}

const forwarding = 'msExchGenericForwardingAddress';

function planRedirect(
  planner: Planner,
  pair: Pair,
  types: BySide<RecipientType>,
  writes: BySide<boolean>,
  { proxies, redirect, route }: Addresses,
  wanted: Wanted,
): void {
  const { home, objects } = pair;
  const shadow = otherSide(home);
  const guids = { left: objects.left.guid, right: objects.right.guid };
  if (isMailbox(types[home])) {
    const [target] = valuesOf(objects[home].attributes, 'targetAddress');
    const isOfShadow =
      target !== undefined &&
      proxies[shadow].some((value) => addressKey(value) === addressKey(`smtp:${withoutType(target)}`));
    if (isOfShadow && writes[home]) wanted.set(home, 'targetAddress', [], 'no-redirect');
    else if (target !== undefined)
      planner.note(
        guids,
        { side: home, attribute: 'targetAddress', outcome: 'redirected-elsewhere', values: [target] },
        `${nameOf(objects[home])} redirects mail`,
      );
    // Forwarding that was asked for while the person worked on the other side would send mail in a circle.
    if (writes[home] && planner.isUnseen(home, forwarding) && pair.wanted[home][forwarding] !== undefined)
      wanted.set(home, forwarding, [], 'no-redirect');
  }
  if (redirect === 'leave') {
    if (route === null && isMailbox(types[home]) && !isGroup(types[shadow]))
      planner.wait(
        home,
        guids[home],
        'no-routing-address',
        `every address of ${nameOf(objects[home])} is of a domain that the other organization takes for its own`,
      );
    return;
  }
  if (!writes[shadow] || isGroup(types[shadow])) return;
  const [current] = valuesOf(objects[shadow].attributes, 'targetAddress');
  if (redirect.to === null || (current !== undefined && sameTarget(current, redirect.to))) return;
  if (current !== undefined && pair.link !== null) {
    const shownTarget = valuesOf(shadow === 'left' ? pair.link.shownLeft : pair.link.shownRight, 'targetAddress')[0];
    if (shownTarget !== current)
      planner.note(
        guids,
        { side: shadow, attribute: 'targetAddress', outcome: 'overwritten', values: [current] },
        `of ${nameOf(objects[shadow])}`,
      );
  }
  // Mailboxes of Exchange Online do not obey targetAddress: forwarding has to do it.
  if (planner.input.sides[shadow].kind === 'entra' && isMailbox(types[shadow])) {
    computed(pair, shadow, forwarding, [`smtp:${redirect.to}`], 'redirect', wanted);
    return;
  }
  computed(pair, shadow, 'targetAddress', [targetValue(redirect.to)], 'redirect', wanted);
}

/** Values of other types keep theirs. */
export function targetValue(address: string): string {
  return parseProxyAddress(address) !== null && !address.includes('@') ? address : `SMTP:${address}`;
}

function sameTarget(a: string, b: string): boolean {
  return withoutType(a).toLowerCase() === withoutType(b).toLowerCase();
}

/** No plan leaves a circle or a hole: the pair is tried as it would be. */
function problemOfRouting(planner: Planner, pair: Pair, addresses: Addresses, wanted: Wanted): Problem | null {
  const { home, objects } = pair;
  const shadow = otherSide(home);
  const recipient = (side: Side) => ({
    guid: objects[side].guid,
    kind: objects[side].kind,
    attributes: wanted.applied(side, objects[side].attributes),
  });
  const trial = { left: recipient('left'), right: recipient('right') };
  const world = planner.routing(trial);
  for (const side of [home, shadow]) {
    const type = recipientType(trial[side]);
    if (isGroup(type) || type === 'none') continue;
    // Where home cannot be reached from there, the shadow has been told not to redirect, and that is reported already.
    if (side === shadow && addresses.redirect === 'leave') continue;
    // Forwarding of Exchange Online is not in the directory.
    if (side === shadow && planner.input.sides[shadow].kind === 'entra') continue;
    const delivery = simulateRouting(world, side, trial[side]);
    if (delivery.kind === 'loop' || delivery.kind === 'hole')
      return { reason: `redirection-${delivery.kind}`, detail: sayRouting(delivery, nameOf(objects[side])) };
  }
  return null;
}

export function sayRouting(delivery: Extract<Delivery, { kind: 'loop' | 'hole' }>, name: string): string {
  const path = delivery.via.length === 0 ? '' : ` by way of ${delivery.via.join(' → ')}`;
  if (delivery.kind === 'loop') return `mail to ${name} goes in a circle${path}`;
  const why = {
    nobody: 'ends where nobody has the address',
    ambiguous: 'ends where several have the address',
    'no-mailbox': 'ends at an object that has no mailbox and sends on to nobody',
  }[delivery.why];
  return `mail to ${name}${path} ${why}`;
}

/** A matched account, contact or group that mail knows nothing of. */
function mailEnable(planner: Planner, pair: Pair, original: RecipientType, wanted: Wanted): void {
  const { policy, sides } = planner.input;
  const { home, objects } = pair;
  const shadow = otherSide(home);
  const object = objects[shadow];
  const type: ShadowType =
    object.kind === 'user'
      ? 'mail-user'
      : object.kind === 'contact'
        ? 'mail-contact'
        : isSecurityGroup(object.attributes)
          ? 'security-group'
          : 'distribution-group';
  for (const [attribute, values] of Object.entries(typeAttributes(type, original)))
    wanted.set(shadow, attribute, values, 'mail-enable');
  wanted.set(shadow, 'msExchPoliciesExcluded', [noAddressPolicy], 'mail-enable');
  const own = valuesOf(object.attributes, 'mailNickname')[0];
  const base = aliasOf(objects[home].attributes) ?? aliasOf(object.attributes);
  if (own === undefined && base !== null) {
    const alias = freeValue(planner.know, planner.claims, shadow, 'mailNickname', base, {
      max: 64,
      mayNumber: true,
      owner: object.guid,
    });
    if (alias !== null) {
      planner.claims.claim(shadow, valueKey('mailNickname', alias), object.guid);
      wanted.set(shadow, 'mailNickname', [alias], 'mail-enable');
    }
  }
  const group = sides[shadow].administrativeGroup;
  if (group !== null && valuesOf(object.attributes, 'legacyExchangeDN').length === 0)
    wanted.set(
      shadow,
      'legacyExchangeDN',
      [legacyExchangeDnOf(group, policy.sync, objects[home].guid, own ?? base ?? '')],
      'mail-enable',
    );
  // Its own address, which nobody could send to before, stays the one that others see.
  const mail = primaryOf({ mail: valuesOf(object.attributes, 'mail') });
  if (mail !== null && policy.domains[shadow].includes(domainOfAddress(mail)))
    wanted.set(shadow, 'proxyAddresses', [`SMTP:${mail}`], 'mail-enable');
  else if (mail === null) {
    const primary = primaryOf(objects[home].attributes);
    if (primary !== null) wanted.set(shadow, 'mail', [primary], 'mail-enable');
  }
}

/** An object of ours follows its original: its name, and its place where the tree is repeated. */
function planMove(planner: Planner, pair: Pair, writes: BySide<boolean>): void {
  const { policy, sides } = planner.input;
  const { home, link, objects } = pair;
  const shadow = otherSide(home);
  const object = objects[shadow];
  if (link === null || pair.made !== shadow || !writes[shadow] || object.dn === '' || objects[home].dn === '') return;
  const before = { dn: home === 'left' ? link.leftDn : link.rightDn };
  const now = objects[home];
  if (before.dn === '' || sameDn(before.dn, now.dn)) return;
  const container = parentDn(object.dn);
  const name = nameOfDn(object.dn);
  if (container === null || name === null) return;
  const isRenamed = nameOfDn(before.dn) !== nameOfDn(now.dn);
  const placeBefore = placeOf(planner, home, before.dn);
  const placeNow = placeOf(planner, home, now.dn);
  // Somebody who put it elsewhere by hand had a reason.
  const isMoved =
    placeBefore !== null &&
    placeNow !== null &&
    sameDn(placeBefore.dn, container) &&
    !sameDn(placeBefore.dn, placeNow.dn);
  if (!isRenamed && !isMoved) return;
  const into = isMoved ? placeNow.dn : container;
  const to = freeDn(planner.know, planner.claims, shadow, into, isRenamed ? (nameOfDn(now.dn) ?? name) : name, {
    organization: sides[home].organization,
    mayNumber: policy.nameTaken === 'number',
    owner: object.guid,
  });
  if (to === null) {
    planner.wait(home, now.guid, 'name-taken', `${childDn(into, 'CN', nameOfDn(now.dn) ?? name)} is taken`);
    return;
  }
  if (sameDn(to, object.dn)) return;
  planner.claims.claim(shadow, nameKey(to), object.guid);
  const draft: DraftEdit = {
    side: shadow,
    phase: 'move',
    makes: null,
    change: { kind: 'move', guid: object.guid, from: object.dn, to },
    dn: object.dn,
    before: {},
    after: {},
    reason: isRenamed ? 'renamed' : 'moved',
    detail: `${before.dn} is now ${now.dn}`,
    needs: isMoved ? placeNow.ensure() : [],
  };
  planner.drafts.push(draft);
  pair.drafts.push(draft);
}

/** @param target Without a mailbox, or about to be made. */
export function mailboxNeed(
  planner: Planner,
  original: DirectoryObject,
  target: DirectoryObject,
  identity: string,
): PowerShellNeed {
  const { policy, sides } = planner.input;
  const after = planner.after('right', target);
  const own = (name: string) => valuesOf(after, name);
  return {
    need: 'enable-mailbox',
    side: 'right',
    guid: target.guid,
    identity,
    directory: sides.right.kind,
    values: withoutEmpty({
      mailNickname: own('mailNickname'),
      mail: own('mail'),
      proxyAddresses: own('proxyAddresses'),
      targetAddress: own('targetAddress'),
      legacyExchangeDN: own('legacyExchangeDN'),
      msExchRecipientTypeDetails: valuesOf(original.attributes, 'msExchRecipientTypeDetails'),
    }),
    isMailUser: recipientType({ ...target, attributes: after }) === 'mail-user',
    isDisabled: isDisabled(after),
    parking: `causeway-${original.guid}@${policy.domains.right[0] ?? sides.right.domains[0]?.name ?? 'invalid'}`,
  };
}

function planPowerShell(planner: Planner, pair: Pair, types: BySide<RecipientType>): void {
  const { policy, sides } = planner.input;
  const { home, objects } = pair;
  const target = objects.right;
  if (
    policy.targetMailboxes &&
    home === 'left' &&
    isMailbox(types.left) &&
    target.kind === 'user' &&
    !isMailbox(types.right) &&
    types.right !== 'remote-mailbox'
  )
    planner.needs.push(mailboxNeed(planner, objects.left, target, identityOf(target)));
  const shadow = otherSide(home);
  const isCompleted = valuesOf(objects[shadow].attributes, 'showInAddressBook').length > 0;
  const isMailed = recipientType({ ...objects[shadow], attributes: planner.after(shadow, objects[shadow]) }) !== 'none';
  if (sides[shadow].kind === 'ad' && isMailed && !isCompleted && pair.drafts.some(({ side }) => side === shadow))
    planner.needs.push({
      need: 'update-recipient',
      side: shadow,
      guid: objects[shadow].guid,
      identity: identityOf(objects[shadow]),
    });
}

function reportRestrictions(planner: Planner, pair: Pair): void {
  const object = pair.objects[pair.home];
  if (valuesOf(object.attributes, 'msExchRequireAuthToSendTo')[0] !== 'TRUE') return;
  planner.note(
    { left: pair.objects.left.guid, right: pair.objects.right.guid },
    { side: pair.home, attribute: 'msExchRequireAuthToSendTo', outcome: 'authenticated-only', values: ['TRUE'] },
    `of ${nameOf(object)}`,
  );
}
