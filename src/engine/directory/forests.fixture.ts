/** Two forests that obey, for tests: what a plan does to them, and what people do meanwhile. */

import { assert, must } from '#kit/assert.ts';
import type { DirectoryLink } from '#model/directory/directory-link.ts';
import type {
  Attributes,
  DirectoryKind,
  DirectoryObject,
  DistinguishedName,
  ObjectGuid,
} from '#model/directory/directory-object.ts';
import { dnKey, escapeDnValue, isUnder } from '#model/directory/distinguished-name.ts';
import { addressKey } from '#model/directory/proxy-address.ts';
import { type BySide, type DirectorySyncPolicy, defaultDirectorySyncPolicy } from '#model/directory/sync-policy.ts';
import type { Side } from '#model/ids.ts';
import { withGuids } from './draft.ts';
import type { DirectoryPlan, DirectoryPlanInput, DirectorySideProfile, PlannedEdit } from './plan.ts';
import { planDirectory } from './plan-directory.ts';
import { linkAfter } from './shown.ts';
import { valuesOf } from './values.ts';
import { DirectorySight } from './view.ts';

const dn = (text: string) => text as DistinguishedName;
const guidOf = (n: number) => `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}` as ObjectGuid;
const sides = ['left', 'right'] as const;
const links = ['member', 'manager', 'managedBy', 'publicDelegates', 'authOrig'] as const;
const backLinkOf = {
  member: 'memberOf',
  manager: 'directReports',
  managedBy: 'managedObjects',
  publicDelegates: 'publicDelegatesBL',
  authOrig: 'authOrigBL',
} as const;

interface Entry {
  guid: ObjectGuid;
  kind: DirectoryKind;
  dn: DistinguishedName;
  attributes: Record<string, readonly string[]>;
  /** Linked attributes, by GUID: names follow by themselves. */
  links: Record<string, ObjectGuid[]>;
  usn: number;
}

/** Behaves as Active Directory does where a plan could go wrong: names, addresses of DN attributes, compare-and-set. */
class Forest {
  readonly entries = new Map<ObjectGuid, Entry>();
  readonly root: string;
  #usn = 1;
  #next: number;

  constructor(root: string, from: number) {
    this.root = root;
    this.#next = from;
  }

  add(kind: DirectoryKind, at: string, attributes: Attributes = {}): ObjectGuid {
    assert(this.find(at) === null, `${at} is taken`);
    const guid = guidOf(this.#next++);
    const entry: Entry = { guid, kind, dn: dn(at), attributes: {}, links: {}, usn: this.#usn++ };
    this.entries.set(guid, entry);
    for (const [name, values] of Object.entries(attributes)) this.set(guid, name, values);
    return guid;
  }

  set(guid: ObjectGuid, name: string, values: readonly string[]): void {
    const entry = this.entry(guid);
    entry.usn = this.#usn++;
    if ((links as readonly string[]).includes(name))
      entry.links[name] = values.map((value) => must(this.find(value), `${value} is not there`));
    else if (values.length === 0) delete entry.attributes[name];
    else entry.attributes[name] = values;
  }

  remove(guid: ObjectGuid): void {
    this.entries.delete(guid);
    for (const entry of this.entries.values())
      for (const [name, guids] of Object.entries(entry.links)) {
        // Active Directory clears links to what was deleted without a new version of who had them.
        if (guids.includes(guid)) entry.links[name] = guids.filter((one) => one !== guid);
      }
  }

  move(guid: ObjectGuid, to: string): void {
    assert(this.find(to) === null || this.find(to) === guid, `${to} is taken`);
    const entry = this.entry(guid);
    entry.dn = dn(to);
    entry.usn = this.#usn++;
  }

  entry(guid: ObjectGuid): Entry {
    return must(this.entries.get(guid), `${guid} is not there`);
  }

  find(at: string): ObjectGuid | null {
    const key = dnKey(at);
    for (const entry of this.entries.values()) if (dnKey(entry.dn) === key) return entry.guid;
    return null;
  }

  object(guid: ObjectGuid): DirectoryObject | null {
    const entry = this.entries.get(guid);
    if (entry === undefined) return null;
    const attributes: Record<string, readonly string[]> = { ...entry.attributes };
    for (const [name, guids] of Object.entries(entry.links))
      if (guids.length > 0) attributes[name] = guids.map((one) => this.entry(one).dn);
    for (const name of links) {
      const from = [...this.entries.values()].filter((one) => one.links[name]?.includes(guid));
      if (from.length > 0) attributes[backLinkOf[name]] = from.map((one) => one.dn);
    }
    return { guid, kind: entry.kind, dn: entry.dn, domain: this.root, attributes, version: String(entry.usn) };
  }

  objects(): readonly DirectoryObject[] {
    return [...this.entries.keys()].map((guid) => must(this.object(guid), 'an entry'));
  }

  /** Carries a change out, or throws: a plan must not ask for what a directory refuses. */
  write(change: PlannedEdit['change']): ObjectGuid {
    switch (change.kind) {
      case 'add': {
        const parent = change.dn.slice(change.dn.search(/(?<!\\),/) + 1);
        assert(this.find(parent) !== null, `${parent} is not there`);
        return this.add(change.object, change.dn, change.attributes);
      }
      case 'modify':
        for (const [name, { remove, add }] of Object.entries(change.values)) {
          const now = valuesOf(must(this.object(change.guid), `${change.guid} is not there`).attributes, name);
          for (const value of remove) assert(now.includes(value), `${name} has no ${value}`);
          const kept = now.filter((value) => !remove.includes(value));
          for (const value of add)
            assert(!kept.some((one) => one.toLowerCase() === value.toLowerCase()), `${name} has ${value} already`);
          this.set(change.guid, name, [...kept, ...add]);
        }
        return change.guid;
      case 'move':
        assert(this.entry(change.guid).dn === change.from, `${change.from} was moved`);
        this.move(change.guid, change.to);
        return change.guid;
      case 'remove':
        assert(this.object(change.guid)?.version === change.version, 'it was changed');
        this.remove(change.guid);
        return change.guid;
    }
  }
}

export class Forests {
  readonly left = new Forest('source.test', 1);
  readonly right = new Forest('target.test', 0x1000000);
  readonly links = new Map<ObjectGuid, DirectoryLink>();
  readonly waiting: BySide<Map<ObjectGuid, string>> = { left: new Map(), right: new Map() };
  readonly #seen: BySide<Map<ObjectGuid, string>> = { left: new Map(), right: new Map() };
  readonly policy: DirectorySyncPolicy;
  readonly profiles: BySide<DirectorySideProfile>;
  readonly scope: BySide<DistinguishedName>;
  readonly switching = new Set<ObjectGuid>();
  pass = 0;
  removed = 0;
  lookups = 0;

  constructor(policy: Partial<DirectorySyncPolicy> = {}) {
    this.scope = { left: dn('OU=Staff,DC=source,DC=test'), right: dn('OU=Staff,DC=target,DC=test') };
    this.policy = {
      ...defaultDirectorySyncPolicy,
      sync: 'main',
      into: { left: dn('OU=Shadows,DC=source,DC=test'), right: dn('OU=Shadows,DC=target,DC=test') },
      roots: { left: [this.scope.left], right: [this.scope.right] },
      domains: { left: ['source.example'], right: ['target.example'] },
      routing: { left: 'route.source.example', right: 'route.target.example' },
      foreignDomains: ['third.example'],
      ...policy,
    };
    const profile = (name: string): DirectorySideProfile => ({
      kind: 'ad',
      organization: name,
      domains: [{ name: `${name}.test`, dn: dn(`DC=${name},DC=test`) }],
      administrativeGroup: `/o=${name}/ou=First`,
      lacks: new Set(),
    });
    this.profiles = { left: profile('source'), right: profile('target') };
    for (const [side, name] of [
      ['left', 'source'],
      ['right', 'target'],
    ] as const)
      for (const at of ['', 'OU=Staff,', 'OU=Shadows,', 'OU=Elsewhere,'])
        this[side].add('container', `${at}DC=${name},DC=test`);
  }

  mailbox(side: Side, name: string, more: Attributes = {}, ou = 'Staff'): ObjectGuid {
    const org = side === 'left' ? 'source' : 'target';
    const alias = name.toLowerCase().replace(/[^a-z0-9]/g, '');
    return this[side].add('user', `CN=${escapeDnValue(name)},OU=${ou},DC=${org},DC=test`, {
      cn: [name],
      displayName: [name],
      sAMAccountName: [alias],
      userAccountControl: ['512'],
      mailNickname: [alias],
      mail: [`${alias}@${org}.example`],
      proxyAddresses: [`SMTP:${alias}@${org}.example`],
      legacyExchangeDN: [`/o=${org}/ou=First/cn=Recipients/cn=${alias}`],
      homeMDB: [`CN=DB,DC=${org},DC=test`],
      msExchRecipientTypeDetails: ['1'],
      ...more,
    });
  }

  group(side: Side, name: string, members: readonly ObjectGuid[], more: Attributes = {}): ObjectGuid {
    const org = side === 'left' ? 'source' : 'target';
    const alias = name.toLowerCase().replace(/[^a-z0-9]/g, '');
    return this[side].add('group', `CN=${escapeDnValue(name)},OU=Staff,DC=${org},DC=test`, {
      cn: [name],
      displayName: [name],
      sAMAccountName: [alias],
      groupType: ['8'],
      mailNickname: [alias],
      mail: [`${alias}@${org}.example`],
      proxyAddresses: [`SMTP:${alias}@${org}.example`],
      legacyExchangeDN: [`/o=${org}/ou=First/cn=Recipients/cn=${alias}`],
      member: members.map((guid) => this[side].entry(guid).dn),
      ...more,
    });
  }

  isScoped(side: Side, object: DirectoryObject): boolean {
    return object.kind !== 'container' && isUnder(object.dn, this.scope[side]);
  }

  /** What a pass feeds: everything whose version is another one than at the last pass, what waits, and links with a side gone. */
  input(): DirectoryPlanInput {
    const views = { left: this.#sight(), right: this.#sight() };
    const changed: BySide<Set<ObjectGuid>> = { left: new Set(), right: new Set() };
    for (const side of sides) {
      for (const object of this[side].objects()) {
        if (this.#seen[side].get(object.guid) === object.version) continue;
        views[side].see(object, this.isScoped(side, object));
        if (object.kind !== 'container') changed[side].add(object.guid);
      }
      for (const guid of this.#seen[side].keys())
        if (!this[side].entries.has(guid)) {
          views[side].miss(guid);
          changed[side].add(guid);
        }
      for (const guid of this.waiting[side].keys()) changed[side].add(guid);
    }
    for (const link of this.links.values()) if (link.goneSincePass !== null) changed.left.add(link.left);
    const known = { left: new Set(changed.left), right: new Set(changed.right) };
    return {
      policy: this.policy,
      sides: this.profiles,
      pass: this.pass,
      changed: { left: [...changed.left], right: [...changed.right] },
      view: views,
      links: [...this.links.values()].filter(({ left, right }) => known.left.has(left) || known.right.has(right)),
      linksKnown: known,
      waiting: this.waiting,
      switching: this.switching,
      linked: this.links.size,
      removed: this.removed,
    };
  }

  #sight(): DirectorySight {
    return new DirectorySight([this.policy.mark ?? 'mail']);
  }

  plan(): DirectoryPlan {
    let input = this.input();
    for (let round = 0; round < 20; round++) {
      const step = planDirectory(input);
      if (step.kind === 'plan') return step.plan;
      this.lookups++;
      const asked = sides.flatMap((side) => Object.values(step.lookups[side]).map((list) => list.length));
      assert(
        asked.some((count) => count > 0),
        'a round asks for something',
      );
      const linksAsked: BySide<ReadonlySet<ObjectGuid>> = {
        left: new Set(step.lookups.left.links),
        right: new Set(step.lookups.right.links),
      };
      for (const side of sides) {
        const view = input.view[side] as DirectorySight;
        const see = (guid: ObjectGuid) => {
          const object = this[side].object(guid);
          if (object === null) view.miss(guid);
          else view.see(object, this.isScoped(side, object));
        };
        const { read, resolve, find } = step.lookups[side];
        for (const guid of read) see(guid);
        const found = new Map<DistinguishedName, ObjectGuid>();
        for (const asked of resolve) {
          const guid = this[side].find(asked);
          if (guid !== null) found.set(asked, guid);
        }
        view.answerResolve(resolve, found);
        for (const { attribute, values } of find) {
          const keys = new Set(values.map((value) => fold(attribute, value)));
          const holders = this[side]
            .objects()
            .filter(({ attributes }) =>
              valuesOf(attributes, attribute).some((value) => keys.has(fold(attribute, value))),
            );
          for (const holder of holders) see(holder.guid);
          view.answerFind(attribute, values, holders);
        }
      }
      input = {
        ...input,
        links: [
          ...new Set([
            ...input.links,
            ...[...this.links.values()].filter(
              ({ left, right }) => linksAsked.left.has(left) || linksAsked.right.has(right),
            ),
          ]),
        ],
        linksKnown: {
          left: new Set([...input.linksKnown.left, ...linksAsked.left]),
          right: new Set([...input.linksKnown.right, ...linksAsked.right]),
        },
      };
    }
    throw new Error('a plan asks for ever');
  }

  /** A whole pass: plan, write, read back, record. */
  run(): DirectoryPlan {
    this.pass++;
    const plan = this.plan();
    const made = new Map<ObjectGuid, ObjectGuid>();
    for (const edit of plan.edits) {
      for (const need of edit.needs) assert(need < edit.no, 'what is needed comes first');
      const guid = this[edit.side].write(withGuids(edit.change, made));
      if (edit.makes !== null) made.set(edit.makes, guid);
    }
    this.record(plan, made);
    return plan;
  }

  record(plan: DirectoryPlan, made: ReadonlyMap<ObjectGuid, ObjectGuid>): void {
    const views = { left: this.#sight(), right: this.#sight() };
    for (const side of sides)
      for (const object of this[side].objects()) views[side].see(object, this.isScoped(side, object));
    for (const { left } of plan.forget) this.links.delete(left);
    for (const { left, sincePass } of plan.gone) {
      const link = must(this.links.get(left), 'a link');
      this.links.set(left, { ...link, goneSincePass: sincePass });
    }
    for (const planned of plan.links) {
      const left = must(this.left.object(made.get(planned.left) ?? planned.left), 'left');
      const right = must(this.right.object(made.get(planned.right) ?? planned.right), 'right');
      this.links.set(left.guid, linkAfter(planned, this.policy, { left, right }, views, { left: null, right: null }));
    }
    for (const { side, guid } of plan.settled) this.waiting[side].delete(guid);
    for (const { side, guid, reason } of plan.waiting) this.waiting[side].set(guid, reason);
    this.removed += plan.removals;
    for (const side of sides) {
      this.#seen[side].clear();
      for (const object of this[side].objects()) this.#seen[side].set(object.guid, object.version);
    }
  }

  /** Loses everything that was remembered. */
  forgetAll(): void {
    this.links.clear();
    for (const side of sides) {
      this.waiting[side].clear();
      this.#seen[side].clear();
    }
  }

  linkOf(side: Side, guid: ObjectGuid): DirectoryLink | null {
    return [...this.links.values()].find((link) => link[side] === guid) ?? null;
  }

  /** The object that stands for one of the left side. */
  shadow(left: ObjectGuid): DirectoryObject {
    return must(this.right.object(must(this.links.get(left), 'a link').right), 'a shadow');
  }
}

function fold(attribute: string, value: string): string {
  if (attribute === 'proxyAddresses' || attribute === 'targetAddress') return addressKey(value);
  return value.toLowerCase();
}
