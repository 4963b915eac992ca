import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { DirectoryEdit } from '#model/directory/directory-edit.ts';
import type { DistinguishedName, ObjectGuid } from '#model/directory/directory-object.ts';
import { childDn, parentDn } from '#model/directory/distinguished-name.ts';
import type { AttributeShape } from './attribute-shapes.ts';
import { inOrder } from './write-order.ts';

const root = 'DC=test' as DistinguishedName;
const shape = (name: string, form: AttributeShape['form']): [string, AttributeShape] => [
  name.toLowerCase(),
  { name, form, isSingle: false },
];
const shapes = new Map([shape('userPrincipalName', 'text'), shape('member', 'dn')]);

/** A controller that refuses what is not there yet, or is still somebody else's. */
class Controller {
  readonly dns = new Map<string, string>([['g0', `CN=g0,${root}`]]);
  readonly names = new Map<string, string>();
  readonly members = new Set<string>();

  constructor() {
    for (let n = 0; n < 4; n++) {
      this.dns.set(`g${n}`, `CN=g${n},${root}`);
      this.names.set(`m${n}`, `g${n}`);
    }
  }

  #isThere(dn: string): boolean {
    return dn === root || [...this.dns.values()].includes(dn);
  }

  write(edit: DirectoryEdit): string {
    switch (edit.kind) {
      case 'add': {
        const names = edit.attributes['userPrincipalName'] ?? [];
        if (this.#isThere(edit.dn)) return 'name-taken';
        if (!this.#isThere(parentDn(edit.dn) ?? '')) return 'no-container';
        if (!(edit.attributes['member'] ?? []).every((dn) => this.#isThere(dn))) return 'value-refused';
        if (names.some((name) => this.names.has(name))) return 'name-taken';
        this.dns.set(edit.dn, edit.dn);
        for (const name of names) this.names.set(name, edit.dn);
        return 'done';
      }
      case 'modify': {
        if (!this.dns.has(edit.guid)) return 'not-there';
        const { userPrincipalName: own = { remove: [], add: [] }, member = { remove: [], add: [] } } = edit.values;
        if (own.remove.some((value) => this.names.get(value) !== edit.guid)) return 'stale';
        if (own.add.some((value) => this.names.has(value) && !own.remove.includes(value))) return 'name-taken';
        if (!member.add.every((dn) => this.#isThere(dn))) return 'value-refused';
        for (const value of own.remove) this.names.delete(value);
        for (const value of own.add) this.names.set(value, edit.guid);
        for (const dn of member.add) this.members.add(`${edit.guid} ${dn}`);
        return 'done';
      }
      case 'move': {
        const from = this.dns.get(edit.guid);
        if (from !== edit.from) return 'stale';
        if (this.#isThere(edit.to)) return 'name-taken';
        for (const [guid, dn] of this.dns)
          if (dn === from || dn.endsWith(`,${from}`)) this.dns.set(guid, dn.slice(0, -from.length) + edit.to);
        return 'done';
      }
      case 'remove': {
        if (!this.dns.delete(edit.guid)) return 'not-there';
        for (const [name, holder] of this.names) if (holder === edit.guid) this.names.delete(name);
        return 'done';
      }
    }
  }

  get state(): unknown {
    return { dns: [...this.dns].sort(), names: [...this.names].sort(), members: [...this.members].sort() };
  }
}

const signIn = fc.nat(5).map((n) => `m${n}`);
const name = fc.oneof(
  fc.nat(4).map((n) => childDn(root, 'CN', `new${n}`)),
  fc.tuple(fc.nat(4), fc.nat(2)).map(([above, n]) => childDn(childDn(root, 'CN', `new${above}`), 'CN', `below${n}`)),
);
const guid = fc.nat(4).map((n) => `g${n}` as ObjectGuid);
const few = <T>(of: fc.Arbitrary<T>) => fc.uniqueArray(of, { maxLength: 2 });
const anyEdit: fc.Arbitrary<DirectoryEdit> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('add' as const),
      object: fc.constant('user' as const),
      dn: name,
      attributes: fc.record({ userPrincipalName: few(signIn), member: few(name) }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('modify' as const),
      guid,
      values: fc.record({
        userPrincipalName: fc.record({ remove: few(signIn), add: few(signIn) }),
        member: fc.record({ remove: fc.constant([]), add: few(name) }),
      }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('move' as const),
      guid,
      from: guid.map((one) => `CN=${one},${root}` as DistinguishedName),
      to: name,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('remove' as const), guid, version: fc.constant('') }) },
);

test('whatever order a controller takes requests in, it comes to the same as one after the other', async () => {
  let most = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(anyEdit, { maxLength: 16 }), fc.scheduler(), async (edits, scheduler) => {
      const [slow, fast] = [new Controller(), new Controller()];
      const expected = edits.map((edit) => slow.write(edit));
      const answers: string[] = [];
      let running = 0;
      const whole = inOrder(edits, shapes, async (edit, index) => {
        most = Math.max(most, ++running);
        await scheduler.schedule(Promise.resolve());
        answers[index] = fast.write(edit);
        await scheduler.schedule(Promise.resolve());
        running--;
      });
      await scheduler.waitFor(whole);
      expect(answers).toEqual(expected);
      expect(fast.state).toEqual(slow.state);
    }),
    { numRuns: 2000 },
  );
  expect(most, 'some were on their way together').toBeGreaterThan(3);
});

const people = Array.from(
  { length: 40 },
  (_, n): DirectoryEdit => ({ kind: 'add', object: 'user', dn: childDn(root, 'CN', `p${n}`), attributes: {} }),
);

test('a controller has a few requests at a time', async () => {
  let running = 0;
  let most = 0;
  await inOrder(people, shapes, async () => {
    most = Math.max(most, ++running);
    await new Promise((next) => setImmediate(next));
    running--;
  });
  expect(most).toBe(8);
});

test('after a failure nothing is begun, and it is told once the others have ended', async () => {
  const begun: number[] = [];
  let ended = 0;
  const broken = new Error('broken');
  await expect(
    inOrder(people, shapes, async (_, index) => {
      begun.push(index);
      await new Promise((next) => setTimeout(next, index === 2 ? 1 : 20));
      ended++;
      if (index === 2) throw broken;
    }),
  ).rejects.toBe(broken);
  expect(begun).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  expect(ended).toBe(8);
});
