import { afterAll, beforeAll, expect, test } from 'vitest';
import { must } from '#kit/assert.ts';
import { curl, curlMissing } from '../edge/edge.fixture.ts';
import { createLab, type Lab, type OrganizationAddresses } from '../lab.ts';

let lab: Lab;
let org: OrganizationAddresses;
const missing = await curlMissing();
if (missing !== null && process.env['CI'] === 'true') throw new Error(missing);

beforeAll(async () => {
  lab = createLab({ organizations: [{ name: 'source', version: '2003' }], items: 20, mailboxes: 1 });
  org = must((await lab.listen()).orgs[0], 'an organization');
});
afterAll(() => lab.close());

const question = '<?xml version="1.0"?><propfind xmlns="DAV:"><prop><displayname/></prop></propfind>';
const bulk =
  '<?xml version="1.0"?><propfind xmlns="DAV:"><target><href>Inbox</href><href>Calendar</href></target><prop><displayname/></prop></propfind>';

test.skipIf(missing !== null)('methods that no parser of HTTP knows come through, over HTTP and over TLS', async () => {
  const person = must(org.mailboxes[0], 'a mailbox');
  const alias = person.address.slice(0, person.address.indexOf('@'));
  const as = ['--basic', '-u', `${person.user}:${person.password}`];
  for (const base of [must(org.webdav, 'WebDAV'), must(org.webdavPlain, 'WebDAV')]) {
    const url = `${base}${alias}/`;
    const one = await curl('--cacert', org.ca, ...as, '-X', 'PROPFIND', '-H', 'Depth: 0', '-d', question, url);
    expect(one.status).toBe(207);
    // One connection for both: the second request begins where the first ends.
    const both = await curl('--cacert', org.ca, ...as, '-X', 'BPROPFIND', '-d', bulk, url, url);
    expect(both.output.match(/<a:displayname>Inbox</g)).toHaveLength(2);
    expect(both.connections).toBe(0);
    expect((await curl('--cacert', org.ca, ...as, '-X', 'X-MS-NOTHING', url)).status).toBe(501);
  }
  expect(lab.failures).toEqual([]);
});

test.skipIf(missing !== null)('NTLM signs a connection in', async () => {
  const person = must(org.mailboxes[0], 'a mailbox');
  const local = person.user.slice(0, person.user.indexOf('@'));
  const url = `${must(org.webdavPlain, 'WebDAV')}${local}/`;
  const found = await curl(
    '--ntlm',
    '-u',
    `SOURCE\\${local}:${person.password}`,
    '-X',
    'PROPFIND',
    '-H',
    'Depth: 0',
    '-d',
    question,
    url,
  );
  expect(found.status).toBe(207);
  expect(
    (await curl('--ntlm', '-u', `SOURCE\\${local}:wrong`, '-X', 'PROPFIND', '-H', 'Depth: 0', '-d', question, url))
      .status,
  ).toBe(401);
});
