import { deepEqual, equal, match, ok } from 'node:assert/strict';
import { DirectoryProject, type PeerForests } from './directory-project.ts';
import { aliasOf, all, type Entry, ForestEnd, hex, one, type Values } from './forest-end.ts';
import type { PeerContext } from './suite.ts';

/** How an account of the source and one of the target came to be known as one person to a tenant, or did not. */
interface Case {
  readonly what: string;
  /** Anchors as `ms-DS-ConsistencyGuid` has them; `of-source`, `of-target`: objectGUID of the other account, as synchronization tools write it. */
  readonly source?: 'same' | 'other' | 'of-target' | 'no-guid';
  readonly target?: 'same' | 'other' | 'of-source' | 'twice' | 'no-guid';
  /** Both have the same address, as after an earlier migration. */
  readonly isSameMail?: true;
  /** Where the account of the target is. */
  readonly place?: 'nowhere' | 'outside';
  readonly becomes: { readonly linkedBy: string } | { readonly waits: string };
}

const cases: readonly Case[] = [
  { what: 'one anchor, written by another tool', source: 'same', target: 'same', becomes: { linkedBy: 'anchor' } },
  { what: 'one anchor that is no GUID', source: 'no-guid', target: 'no-guid', becomes: { linkedBy: 'anchor' } },
  { what: 'anchored to the objectGUID of the source', target: 'of-source', becomes: { linkedBy: 'anchor' } },
  { what: 'anchored to the objectGUID of the target', source: 'of-target', becomes: { linkedBy: 'anchor' } },
  { what: 'no anchor, one address', isSameMail: true, becomes: { linkedBy: 'mail' } },
  { what: 'anchored on the source only', source: 'same', isSameMail: true, becomes: { linkedBy: 'mail' } },
  {
    what: 'two anchors, one address',
    source: 'same',
    target: 'other',
    isSameMail: true,
    becomes: { waits: 'anchors-differ' },
  },
  { what: 'two accounts with its anchor', source: 'same', target: 'twice', becomes: { waits: 'ambiguous-match' } },
  {
    what: 'anchored to an account outside of the scope',
    source: 'same',
    target: 'same',
    place: 'outside',
    becomes: { waits: 'match-out-of-scope' },
  },
  { what: 'anchored, and not synchronized yet', source: 'same', place: 'nowhere', becomes: { waits: 'no-anchor-yet' } },
  { what: 'no anchor, and nobody there', place: 'nowhere', becomes: { waits: 'no-anchor-yet' } },
];

/** Bytes of which no two cases share any. */
const anchorOf = (name: string, kind: string): Buffer =>
  Buffer.from(Buffer.from(`${kind}${name}`).toString('hex').padEnd(32, '7').slice(-32), 'hex');

/** Accounts of both forests are synchronized to one tenant: whatever their anchors say, none ever gets a second account. */
export async function directoryHybrid(context: PeerContext, forests: PeerForests, people: number): Promise<void> {
  const [source, target] = [await ForestEnd.open(forests.source), await ForestEnd.open(forests.target)];
  const top = 'OU=Hybrid';
  const project = new DirectoryProject(
    context,
    'directory-hybrid',
    forests,
    `
hybrid: true
scope:
  source: { under: ['OU=In,${source.at(top)}'] }
  target: { under: ['OU=In,${target.at(top)}'] }
into: { source: 'OU=Made,${source.at(top)}', target: 'OU=Made,${target.at(top)}' }
`,
  );
  const accounts = (end: ForestEnd): Promise<readonly Entry[]> =>
    end.search(end.at(top), '(|(objectClass=user)(objectClass=contact))', [
      ...['objectGUID', 'ms-DS-ConsistencyGuid', 'cn', 'mail', 'proxyAddresses', 'legacyExchangeDN', 'department'],
    ]);
  try {
    for (const end of [source, target]) {
      await end.removeTree(end.at(top));
      await end.units(end.at(top), ...['In', 'Made', 'Outside'].map((name) => end.at(`OU=${name}`, top)));
    }
    const made: { readonly name: string; readonly of: Case }[] = [];
    for (let n = 0; n < people; n++) {
      const of = cases[n % cases.length] ?? cases[0];
      if (of === undefined) break;
      const name = `Hybrid ${n}`;
      await makeAccounts(source, target, top, name, of);
      made.push({ name, of });
    }
    // Two people, one account: the anchor says whose it is.
    await source.mailbox(source.at('OU=In', top), 'Latecomer', { employeeID: 'claimed' });
    await source.mailbox(source.at('OU=In', top), 'Owner', { 'ms-DS-ConsistencyGuid': anchorOf('Owner', 's') });
    await target.mailbox(target.at('OU=In', top), 'Owner there', {
      employeeID: 'claimed',
      'ms-DS-ConsistencyGuid': anchorOf('Owner', 's'),
    });
    const before = { source: await accounts(source), target: await accounts(target) };
    const names = (entries: readonly Entry[]) => entries.map(({ dn }) => dn).sort();

    await context.check(`hybrid: ${made.length} people with anchors of every kind get no second account`, async () => {
      await project.settle();
      deepEqual(names(await accounts(source)), names(before.source));
      deepEqual(names(await accounts(target)), names(before.target));
      const adds = (await project.journal()).filter(({ action }) => action !== 'modify' && action !== 'note');
      equal(adds.length, 0, `the journal has ${adds[0]?.action} ${adds[0]?.dn}`);
    });

    await context.check('hybrid: each is joined to the right account or waits for a named reason', async () => {
      const waiting = new Map((await project.waiting()).map(({ side, guid, reason }) => [`${side} ${guid}`, reason]));
      const now = { source: await accounts(source), target: await accounts(target) };
      const find = (entries: readonly Entry[], name: string) => entries.find((entry) => one(entry, 'cn') === name);
      for (const { name, of } of made) {
        const [left, right] = [find(now.source, name), find(now.target, `${name} there`)];
        ok(left !== undefined, `${name} is gone`);
        const reason = waiting.get(`left ${guidOf(left)}`) ?? null;
        const isJoined = all(right, 'proxyAddresses').some(
          (value) => value.toLowerCase() === `x500:${one(left, 'legacyExchangeDN')}`.toLowerCase(),
        );
        equal(reason, 'waits' in of.becomes ? of.becomes.waits : null, `${name}: ${of.what}`);
        equal(isJoined, 'linkedBy' in of.becomes, `${name}: ${of.what}`);
      }
      const latecomer = find(now.source, 'Latecomer');
      // Whoever is looked at first finds the account anchored to somebody else, or linked to them already.
      match(waiting.get(`left ${guidOf(latecomer)}`) ?? '', /^(anchors-differ|match-linked)$/);
    });

    await context.check('hybrid: anchors stay as they were, letter by letter', async () => {
      const anchors = (entries: readonly Entry[]) =>
        entries.map((entry) => `${entry.dn} ${hex(entry, 'ms-DS-ConsistencyGuid')}`).sort();
      deepEqual(anchors(await accounts(source)), anchors(before.source));
      deepEqual(anchors(await accounts(target)), anchors(before.target));
    });

    await context.check(
      'hybrid: the account that synchronization makes later is joined to the one that waits',
      async () => {
        const late = made.find(({ of }) => of.place === 'nowhere' && of.source === 'same');
        ok(late !== undefined);
        const there = await target.mailbox(target.at('OU=In', top), `${late.name} there`, {
          'ms-DS-ConsistencyGuid': anchorOf(late.name, 's'),
        });
        await source.set(source.at(`CN=${late.name}`, 'OU=In', top), { department: 'Joined' });
        await project.settle();
        equal(one(await target.read(there, ['department']), 'department'), 'Joined');
      },
    );
  } finally {
    await source.close();
    await target.close();
  }
}

async function makeAccounts(source: ForestEnd, target: ForestEnd, top: string, name: string, of: Case): Promise<void> {
  const anchor = (kind: Case['source'] | Case['target']): Values => {
    if (kind === 'same' || kind === 'twice') return { 'ms-DS-ConsistencyGuid': anchorOf(name, 's') };
    if (kind === 'other') return { 'ms-DS-ConsistencyGuid': anchorOf(name, 'o') };
    return kind === 'no-guid' ? { 'ms-DS-ConsistencyGuid': Buffer.from(`tool:${name}`) } : {};
  };
  const left = await source.mailbox(source.at('OU=In', top), name, anchor(of.source));
  if (of.place === 'nowhere') return;
  const where = target.at(of.place === 'outside' ? 'OU=Outside' : 'OU=In', top);
  const address = `${aliasOf(name)}@${source.forest.domain}`;
  const own = `${aliasOf(`${name} there`)}@${target.forest.domain}`;
  const right = await target.mailbox(where, `${name} there`, {
    ...anchor(of.target),
    ...(of.isSameMail && { mail: address, proxyAddresses: [`SMTP:${own}`, `smtp:${address}`] }),
  });
  if (of.target === 'twice') await target.mailbox(where, `${name} again`, anchor(of.target));
  const guid = async (end: ForestEnd, dn: string) => {
    const [value] = [(await end.read(dn, ['objectGUID']))?.['objectGUID'] ?? []].flat();
    return Buffer.from(value ?? '');
  };
  if (of.target === 'of-source') await target.set(right, { 'ms-DS-ConsistencyGuid': await guid(source, left) });
  if (of.source === 'of-target') await source.set(left, { 'ms-DS-ConsistencyGuid': await guid(target, right) });
}

/** objectGUID as Causeway writes it: its first three groups are little-endian ([MS-DTYP] 2.3.4.2). */
function guidOf(entry: Entry | undefined): string {
  const bytes = Buffer.from(hex(entry, 'objectGUID'), 'hex');
  const turned = (from: number, to: number) => Buffer.from(bytes.subarray(from, to)).reverse().toString('hex');
  const tail = bytes.subarray(8).toString('hex');
  return `${turned(0, 4)}-${turned(4, 6)}-${turned(6, 8)}-${tail.slice(0, 4)}-${tail.slice(4)}`;
}
