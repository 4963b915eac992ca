import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FaultError } from '#kit/fault.ts';
import type { Attributes, DistinguishedName, ObjectGuid } from '#model/directory/directory-object.ts';
import { childDn } from '#model/directory/distinguished-name.ts';
import type { Side } from '#model/ids.ts';
import { runDirectoryPass } from './directory-pass.ts';
import { domainOf, Killed, policyOfTests, TwoForests } from './two-forests.fixture.ts';
import { undoEntries } from './undo-entries.ts';

const sides = ['left', 'right'] as const;
const other = (side: Side): Side => (side === 'left' ? 'right' : 'left');
const dn = (text: string) => text as DistinguishedName;

/** What has to be true whenever a sync has come to rest. */
async function expectInStep(world: TwoForests, outside: string): Promise<void> {
  const links = await world.store.pageDirectoryLinks('main', null, 10_000);
  for (const side of sides) {
    const all = world[side].all();
    const marks = all.flatMap(({ attributes }) => attributes['adminDescription'] ?? []);
    expect(new Set(marks).size, 'nobody stands for somebody twice').toBe(marks.length);
    const byGuid = new Map(all.map((object) => [object.guid, object]));
    const elsewhere = new Map(world[other(side)].all().map((object) => [object.guid, object]));
    for (const object of all.filter(({ dn: at, kind }) => kind !== 'container' && at.includes('OU=Staff'))) {
      const own = links.filter((link) => link[side] === object.guid);
      expect(own, `${side} ${object.dn} is linked once`).toHaveLength(1);
      const shadow = elsewhere.get(own[0]?.[other(side)] ?? ('' as ObjectGuid));
      expect(shadow?.attributes['displayName'], object.dn).toEqual(object.attributes['displayName']);
      expect(shadow?.attributes['telephoneNumber'], object.dn).toEqual(object.attributes['telephoneNumber']);
      const members = (object.attributes['member'] ?? []).map(
        (member) => all.find(({ dn: at }) => at === member)?.guid,
      );
      // One that was made, and whose original was deleted before anybody could link them, waits for the operator where it is.
      const standsForNobody = ({ attributes }: { readonly attributes: Attributes }) =>
        attributes['adminDescription']?.some((mark) => !byGuid.has(mark.split(':')[2] as ObjectGuid)) === true;
      const there = (shadow?.attributes['member'] ?? []).flatMap((member) => {
        const found = [...elsewhere.values()].find(({ dn: at }) => at === member);
        return found !== undefined && standsForNobody(found) ? [] : [found?.guid];
      });
      const expected = members.map((guid) => links.find((link) => link[side] === guid)?.[other(side)]);
      expect(new Set(there), `members of ${object.dn}`).toEqual(new Set(expected));
    }
    for (const link of links) expect(byGuid.has(link[side]), 'links name what is there').toBe(true);
  }
  expect(await world.store.directoryJournal({ sync: 'main', outcome: 'open' }, 9)).toEqual([]);
  expect(outsideOf(world), 'nothing outside of the scope was touched').toBe(outside);
}

const outsideOf = (world: TwoForests): string =>
  JSON.stringify(sides.map((side) => world[side].all().filter(({ dn: at }) => at.includes('OU=Elsewhere'))));

function populate(world: TwoForests): void {
  const ann = world.person('left', 'Ann, "x" Müller');
  const ben = world.person('left', 'Ben', { manager: [world.dnOf('left', ann)] });
  const cy = world.person('right', 'Cy', { telephoneNumber: ['+43 1'] });
  world.group('left', 'All', [ann, ben]);
  world.group('right', 'Others', [cy]);
  for (const side of sides)
    world[side].add('user', childDn(dn(`OU=Elsewhere,${world[side].root}`), 'CN', 'Stranger'), {
      displayName: ['Stranger'],
      sAMAccountName: ['stranger'],
      mail: [`stranger@${domainOf(side)}`],
      proxyAddresses: [`SMTP:stranger@${domainOf(side)}`],
    });
}

describe('a pass over two directories', () => {
  test('makes who is missing on either side, and then has nothing to do', async () => {
    const world = await TwoForests.open();
    populate(world);
    const outside = outsideOf(world);
    const first = await world.pass();
    expect(first.refused).toEqual([]);
    expect(await world.store.countDirectoryLinks('main')).toBe(5);
    expect((await world.settle()).summary.writes).toBe(0);
    expect((await world.pass()).summary).toMatchObject({ writes: 0, searches: 2, outcome: 'complete' });
    await expectInStep(world, outside);
    const shadow = world.right.all().find(({ attributes }) => attributes['displayName']?.[0]?.startsWith('Ann'));
    expect(shadow?.attributes['targetAddress']).toEqual(['SMTP:AnnxMller@old.example']);
    expect(shadow?.attributes['proxyAddresses']?.map((value) => value.toLowerCase())).toContain(
      'x500:/o=left/ou=exchange/cn=recipients/cn=annxmller',
    );
  });

  test('leaves out what the schema of a side has not, says so, and comes to rest', async () => {
    const world = await TwoForests.open();
    world.right.lacks = new Set(['telephonenumber', 'admindescription']);
    world.person('left', 'Ann', { telephoneNumber: ['+43 1'] });
    const first = await world.pass();
    expect(first.refused).toEqual([]);
    expect(first.notes).toContainEqual(
      expect.objectContaining({ outcome: 'schema-lacks', attribute: 'telephoneNumber', values: ['+43 1'] }),
    );
    expect(await world.store.countDirectoryLinks('main')).toBe(1);
    expect((await world.settle()).summary.writes).toBe(0);
  });

  test('carries changes of both sides, and only those', async () => {
    const world = await TwoForests.open();
    populate(world);
    await world.settle();
    const outside = outsideOf(world);
    const guidOf = (side: Side, name: string) =>
      world[side].all().find(({ attributes }) => attributes['displayName']?.[0] === name)?.guid ?? ('' as ObjectGuid);
    world.left.set(guidOf('left', 'Ben'), { telephoneNumber: ['+43 2'] });
    world.right.set(guidOf('right', 'Cy'), { department: ['Sales'] });
    world.person('left', 'Dee');
    world.left.set(guidOf('left', 'All'), {
      member: [world.dnOf('left', guidOf('left', 'Dee')), world.dnOf('left', guidOf('left', 'Ben'))],
    });
    const { summary } = await world.pass();
    expect(summary.writes).toBeGreaterThan(2);
    await world.settle();
    await expectInStep(world, outside);
    const left = world.left.all().find(({ guid }) => guid === guidOf('left', 'Cy'));
    expect(left?.attributes['department']).toEqual(['Sales']);
  });

  test('removes what it made once the original is gone twice, and never what was there before', async () => {
    const world = await TwoForests.open();
    populate(world);
    await world.settle();
    const ben = world.left.all().find(({ attributes }) => attributes['displayName']?.[0] === 'Ben');
    if (!ben) throw new Error('no Ben');
    world.left.remove(ben.guid);
    expect((await world.pass()).again).toBe(true);
    expect(world.right.all().some(({ attributes }) => attributes['displayName']?.[0] === 'Ben')).toBe(true);
    await world.settle();
    expect(world.right.all().some(({ attributes }) => attributes['displayName']?.[0] === 'Ben')).toBe(false);
    await expectInStep(world, outsideOf(world));
  });

  test('reads everything again after a lost cursor, and after the loss of the database', async () => {
    const world = await TwoForests.open();
    populate(world);
    await world.settle();
    world.left.forgetFeed();
    expect((await world.settle()).summary.writes).toBe(0);
    const before = JSON.stringify(sides.map((side) => world[side].all()));
    world.store = (await TwoForests.open()).store;
    world.restart();
    expect((await world.settle()).summary.writes).toBe(0);
    expect(JSON.stringify(sides.map((side) => world[side].all()))).toBe(before);
    expect(await world.store.countDirectoryLinks('main')).toBe(5);
  });

  test('one who was deleted and made again is made on the other side in the passes that follow by themselves', async () => {
    const world = await TwoForests.open();
    const ann = world.person('left', 'Ann');
    await world.settle();
    world.left.remove(ann);
    const again = world.person('left', 'Ann');
    for (let n = 0; n < 6 && (await world.pass()).again; n++);
    const marks = world.right.all().flatMap(({ attributes }) => attributes['adminDescription'] ?? []);
    expect(marks).toEqual([`causeway:main:${again}`]);
    const { summary } = await world.pass();
    expect(summary).toMatchObject({ writes: 0, searches: 2 });
  });

  test('nothing is done with a controller that lags behind the one of the last pass, unless it is told to', async () => {
    const world = await TwoForests.open();
    populate(world);
    await world.settle();
    const services = world.services();
    // Another controller: it has its own feed, and does not know of the shadow that was made on the first one.
    world.right.forgetFeed();
    const { directory } = services.ends.right;
    const behind = { ...directory, unheard: async (versions: readonly string[]) => versions.slice(0, 1) };
    const lagging = { ...services, ends: { ...services.ends, right: { ...services.ends.right, directory: behind } } };
    const before = JSON.stringify(sides.map((side) => world[side].all()));
    const { signal } = new AbortController();
    await expect(runDirectoryPass(lagging, null, signal)).rejects.toThrow(/has not heard yet of 1 of 5 objects/);
    expect(JSON.stringify(sides.map((side) => world[side].all()))).toBe(before);
    expect((await runDirectoryPass(lagging, null, signal, { everything: true })).summary.outcome).toBe('complete');
    expect((await runDirectoryPass(lagging, null, signal)).summary.outcome).toBe('complete');
  });

  test('an OU in which it may not write does not stop the rest', async () => {
    const world = await TwoForests.open();
    populate(world);
    world.left.denied = [dn('OU=From new,DC=old,DC=example')];
    const { summary, refused } = await world.pass();
    expect(summary.outcome).toBe('partial');
    expect(refused.map(({ reason }) => reason)).toContain('no-rights');
    const waiting = await world.store.directoryWaiting('main', 99);
    expect(waiting.map(({ reason }) => reason)).toContain('no-rights');
    world.left.denied = [];
    await world.pass({ everything: true });
    await world.settle();
    await expectInStep(world, outsideOf(world));
    expect(await world.store.directoryWaiting('main', 99)).toEqual([]);
  });

  test('another forest behind the same address is never believed', async () => {
    const world = await TwoForests.open();
    populate(world);
    await world.settle();
    const stranger = await TwoForests.open();
    stranger.left.add('container', dn('OU=Other,DC=old,DC=example'), {});
    const services = stranger.services();
    const swapped = { ...world.services(), ends: { ...world.services().ends, left: { ...services.ends.left } } };
    const { planDirectoryPass } = await import('./directory-pass.ts');
    // The GUID of the domain tells; here both were made alike, so the pinned one is changed.
    await world.store.commitDirectory('main', null, { sync: { leftPinned: 'cccccccc-0000-0000-0000-000000000001' } });
    await expect(planDirectoryPass(swapped, new AbortController().signal)).rejects.toThrow(/another forest/);
  });

  test('undo puts back what was there, unless somebody changed it since', async () => {
    const world = await TwoForests.open();
    populate(world);
    await world.settle();
    const find = (side: Side, name: string) => {
      const found = world[side].all().find(({ attributes }) => attributes['displayName']?.[0] === name);
      if (!found) throw new Error(`no ${name}`);
      return found;
    };
    world.left.set(find('left', 'Ben').guid, { telephoneNumber: ['1'] });
    await world.settle();
    const [entry] = await world.store.directoryJournal({ sync: 'main', guid: find('right', 'Ben').guid }, 1);
    if (!entry) throw new Error('nothing was journalled');
    const undo = async (apply: boolean) => {
      const done = [];
      for await (const each of undoEntries(world.services(), null, new AbortController().signal, [entry], apply))
        done.push(each);
      return done;
    };
    expect(await undo(false)).toMatchObject([{ outcome: 'would-undo', detail: 'telephoneNumber: -1' }]);
    world.right.set(find('right', 'Ben').guid, { telephoneNumber: ['2'] });
    expect(await undo(true)).toMatchObject([{ outcome: 'refused', detail: /telephoneNumber/ }]);
    world.right.set(find('right', 'Ben').guid, { telephoneNumber: ['1'] });
    expect(await undo(true)).toMatchObject([{ outcome: 'undone' }]);
    expect(find('right', 'Ben').attributes['telephoneNumber']).toBeUndefined();
    // What was put back is no news that would be carried to the other side.
    await world.settle();
    expect(find('left', 'Ben').attributes['telephoneNumber']).toEqual(['1']);
  });
});

describe('people who do not wait for a pass to end', () => {
  const find = (world: TwoForests, side: Side, name: string) => {
    const found = world[side].all().find(({ attributes }) => attributes['displayName']?.[0] === name);
    if (!found) throw new Error(`no ${name}`);
    return found;
  };
  const shadowName = (world: TwoForests, side: Side, name: string) =>
    /^CN=([^,]*)/.exec(find(world, side, name).dn)?.[1];
  async function expectCarried(prepare: (world: TwoForests) => Promise<void>, act: (world: TwoForests) => void) {
    const measured = await TwoForests.open();
    await prepare(measured);
    const from = measured.kill.points;
    await measured.settle();
    for (let at = from + 1; at <= measured.kill.points; at++) {
      const world = await TwoForests.open();
      await prepare(world);
      const outside = outsideOf(world);
      world.kill.meanwhile = (point) => {
        if (point === at) act(world);
      };
      await world.settle();
      // The last look may have been before it.
      await world.settle();
      await expectInStep(world, outside);
      expect(shadowName(world, 'right', 'Ben'), `after point ${at}`).toBe('Benedict');
    }
  }
  const rename = (world: TwoForests) =>
    world.left.move(find(world, 'left', 'Ben').guid, childDn(dn(`OU=Staff,${world.left.root}`), 'CN', 'Benedict'));

  test('what they change at any moment of a first pass is carried by the next one', async () => {
    await expectCarried(
      async (world) => populate(world),
      (world) => {
        rename(world);
        world.left.set(find(world, 'left', 'Ann, "x" Müller').guid, { telephoneNumber: ['+43 7'] });
        world.right.set(find(world, 'right', 'Cy').guid, { telephoneNumber: ['+43 8'] });
        world.left.set(find(world, 'left', 'All').guid, { member: [find(world, 'left', 'Ben').dn] });
      },
    );
  }, 120_000);

  test('what they change on either side at any moment of a later pass is, too', async () => {
    await expectCarried(
      async (world) => {
        populate(world);
        await world.settle();
        for (const name of ['Ann, "x" Müller', 'Ben']) {
          const { guid } = find(world, 'left', name);
          world.left.set(guid, { department: ['Sales'], proxyAddresses: [`SMTP:${name[0]}@old.example`] });
        }
        const dee = world.person('left', 'Dee');
        const all = find(world, 'left', 'All');
        world.left.set(all.guid, { member: [...(all.attributes['member'] ?? []), world.dnOf('left', dee)] });
      },
      (world) => {
        rename(world);
        world.left.set(find(world, 'left', 'Ben').guid, { telephoneNumber: ['+43 9'] });
        world.right.set(find(world, 'right', 'Ann, "x" Müller').guid, { telephoneNumber: ['+43 7'] });
        const others = find(world, 'right', 'All');
        world.right.set(others.guid, {
          member: [...(others.attributes['member'] ?? []), find(world, 'right', 'Cy').dn],
        });
      },
    );
  }, 120_000);
});

/** More than a few batches of either side. */
function populateMany(world: TwoForests, ofLeft = 240): void {
  for (const [side, count] of [
    ['left', ofLeft],
    ['right', 130],
  ] as const) {
    const people: ObjectGuid[] = [];
    for (let n = 0; n < count; n++) {
      const [boss] = people.slice(-1).map((guid) => world.dnOf(side, guid));
      people.push(world.person(side, `Person ${n} ${side}`, boss === undefined ? {} : { manager: [boss] }));
    }
    for (let n = 0; n < 12; n++) world.group(side, `group${n}${side}`, people.slice(n * 10, n * 10 + 10));
  }
}

describe('a pass of many batches', () => {
  test('begins nothing that is not journalled, nor before what it needs is recorded as done', async () => {
    const world = await TwoForests.open();
    // What refers to the first batch is due while that is being recorded.
    populateMany(world, 130);
    const there = new Set(sides.flatMap((side) => world[side].all().map(({ dn: at }) => at)));
    const services = world.services();
    let references = 0;
    const watched = (side: Side) => {
      const end = services.ends[side];
      const write: typeof end.directory.write = async (edits, context) => {
        const rows = await world.store.directoryJournal({ sync: 'main' }, 10_000);
        for (const edit of edits) {
          const own = rows.find(
            (row) =>
              row.side === side &&
              row.action === edit.kind &&
              row.outcome === 'open' &&
              (edit.kind === 'add' ? row.dn === edit.dn : row.guid === edit.guid),
          );
          expect(own, 'it is journalled').toBeDefined();
        }
        return end.directory.write(edits, context);
      };
      return { ...end, directory: { ...end.directory, write } };
    };
    // A store that is slower than both directories.
    const store: typeof services.store = {
      ...services.store,
      commitDirectory: async (sync, claim, commit) => {
        if (commit.journalSettled) await new Promise((next) => setTimeout(next, 30));
        const rows = commit.journal ? await world.store.directoryJournal({ sync, outcome: 'done' }, 10_000) : [];
        for (const { side, after } of commit.journal ?? [])
          for (const value of [...(after['member'] ?? []), ...(after['manager'] ?? [])]) {
            if (there.has(dn(value))) continue;
            references++;
            const isRecorded = rows.some((row) => row.side === side && row.action === 'add' && row.dn === value);
            expect(isRecorded, `${value} is recorded`).toBe(true);
          }
        return services.store.commitDirectory(sync, claim, commit);
      },
    };
    await runDirectoryPass(
      { ...services, store, ends: { left: watched('left'), right: watched('right') } },
      null,
      new AbortController().signal,
    );
    expect(references).toBe(240 + 129 + 129);
    await world.settle();
    await expectInStep(world, outsideOf(world));
  });

  test('ends on both sides when one breaks off, with what was done recorded', async () => {
    const world = await TwoForests.open();
    populateMany(world);
    const services = world.services();
    const { right } = services.ends;
    let calls = 0;
    const write: typeof right.directory.write = async (edits, context) => {
      if (++calls === 2) throw new FaultError({ kind: 'transient', detail: 'gone', mayHaveHappened: true });
      return right.directory.write(edits, context);
    };
    const ends = { ...services.ends, right: { ...right, directory: { ...right.directory, write } } };
    await expect(runDirectoryPass({ ...services, ends }, null, new AbortController().signal)).rejects.toThrow('gone');
    expect(calls).toBe(2);
    const rows = await world.store.directoryJournal({ sync: 'main' }, 10_000);
    const open = rows.filter(({ outcome }) => outcome === 'open');
    expect(new Set(open.map(({ side }) => side))).toEqual(new Set(['right']));
    expect(rows.filter(({ outcome }) => outcome === 'done').length).toBeGreaterThanOrEqual(200);
    await world.settle();
    await expectInStep(world, outsideOf(world));
  });

  test('dies anywhere: the next one finishes', async () => {
    const whole = await TwoForests.open();
    populateMany(whole);
    await whole.settle();
    const { points } = whole.kill;
    const [left, right] = sides.map((side) => whole[side].all().length);
    for (let at = 1; at < points; at += Math.ceil(points / 6)) {
      const world = await TwoForests.open();
      populateMany(world);
      world.kill.left = at;
      await expect(world.settle()).rejects.toThrow(Killed);
      const open = await world.store.directoryJournal({ sync: 'main', outcome: 'open' }, 10_000);
      for (const side of sides) expect(open.filter((row) => row.side === side).length).toBeLessThanOrEqual(300);
      world.restart();
      await world.settle();
      await expectInStep(world, outsideOf(world));
      expect(sides.map((side) => world[side].all().length)).toEqual([left, right]);
    }
  }, 120_000);
});

describe('a process that dies', () => {
  test('at any single write or commit: the next one finishes, and nobody is made twice', async () => {
    const whole = await TwoForests.open();
    populate(whole);
    await whole.settle();
    const { points } = whole.kill;
    for (let at = 0; at < points; at++) {
      const world = await TwoForests.open();
      populate(world);
      const outside = outsideOf(world);
      world.kill.left = at;
      await expect(world.settle()).rejects.toThrow(Killed);
      world.restart();
      await world.settle();
      await expectInStep(world, outside);
      expect(world.left.all().length + world.right.all().length).toBe(
        whole.left.all().length + whole.right.all().length,
      );
    }
  }, 120_000);

  test('again and again, while people change both sides', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            side: fc.constantFrom(...sides),
            what: fc.constantFrom('person', 'phone', 'rename', 'move', 'remove', 'member', 'group'),
            pick: fc.nat(20),
            kill: fc.option(fc.nat(30), { freq: 2 }),
          }),
          { minLength: 3, maxLength: 12 },
        ),
        async (steps) => {
          const world = await TwoForests.open(policyOfTests({ maxDelete: { share: 1, atLeast: 100 } }));
          populate(world);
          const outside = outsideOf(world);
          for (const [n, { side, what, pick, kill }] of steps.entries()) {
            change(world, side, what, pick, n);
            world.kill.left = kill ?? Number.POSITIVE_INFINITY;
            try {
              await world.pass();
            } catch (error) {
              if (!(error instanceof Killed)) throw error;
            }
            world.restart();
          }
          await world.settle();
          await expectInStep(world, outside);
          expect((await world.pass()).summary.writes).toBe(0);
        },
      ),
      {
        numRuns: 40,
        examples: [
          [
            [
              { side: 'left', what: 'phone', pick: 0, kill: 26 },
              { side: 'left', what: 'move', pick: 0, kill: 17 },
              { side: 'left', what: 'person', pick: 0, kill: 0 },
              { side: 'left', what: 'remove', pick: 0, kill: null },
              { side: 'left', what: 'person', pick: 0, kill: null },
            ],
          ],
        ],
      },
    );
  }, 120_000);
});

function change(world: TwoForests, side: Side, what: string, pick: number, n: number): void {
  const forest = world[side];
  const staff = forest.all().filter(({ dn: at, kind }) => kind !== 'container' && at.includes('OU=Staff'));
  const people = staff.filter(({ kind }) => kind === 'user');
  const groups = staff.filter(({ kind }) => kind === 'group');
  const person = people[pick % Math.max(1, people.length)];
  const group = groups[pick % Math.max(1, groups.length)];
  switch (what) {
    case 'person':
      world.person(side, `New ${n} ${side}`);
      return;
    case 'group':
      world.group(side, `group${n}${side}`, person ? [person.guid] : []);
      return;
    case 'phone':
      if (person) forest.set(person.guid, { telephoneNumber: [`${pick} ${n}`] });
      return;
    case 'rename':
      if (person) forest.move(person.guid, childDn(dn(`OU=Staff,${forest.root}`), 'CN', `Renamed ${n}, ${side}`));
      return;
    case 'move': {
      const ou = dn(`OU=Team ${n},OU=Staff,${forest.root}`);
      forest.add('container', ou, {});
      if (person) forest.move(person.guid, childDn(ou, 'CN', `Moved ${n}`));
      return;
    }
    case 'remove':
      if (person) forest.remove(person.guid);
      return;
    case 'member':
      if (person && group)
        forest.set(group.guid, { member: [...new Set([...(group.attributes['member'] ?? []), person.dn])] });
      return;
  }
}
