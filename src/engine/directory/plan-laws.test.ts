/** What holds for any two forests, whatever people did to them. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ObjectGuid } from '#model/directory/directory-object.ts';
import { addressKey } from '#model/directory/proxy-address.ts';
import { isMailbox, recipientType } from '#model/directory/recipient-type.ts';
import { otherSide } from '#model/directory/sync-policy.ts';
import type { Side } from '#model/ids.ts';
import { Forests } from './forests.fixture.ts';
import { simulateRouting } from './simulate-routing.ts';
import { valuesOf } from './values.ts';

type Step = (world: Forests) => void;
const names = ['Ana', 'Ben', 'Cleo', 'Müller', 'Huber, Eva', 'Group One', 'X+Y=Z'];
const side = fc.constantFrom<Side>('left', 'right');
const number = fc.nat({ max: 40 });

const pick = (world: Forests, at: Side, n: number): ObjectGuid | null => {
  const objects = world[at].objects().filter(({ kind }) => kind !== 'container');
  return objects[n % Math.max(1, objects.length)]?.guid ?? null;
};
const on =
  (at: Side, n: number, act: (world: Forests, guid: ObjectGuid) => void): Step =>
  (world) => {
    const guid = pick(world, at, n);
    if (guid !== null) act(world, guid);
  };
/** What a directory refuses is not done. */
const tried =
  (step: Step): Step =>
  (world) => {
    try {
      step(world);
    } catch {
      // Taken names and the like: nobody did it then.
    }
  };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(side, fc.constantFrom(...names), fc.constantFrom('Staff', 'Staff', 'Elsewhere')).map(
    ([at, name, ou]): Step =>
      (world) =>
        void world.mailbox(at, name, {}, ou),
  ),
  fc.tuple(side, fc.constantFrom(...names), number, number).map(
    ([at, name, a, b]): Step =>
      (world) => {
        const members = [pick(world, at, a), pick(world, at, b)].flatMap((guid) => guid ?? []);
        world.group(at, `Team ${name}`, [...new Set(members)]);
      },
  ),
  fc
    .tuple(side, number, fc.constantFrom('title', 'department', 'l'), fc.constantFrom('a', 'b', ''))
    .map(([at, n, name, value]) => on(at, n, (world, guid) => world[at].set(guid, name, value === '' ? [] : [value]))),
  fc.tuple(side, number, number).map(([at, n, m]) =>
    on(at, n, (world, guid) => {
      const member = pick(world, at, m);
      if (member === null || world[at].entry(guid).kind !== 'group') return;
      const entry = world[at].entry(guid);
      const now = entry.links['member'] ?? [];
      const next = now.includes(member) ? now.filter((one) => one !== member) : [...now, member];
      world[at].set(
        guid,
        'member',
        next.map((one) => world[at].entry(one).dn),
      );
    }),
  ),
  fc.tuple(side, number, number).map(([at, n, m]) =>
    on(at, n, (world, guid) => {
      const manager = pick(world, at, m);
      if (manager !== null && world[at].entry(guid).kind === 'user')
        world[at].set(guid, 'manager', [world[at].entry(manager).dn]);
    }),
  ),
  fc.tuple(side, number).map(([at, n]) => on(at, n, (world, guid) => world[at].remove(guid))),
  fc.tuple(side, number, fc.constantFrom(...names)).map(([at, n, name]) =>
    on(at, n, (world, guid) => {
      const container = world[at].entry(guid).dn.replace(/^(\\.|[^,\\])*,/, '');
      world[at].move(guid, `CN=${name.replace(/[,+=]/g, '\\$&')} renamed,${container}`);
    }),
  ),
  fc.tuple(side, number, fc.constantFrom('Staff', 'Elsewhere', 'Shadows')).map(([at, n, ou]) =>
    on(at, n, (world, guid) => {
      const entry = world[at].entry(guid);
      const own = /^(\\.|[^,\\])*/.exec(entry.dn)?.[0] ?? '';
      world[at].move(guid, `${own},OU=${ou},DC=${world[at].root.replace('.', ',DC=')}`);
    }),
  ),
  fc
    .tuple(side, number, fc.constantFrom('shared@source.example', 'x@target.example', 'y@third.example'))
    .map(([at, n, address]) =>
      on(at, n, (world, guid) => {
        const now = valuesOf(world[at].object(guid)?.attributes ?? {}, 'proxyAddresses');
        if (!now.some((value) => addressKey(value) === `smtp:${address}`))
          world[at].set(guid, 'proxyAddresses', [...now, `smtp:${address}`]);
      }),
    ),
);
/** With its number, so that a counterexample can be made again. */
const steps = fc.array(step.map(tried), { minLength: 1, maxLength: 12 });
const policies = fc.record({
  direction: fc.constantFrom('both' as const, 'one-way' as const),
  tree: fc.constantFrom('flat' as const, 'mirror' as const),
  outOfScope: fc.constantFrom('keep' as const, 'remove' as const),
  groups: fc.constantFrom('same' as const, 'contact' as const),
  maxDelete: fc.constant({ share: 1, atLeast: 100 }),
});

/** Runs passes until nothing is left to do. */
function settle(world: Forests): number {
  for (let pass = 1; pass <= 6; pass++) {
    const plan = world.run();
    if (plan.edits.length === 0 && plan.gone.length === 0 && plan.forget.length === 0) return pass;
  }
  throw new Error('the two sides never come to rest');
}

const runs = { numRuns: 60 };

describe('any two forests', () => {
  test('come to rest after a few passes, and then a plan has no edits', () => {
    fc.assert(
      fc.property(policies, fc.array(steps, { minLength: 1, maxLength: 3 }), (policy, rounds) => {
        const world = new Forests(policy);
        for (const round of rounds) {
          for (const act of round) act(world);
          settle(world);
          expect(world.run().edits).toEqual([]);
        }
      }),
      runs,
    );
  });

  test('people who are new need one pass', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.constantFrom(...names), { minLength: 1 }), side, (list, at) => {
        const world = new Forests();
        const guids = list.map((name) => world.mailbox(at, name));
        world.group(at, 'All of them', guids);
        world.run();
        expect(world.run().edits).toEqual([]);
        expect(world.links.size).toBe(list.length + 1);
      }),
      runs,
    );
  });

  test('every object in scope has a link, or a reason why not', () => {
    fc.assert(
      fc.property(policies, steps, (policy, acts) => {
        const world = new Forests(policy);
        for (const act of acts) act(world);
        settle(world);
        for (const at of ['left', 'right'] as const) {
          if (at === 'right' && world.policy.direction === 'one-way') continue;
          for (const object of world[at].objects())
            if (world.isScoped(at, object))
              expect(
                world.linkOf(at, object.guid) !== null || world.waiting[at].has(object.guid),
                `${at} ${object.dn}`,
              ).toBe(true);
        }
      }),
      runs,
    );
  });

  test('nothing outside of the scope is written, and of ours only where they are made', () => {
    fc.assert(
      fc.property(policies, fc.array(steps, { minLength: 1, maxLength: 3 }), (policy, rounds) => {
        const world = new Forests(policy);
        for (const round of rounds) {
          for (const act of round) act(world);
          for (let pass = 0; pass < 3; pass++) {
            const outside = (at: Side) =>
              new Map(
                world[at]
                  .objects()
                  .filter((object) => object.dn.includes('OU=Elsewhere') && object.kind !== 'container')
                  .map(({ guid, dn, attributes }) => {
                    // Back links are written where the link is.
                    const { memberOf: _, directReports: __, ...own } = attributes;
                    // DNs of members follow the members.
                    const { member: ___, manager: ____, ...plain } = own;
                    return [guid, { dn, plain }];
                  }),
              );
            const before = { left: outside('left'), right: outside('right') };
            const plan = world.run();
            expect({ left: outside('left'), right: outside('right') }).toEqual(before);
            if (world.policy.direction === 'one-way')
              expect(plan.edits.filter((edit) => edit.side === 'left')).toEqual([]);
          }
        }
      }),
      runs,
    );
  });

  test('nobody who got a mailbox, or works there by now, is ever removed', () => {
    const provision = fc.tuple(side, number, fc.constantFrom('mailbox', 'home')).map(([at, n, how]) =>
      on(at, n, (world, guid) => {
        if (world[at].entry(guid).kind !== 'user') return;
        const link = world.linkOf(at, guid);
        if (how === 'mailbox') world[at].set(guid, 'msExchRecipientTypeDetails', ['1']);
        else if (link !== null) world.links.set(link.left, { ...link, home: at });
      }),
    );
    const rounds = fc.array(fc.tuple(steps, fc.array(provision, { maxLength: 6 }), steps), {
      minLength: 1,
      maxLength: 3,
    });
    fc.assert(
      fc.property(policies, rounds, (policy, all) => {
        const world = new Forests(policy);
        for (const [before, provisioned, after] of all) {
          for (const acts of [before, provisioned, after]) {
            for (const act of acts) act(world);
            for (let pass = 0; pass < 4; pass++) {
              const kept = (['left', 'right'] as const).flatMap((at) =>
                world[at].objects().flatMap(({ guid, kind, attributes }) => {
                  const isHome = kind === 'user' && world.linkOf(at, guid)?.home === at;
                  return isHome || isMailbox(recipientType({ kind, attributes })) ? [{ at, guid }] : [];
                }),
              );
              world.run();
              for (const { at, guid } of kept) expect(world[at].object(guid)).not.toBeNull();
            }
          }
        }
      }),
      runs,
    );
  });

  test('no plan gives an address to a second object', () => {
    fc.assert(
      fc.property(policies, fc.array(steps, { minLength: 1, maxLength: 3 }), (policy, rounds) => {
        const world = new Forests(policy);
        for (const round of rounds) {
          for (const act of round) act(world);
          for (let pass = 0; pass < 3; pass++) {
            const before = { left: twice(world, 'left'), right: twice(world, 'right') };
            world.run();
            for (const at of ['left', 'right'] as const)
              expect(twice(world, at).filter((address) => !before[at].includes(address))).toEqual([]);
          }
        }
      }),
      runs,
    );
  });

  test('mail to the two objects of a person ends in one mailbox', () => {
    fc.assert(
      fc.property(policies, fc.array(steps, { minLength: 1, maxLength: 2 }), (policy, rounds) => {
        const world = new Forests(policy);
        for (const round of rounds) {
          for (const act of round) act(world);
          settle(world);
        }
        // Somebody outside of the scope who takes an address is told by no feed; the next change of its first owner finds it.
        const doubled = { left: new Set(twice(world, 'left')), right: new Set(twice(world, 'right')) };
        for (const link of world.links.values()) {
          const isDoubled = (['left', 'right'] as const).some((at) =>
            valuesOf(world[at].object(link[at])?.attributes ?? {}, 'proxyAddresses').some((value) =>
              doubled[at].has(addressKey(value)),
            ),
          );
          if (isDoubled) continue;
          const home = world[link.home].object(link[link.home]);
          if (home === null || !isMailbox(recipientType(home)) || world.waiting[link.home].has(home.guid)) continue;
          for (const at of ['left', 'right'] as const) {
            const start = world[at].object(link[at]);
            if (start === null || start.kind === 'group') continue;
            const holders = (of: Side, address: string) =>
              world[of]
                .objects()
                .filter(({ attributes }) =>
                  valuesOf(attributes, 'proxyAddresses').some(
                    (value) => addressKey(value) === addressKey(`smtp:${address}`),
                  ),
                );
            if (at !== link.home && world.policy.direction === 'one-way' && at === 'left') continue;
            expect(simulateRouting({ policy: world.policy, holders }, at, start)).toEqual({
              kind: 'delivered',
              side: link.home,
              guid: home.guid,
            });
          }
        }
      }),
      runs,
    );
  });

  test('the loss of the database is found out from what is there, and nothing is made twice', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.constantFrom(...names), { minLength: 1 }), side, (list, at) => {
        const world = new Forests();
        for (const name of list) world.mailbox(at, name);
        settle(world);
        const before = world[otherSide(at)].entries.size;
        const made = [...world.links.values()].map((link) => link.made);
        world.forgetAll();
        settle(world);
        expect(world[otherSide(at)].entries.size).toBe(before);
        expect([...world.links.values()].map((link) => link.made)).toEqual(made);
      }),
      runs,
    );
  });
});

/** Addresses that two objects of a forest have. */
function twice(world: Forests, at: Side): readonly string[] {
  const seen = new Map<string, ObjectGuid>();
  const found: string[] = [];
  for (const { guid, attributes } of world[at].objects())
    for (const value of [
      ...valuesOf(attributes, 'proxyAddresses'),
      ...valuesOf(attributes, 'legacyExchangeDN').map((dn) => `x500:${dn}`),
    ]) {
      const key = addressKey(value);
      if ((seen.get(key) ?? guid) !== guid) found.push(key);
      seen.set(key, guid);
    }
  return found;
}
