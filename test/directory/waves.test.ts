import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { exitCodes } from '#cli/exit-codes.ts';
import { createLog } from '#cli/log.ts';
import { openServices } from '#cli/services.ts';
import { testTerminal } from '#cli/terminal.fixture.ts';
import { must } from '#kit/assert.ts';
import { systemClock } from '#kit/clock.ts';
import type { PairId } from '#model/ids.ts';
import type { FolderPermission } from '#model/mailbox-settings.ts';
import { loadProject } from '#project/read-project.ts';
import { openStore } from '#store/open-store.ts';
import { LabProject } from './lab-project.fixture.ts';

let at: LabProject;
const address = (n: number) => must(at.organization('source').mailboxes[n], 'a mailbox').address;
const signal = new AbortController().signal;
const context = () => ({ signal, deadlineMs: systemClock.monotonicMs() + 60_000 });

/** The settings of a mailbox, as its owner changes them. */
async function settingsOf(n: number) {
  const terminal = testTerminal();
  const services = openServices(loadProject(at.file), terminal, createLog(terminal, false), at.jobs);
  const connector = await services.connector('source');
  const mailbox = connector.mailbox(address(n));
  const roles = await mailbox.roles(context());
  return { settings: must(mailbox.settings ?? null, 'settings'), roles, close: () => services.close() };
}

const reader = (who: string, more: Partial<FolderPermission> = {}): FolderPermission => ({
  who: { kind: 'person', address: who, name: '' },
  canCreateItems: false,
  canCreateSubfolders: false,
  isOwner: false,
  isVisible: true,
  isContact: false,
  edit: 'none',
  remove: 'none',
  read: 'full',
  ...more,
});

async function haveMoved(pairs: readonly PairId[]): Promise<void> {
  mkdirSync(join(at.cwd, '.causeway'), { recursive: true });
  const store = await openStore(`sqlite:${join(at.cwd, '.causeway', 'causeway.db')}`, {
    clock: systemClock,
    log: { info() {}, warn() {} },
  });
  const row = { state: 'switched', active: 'right', run: 1, at: null, changedAtMs: 1, because: null } as const;
  for (const pair of pairs) await store.commitSwitch(null, { row: { pair, ...row } });
  await store.close();
}

beforeEach(async () => {
  at = await LabProject.open({ people: 12 });
});
afterEach(() => at.close());

describe('causeway waves', () => {
  test('keeps together who shares mailboxes, by mailboxes and by the directory, and says why', async () => {
    // The lab's own: 0, 5 and 10 let the next one send on behalf.
    const one = await settingsOf(2);
    await one.settings.setDelegates(
      {
        delegates: [
          {
            address: address(7),
            name: '',
            rights: {
              calendar: 'editor',
              tasks: 'none',
              inbox: 'none',
              contacts: 'none',
              notes: 'none',
              journal: 'none',
            },
            receivesCopies: true,
            seesPrivate: false,
          },
        ],
        requestsGoTo: 'delegates-and-me',
      },
      context(),
    );
    await one.close();
    const other = await settingsOf(8);
    await other.settings.setPermissions(
      must(other.roles.get('calendar'), 'a calendar'),
      [reader(address(9), { canCreateItems: true, edit: 'all' }), reader(address(3))],
      context(),
    );
    await other.close();
    const { first, entry } = at.entry('source', address(4));
    first.put(entry, { msExchDelegateListLink: [at.entry('source', address(6)).entry.guid] });

    const { code, lines } = await at.lines('waves', '--size', '6', '--from', '2027-01-09', '--every', '14');
    expect(code).toBe(exitCodes.ok);
    const ties = lines.filter(({ event }) => event === 'tie');
    const tie = (a: number, b: number, reason: string) =>
      expect.objectContaining({ a: address(a), b: address(b), reason });
    expect(ties).toEqual(
      expect.arrayContaining([
        tie(0, 1, 'send-on-behalf'),
        tie(2, 7, 'delegate'),
        tie(8, 9, 'folder-permission'),
        tie(8, 3, 'folder-permission'),
        tie(4, 6, 'full-access'),
      ]),
    );
    const writes = ties.find(({ a, b }) => a === address(8) && b === address(9));
    const reads = ties.find(({ a, b }) => a === address(8) && b === address(3));
    expect(Number(writes?.['weight'])).toBeGreaterThan(Number(reads?.['weight']));
    const waves = lines.filter(({ event }) => event === 'wave') as { people: string[]; day: string }[];
    expect(waves.map(({ day }) => day)).toEqual(['2027-01-09', '2027-01-23']);
    expect(waves.flatMap(({ people }) => people).sort()).toEqual(
      Array.from({ length: 12 }, (_, n) => address(n)).sort(),
    );
    for (const [a, b] of [
      [0, 1],
      [2, 7],
      [8, 9],
      [8, 3],
      [4, 6],
    ] as const)
      expect(waves.some(({ people }) => people.includes(address(a)) && people.includes(address(b)))).toBe(true);
    expect(lines.at(-1)).toMatchObject({ people: 12, waves: 2, cuts: 0, isOptimal: true, unread: 0 });
  });

  test('a group that holds a right stands for its members, and a cut is named with its reason', async () => {
    const { first, entry } = at.entry('source', address(11));
    const members = [1, 2, 3, 4].map((n) => at.entry('source', address(n)).entry.guid);
    const groups = `OU=Groups,${at.base('source')}`;
    const group = must(first.find(`CN=Everybody,${groups}`), 'a group');
    first.put(group, { member: members });
    first.put(entry, { publicDelegates: [group.guid] });
    const { code, out } = await at.run('waves', '--size', '3');
    expect(code).toBe(exitCodes.ok);
    expect(out).toContain(`${address(1)} may send on behalf of ${address(11)}`);
    expect(out).toMatch(/cut between wave \d and \d, group-too-large: .* a wave takes 3/);
  });

  test('says when there are not enough days, and as late as possible ends on the last one', async () => {
    const late = await at.run('waves', '--size', '2', '--from', '2027-01-09', '--by', '2027-01-30');
    expect(late.code).toBe(exitCodes.notReady);
    expect(late.out).toContain('there are days for 4 waves only: raise --size to 3 or more');
    expect((await at.run('waves', '--size', '2', '--by', '2020-01-01')).code).toBe(exitCodes.notReady);
    const { lines } = await at.lines('waves', '--size', '4', '--by', '2099-12-31', '--every', '10');
    expect(lines.filter(({ event }) => event === 'wave').map(({ day }) => day)).toEqual([
      '2099-12-11',
      '2099-12-21',
      '2099-12-31',
    ]);
  });

  test('pins people, leaves out who has moved, and refuses what cannot be', async () => {
    const [, moved] = loadProject(at.file).pairs;
    await haveMoved([must(moved, 'a pair').id]);
    const { lines } = await at.lines('waves', '--size', '6', '--pin', `${address(0)}=2`);
    const second = lines.find(({ event, wave }) => event === 'wave' && wave === 2) as { people: string[] };
    expect(second.people).toContain(address(0));
    expect(lines.at(-1)).toMatchObject({ people: 11, moved: 1 });
    expect(lines).toContainEqual(expect.objectContaining({ event: 'outside', mailbox: address(0), who: address(1) }));
    for (const args of [
      ['--size', '0'],
      ['--size', '5', '--pin', 'nobody@elsewhere.test=1'],
      ['--size', '1', '--pin', `${address(0)}=1`, '--pin', `${address(2)}=1`],
      ['--size', '5', '--from', '2027-02-30'],
      ['nowhere', '--size', '5'],
      [],
    ])
      expect((await at.run('waves', ...args)).code, args.join(' ')).toBe(exitCodes.usage);
  });

  test('writes each wave as a collection that the project takes, with the same pairs', async () => {
    const before = loadProject(at.file);
    const dry = await at.run('waves', '--size', '5');
    expect(dry.out).toContain('nothing was written');
    const applied = await at.run('waves', 'staff', '--size', '5', '--apply');
    expect(applied.out).toContain('waves/staff-wave-1.csv');
    const snippet = readFileSync(join(at.cwd, 'waves', 'collections.yaml'), 'utf8');
    const text = readFileSync(at.file, 'utf8');
    writeFileSync(
      at.file,
      text.replace(/^collections:\n[\s\S]*?(?=^directory:)/m, () => snippet),
    );
    const after = loadProject(at.file);
    expect([...after.collections.keys()]).toEqual(['staff-wave-1', 'staff-wave-2', 'staff-wave-3']);
    expect(after.pairs.map(({ id }) => id).sort()).toEqual(before.pairs.map(({ id }) => id).sort());
  });

  test('applied once more for those who are left, keeps everybody who has moved', async () => {
    const before = loadProject(at.file)
      .pairs.map(({ id }) => id)
      .sort();
    const take = () => {
      const snippet = readFileSync(join(at.cwd, 'waves', 'collections.yaml'), 'utf8');
      const text = readFileSync(at.file, 'utf8');
      writeFileSync(
        at.file,
        text.replace(/^(?:# .*\n)?collections:\n[\s\S]*?(?=^directory:)/m, () => snippet),
      );
    };
    await at.run('waves', 'staff', '--size', '12', '--apply');
    take();
    const gone = loadProject(at.file).pairs.slice(0, 10);
    await haveMoved(gone.map(({ id }) => id));
    const { out } = await at.run('waves', 'staff-wave-1', '--size', '1', '--apply');
    expect(out).toContain('waves/staff-wave-1-moved.csv');
    take();
    const after = loadProject(at.file);
    expect(after.pairs.map(({ id }) => id).sort()).toEqual(before);
    expect([...after.collections.keys()]).toEqual(['staff-wave-1-wave-1', 'staff-wave-1-wave-2', 'staff-wave-1-moved']);
  });

  test('draws the graph for Graphviz, and tells what could not be read', async () => {
    const drawn = await at.run('waves', '--size', '5', '--dot');
    expect(drawn.out).toMatch(/^graph waves \{\n/);
    expect(drawn.out).toContain(`"${address(0)}" -- "${address(1)}" [label="send-on-behalf"];`);
    expect(drawn.out.match(/subgraph cluster_/g)).toHaveLength(3);
    at.organization('source').removeMailbox(address(3));
    const { code, lines } = await at.lines('waves', '--size', '5');
    expect(code).toBe(exitCodes.partial);
    expect(lines).toContainEqual(expect.objectContaining({ event: 'unread', address: address(3), what: 'mailbox' }));
  });
});
