import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { exitCodes } from '#cli/exit-codes.ts';
import { must } from '#kit/assert.ts';
import { seededRandom } from '#kit/random.ts';
import { updateAddressPolicy } from '#lab/world/directory/address-policy.ts';
import { plainContent } from '#lab/world/plain-content.ts';
import { key } from '#lab/world/property.ts';
import { LabProject } from './lab-project.fixture.ts';

const people = 10;
let at: LabProject;

type Name = 'source' | 'target';
const address = (name: Name, n: number) => at.mailbox(name, n).address;
const change = (name: Name, n: number, values: Readonly<Record<string, readonly string[]>>) => {
  const { first, entry } = at.entry(name, address(name, n));
  first.put(entry, values);
};
const proxies = (name: Name, n: number) => {
  const { first, entry } = at.entry(name, address(name, n));
  return first.texts(entry, 'proxyAddresses');
};
const problems = async () => {
  const { code, lines } = await at.lines('check', '--routing');
  const found = lines.filter(({ event, level }) => event === 'finding' && level !== 'ok');
  return { code, found, kinds: [...new Set(found.map(({ check }) => check))].sort() };
};

/** Where a mail to somebody ends, by the lab's transport, which knows nothing of the check. */
function deliver(n: number, name: Name): readonly string[] {
  const { postOffice } = at.lab.world;
  const from = at.mailbox(name, people);
  const before = postOffice.outcomes.length;
  postOffice.send(from, {
    cause: 'sent-by-person',
    content: plainContent({
      properties: new Map([[key.subject, { type: 'String', value: 'Where?' }]]),
      from: { name: '', address: from.address },
      body: { type: 'Text', text: 'x' },
    }),
    recipients: [address(name, n)],
    origin: { caller: from.user, doing: 'person', through: null },
  });
  return postOffice.outcomes
    .slice(before)
    .filter(({ kind, detail }) => !(kind === 'delivered' && detail === from.address))
    .map(({ kind, detail }) => (kind === 'delivered' ? detail : kind));
}

beforeEach(async () => {
  at = await LabProject.open({ people: people + 1 });
  expect((await at.run('directory', 'sync')).code).toBe(exitCodes.ok);
  expect(await at.provision()).toEqual([]);
  expect((await at.run('directory', 'sync')).code).toBe(exitCodes.ok);
});
afterEach(() => at.close());

describe('causeway check --routing', () => {
  test('finds nothing after a sync, and mail comes to where people work from both sides', async () => {
    const { code, found } = await problems();
    expect(found).toEqual([]);
    expect(code).toBe(exitCodes.ok);
    for (let n = 0; n < people; n++)
      for (const name of ['source', 'target'] as const) expect(deliver(n, name)).toEqual([address('source', n)]);
  });

  test('names what is wrong, and what to do about it', async () => {
    change('source', 0, { targetAddress: [`SMTP:${address('target', 0)}`] });
    change('target', 1, { targetAddress: ['SMTP:nobody@source.test'] });
    change('target', 2, { targetAddress: [] });
    change('target', 3, { proxyAddresses: [...proxies('target', 3), `smtp:${address('target', 4)}`] });
    change('target', 5, { msExchHideFromAddressLists: ['TRUE'] });
    change('target', 6, { proxyAddresses: proxies('target', 6).filter((one) => !/^x500:/i.test(one)) });
    change('source', 7, {
      proxyAddresses: [
        `SMTP:rewritten@source.test`,
        ...proxies('source', 7).map((one) => one.replace(/^SMTP:/, 'smtp:')),
      ],
    });
    change('target', 8, { targetAddress: [`SMTP:${address('source', 9)}`] });
    const { code, found } = await problems();
    expect(code).toBe(exitCodes.notReady);
    const about = (check: string, subject: string) =>
      expect.objectContaining({ check, subject, advice: expect.stringMatching(/\S/) });
    expect(found).toEqual(
      expect.arrayContaining([
        about('loop', `source: ${address('source', 0)}`),
        about('loop', `target: ${address('target', 0)}`),
        about('hole', `target: ${address('target', 1)}`),
        about('not-redirected', `target: ${address('target', 2)}`),
        expect.objectContaining({ check: 'ambiguous', detail: expect.stringContaining(address('target', 4)) }),
        about('hidden', `target: ${address('target', 5)}`),
        about('x500-missing', `target: ${address('target', 6)}`),
        about('rewritten', `source: ${address('source', 7)}`),
        about('elsewhere', `target: ${address('target', 8)}`),
      ]),
    );
  });

  test('names everybody whose addresses a policy of Exchange rewrote since the last pass', async () => {
    const organization = at.organization('source');
    const { first, names } = organization.forest;
    const policy = must(first.byGuid(names.defaultPolicy), 'the policy');
    first.put(policy, { gatewayProxy: ['SMTP:%m.by-policy@source.test'] });
    expect(updateAddressPolicy(organization)).toBeGreaterThan(people);
    const { code, found } = await problems();
    const rewritten = found.filter(({ check }) => check === 'rewritten');
    expect(rewritten.filter(({ detail }) => String(detail).includes('the primary address was'))).toHaveLength(
      people + 1,
    );
    expect(rewritten[0]?.['advice']).toContain('EmailAddressPolicyEnabled $false');
    // Mail still arrives: it is a warning.
    expect(code).toBe(exitCodes.ok);
    expect(deliver(0, 'target')).toHaveLength(1);
  });

  test('says so exactly where the transport of the lab does not bring mail to the person', async () => {
    for (const seed of [1, 2, 3]) {
      const random = seededRandom(`routing ${seed}`);
      for (let n = 0; n < people; n++) {
        const name: Name = random.int(2) === 0 ? 'source' : 'target';
        const other = random.int(people);
        const to = [address('source', n), address('target', n), address('source', other), address('target', other)];
        switch (random.int(4)) {
          case 0:
            change(name, n, { targetAddress: [`SMTP:${to[random.int(4)]}`] });
            break;
          case 1:
            change(name, n, { targetAddress: random.int(2) === 0 ? [] : ['SMTP:nobody@target.test'] });
            break;
          case 2:
            if (other !== n) change(name, n, { proxyAddresses: [...proxies(name, n), `smtp:${address(name, other)}`] });
            break;
          default:
        }
      }
      const { found } = await problems();
      const wrong = new Set(
        found
          .filter(({ level, check }) => level === 'error' && check !== 'x500-missing' && check !== 'ambiguous')
          .map(({ subject }) => String(subject)),
      );
      const ambiguous = found.filter(({ check }) => check === 'ambiguous').map(({ detail }) => String(detail));
      for (let n = 0; n < people; n++)
        for (const name of ['source', 'target'] as const) {
          const isDelivered = JSON.stringify(deliver(n, name)) === JSON.stringify([address('source', n)]);
          // An address that two have is told of the address, once.
          const isTold =
            wrong.has(`${name}: ${address(name, n)}`) ||
            ambiguous.some((detail) => detail.includes(`: smtp:${address(name, n)} belongs`));
          expect(isTold, `seed ${seed}: ${address(name, n)} comes to ${deliver(n, name)}`).toBe(!isDelivered);
        }
    }
  }, 120_000);

  test('sends a mail by each organization on order, finds it where the person works, and takes it out again', async () => {
    at.write({ collection: ['switch: { probeWait: 3 s }'] });
    const inbox = () => [...at.mailbox('source', 0).folder('inbox').items()].length;
    const before = inbox();
    const found = await at.run('check', '--routing', '--probe', address('source', 0));
    expect(found.out).toContain(`${address('source', 0)}, submitted to the source: a mail came to the source`);
    expect(found.out).toContain(`${address('target', 0)}, submitted to the target: a mail came to the source`);
    expect(found.code).toBe(exitCodes.ok);
    expect(inbox()).toBe(before);
    change('target', 0, { targetAddress: [] });
    const astray = await at.lines('check', '--routing', '--probe', address('source', 0));
    expect(astray.code).toBe(exitCodes.notReady);
    expect(astray.lines).toContainEqual(
      expect.objectContaining({
        check: 'probe',
        level: 'error',
        detail: expect.stringContaining('came to the target'),
      }),
    );
    const sent = at.lab.outbox.length;
    await at.run('check', '--routing');
    expect(at.lab.outbox.length).toBe(sent);
  });

  test('needs a directory sync, and says which', async () => {
    writeFileSync(at.file, readFileSync(at.file, 'utf8').replace(/^directory:[\s\S]*$/m, ''));
    const refused = await at.run('check', '--routing');
    expect(refused.code).toBe(exitCodes.usage);
    expect(refused.err).toContain('the project has no directory sync');
    expect((await at.run('check', '--probe')).code).toBe(exitCodes.usage);
  });
});
