import fc from 'fast-check';
import { expect, test } from 'vitest';
import { must } from '#kit/assert.ts';
import type { Attributes, DirectoryObject } from '#model/directory/directory-object.ts';
import { checkRouting, type RoutingState } from './check-routing.ts';
import { Forests } from './forests.fixture.ts';

/** What Graph shows of an object: neither where its mail is sent on to, nor its DN in Exchange, nor whether it is hidden. */
const unseen = ['targetAddress', 'legacyExchangeDN', 'msExchHideFromAddressLists', 'msExchPoliciesIncluded'];
const asTenant = (object: DirectoryObject): DirectoryObject => ({
  ...object,
  attributes: Object.fromEntries(Object.entries(object.attributes).filter(([name]) => !unseen.includes(name))),
});

function stateOf(world: Forests, right: 'ad' | 'entra'): RoutingState {
  const objects = { left: world.left.objects(), right: world.right.objects() };
  return {
    policy: world.policy,
    kinds: { left: 'ad', right },
    objects: right === 'ad' ? objects : { ...objects, right: objects.right.map(asTenant) },
    links: [...world.links.values()],
  };
}
const found = (state: RoutingState): readonly string[] =>
  checkRouting(state).map(
    ({ problem, side, object }) => `${problem} ${side} ${object.attributes['cn'] ?? object.guid}`,
  );

function threePeople(): Forests {
  const world = new Forests();
  for (const name of ['Ana', 'Ben', 'Cleo']) world.mailbox('left', name, { msExchHideFromAddressLists: ['TRUE'] });
  world.mailbox('right', 'Zoe');
  for (let pass = 0; pass < 4; pass++) world.run();
  return world;
}

test('nothing is wrong with people in a tenant of whom Graph shows no redirection', () => {
  const world = threePeople();
  expect(found(stateOf(world, 'ad'))).toEqual([]);
  expect(found(stateOf(world, 'entra'))).toEqual([]);
});

test('what Graph does show is still judged', () => {
  const world = threePeople();
  const [link] = world.links.values();
  const { left, right } = must(link, 'a link');
  const keep = (values: readonly string[] = []) => values.filter((one) => !/^x500:/i.test(one));
  world.right.set(right, 'proxyAddresses', keep(world.right.object(right)?.attributes['proxyAddresses']));
  world.left.set(left, 'targetAddress', ['SMTP:nobody@target.example']);
  const kinds = checkRouting(stateOf(world, 'entra')).map(({ problem }) => problem);
  expect(kinds).toEqual(expect.arrayContaining(['hole', 'x500-missing', 'rewritten']));
});

/** Mail that does not come to whom it is for is one problem, wherever it ends: of a circle a tenant may show only the beginning. */
const oneWord = (one: string): string => one.replace(/^(?:loop|hole|elsewhere) /, 'not delivered ');

test('of a circle through a tenant it is said that mail ends elsewhere', () => {
  const world = threePeople();
  const by = (side: 'left' | 'right', name: string) =>
    must(
      world[side].objects().find(({ dn }) => dn.startsWith(`CN=${name},`)),
      name,
    ).guid;
  world.left.set(by('left', 'Ana'), 'targetAddress', ['SMTP:ana@source.example']);
  world.left.set(by('left', 'Ben'), 'targetAddress', ['SMTP:ana@route.target.example']);
  world.right.set(by('right', 'Ana'), 'msExchRecipientTypeDetails', ['1']);
  expect(found(stateOf(world, 'ad'))).toContain('loop left Ben');
  expect(found(stateOf(world, 'entra'))).toContain('elsewhere left Ben');
});

test('no tenant is said to have a problem that it has not', () => {
  const target = fc.constantFrom(
    'SMTP:ana@source.example',
    'SMTP:ben@source.example',
    'SMTP:zoe@target.example',
    'SMTP:ana@route.target.example',
    'SMTP:nobody@target.example',
    'SMTP:out@third.example',
    '',
  );
  const change: fc.Arbitrary<readonly ['left' | 'right', string, Attributes]> = fc.tuple(
    fc.constantFrom('left' as const, 'right' as const),
    fc.constantFrom('Ana', 'Ben', 'Cleo'),
    fc.oneof(
      target.map((to) => ({ targetAddress: to === '' ? [] : [to] })),
      fc.constant({ msExchHideFromAddressLists: [] }),
      fc.constant({ msExchRecipientTypeDetails: ['1'] }),
      fc.constant({ legacyExchangeDN: [] }),
    ),
  );
  fc.assert(
    fc.property(fc.array(change, { maxLength: 5 }), (changes) => {
      const world = threePeople();
      for (const [side, name, values] of changes) {
        const object = world[side].objects().find(({ dn }) => dn.startsWith(`CN=${name},`));
        for (const [attribute, list] of Object.entries(values))
          world[side].set(must(object, name).guid, attribute, list);
      }
      const really = new Set(found(stateOf(world, 'ad')).map(oneWord));
      expect(found(stateOf(world, 'entra')).filter((one) => !really.has(oneWord(one)))).toEqual([]);
    }),
    { numRuns: 60 },
  );
});
