import { readFileSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { ldapDirectory } from '#connectors/directory/ldap/ldap-directory.ts';
import { must } from '#kit/assert.ts';
import { createLab, type Lab } from '#lab/lab.ts';

let lab: Lab;
afterEach(() => lab.close());

test('controllers that are given by their addresses are asked by the names they go by', async () => {
  lab = createLab({ organizations: [{ name: 'source', version: '2016', mailboxes: 1 }] });
  const org = must((await lab.listen()).orgs[0], 'one organization');
  const { urls, user, password } = must(org.directory, 'it has a directory');
  const directory = ldapDirectory({
    urls,
    startTls: false,
    tls: { ca: [readFileSync(org.ca, 'utf8')], min: '1.2' },
    user,
    password,
  });
  try {
    const context = { signal: new AbortController().signal, deadlineMs: Number.POSITIVE_INFINITY };
    const { controllers } = await directory.describe(context);
    expect(controllers).toEqual(['dc1.source.test', 'dc2.source.test']);
    const { forest } = lab.organization('source').world;
    forest.replicationDelayMs = 86_400_000;
    const address = must(org.mailboxes[0], 'a mailbox').address;
    const [person] = await directory.find(['proxyAddresses'], [`SMTP:${address}`], ['targetAddress'], context);
    const guid = must(person, 'a person').guid;
    const values = { targetAddress: { remove: [], add: ['SMTP:ana@target.test'] } };
    expect(await directory.write([{ kind: 'modify', guid, values }], context)).toEqual([{ kind: 'done', guid }]);
    const shows = { targetAddress: ['SMTP:ana@target.test'] };
    expect(await directory.replicated(guid, shows, controllers, context)).toEqual(
      new Map([
        ['dc1.source.test', true],
        ['dc2.source.test', false],
      ]),
    );
  } finally {
    await directory.close();
  }
});
