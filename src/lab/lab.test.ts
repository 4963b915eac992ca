import { afterEach, describe, expect, test } from 'vitest';
import { parseXmlBytes } from '#formats/text/xml-read.ts';
import { must } from '#kit/assert.ts';
import { createLab, type Lab, withEws } from './lab.ts';
import { ewsVersions } from './seams.ts';

const never = new AbortController().signal;
let lab: Lab | null = null;
afterEach(() => lab?.close());

const getFolder = (impersonated: string) =>
  Buffer.from(
    `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types" xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages">
<s:Header><t:RequestServerVersion Version="Exchange2007_SP1"/><t:ExchangeImpersonation><t:ConnectingSID><t:PrimarySmtpAddress>${impersonated}</t:PrimarySmtpAddress></t:ConnectingSID></t:ExchangeImpersonation></s:Header>
<s:Body><m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:FolderIds><t:DistinguishedFolderId Id="inbox"/></m:FolderIds></m:GetFolder></s:Body></s:Envelope>`,
  );

describe('a whole lab', () => {
  test.each(ewsVersions)('%s answers the same over a socket and in this process', async (version) => {
    lab = createLab({ organizations: [{ name: 'source', version }], mailboxes: 2, items: 4 });
    const { orgs } = await lab.listen();
    const org = withEws(orgs[0]);
    const address = must(org.mailboxes[0], 'a mailbox').address;
    const headers = {
      authorization: `Basic ${Buffer.from(`${org.admin.user}:${org.admin.password}`).toString('base64')}`,
      'content-type': 'text/xml; charset=utf-8',
    };
    const overSocket = await fetch(org.ewsPlain, { method: 'POST', headers, body: getFolder(address) });
    const text = await overSocket.text();
    expect([overSocket.status, text]).toMatchObject([200, expect.stringContaining('NoError')]);

    const connection = await lab.transport().connect('https://mail.source.test', { ca: [], min: '1.2' }, never);
    const answer = await connection.request(
      { method: 'POST', path: '/EWS/Exchange.asmx', headers, body: getFolder(address) },
      never,
    );
    const chunks: Uint8Array[] = [];
    for await (const chunk of answer.body) chunks.push(chunk);
    expect(Buffer.concat(chunks).toString('utf8')).toBe(text);
    expect(parseXmlBytes(text).root.name).toBe('Envelope');
    expect(lab.failures).toEqual([]);
  });

  test('the same seed makes the same names and passwords, another seed does not', async () => {
    const made = (seed: number) =>
      createLab({ organizations: [{ name: 'source', version: '2010' }], seed }).world.organization('source');
    expect(made(1).admin).toEqual(made(1).admin);
    expect(made(1).admin.password).not.toBe(made(2).admin.password);
  });

  test('people work in the organization that is asked for, the same way for the same seed', async () => {
    const done = async () => {
      const one = createLab({
        organizations: [
          { name: 'source', version: '2010' },
          { name: 'target', version: '2016' },
        ],
        items: 30,
        clock: { nowMs: () => Date.UTC(2026, 0, 5), monotonicMs: () => 0, sleep: async () => {} },
      });
      const acted = await one.act('source', 200);
      return { acted, journal: one.world.journal.since(0) };
    };
    const first = await done();
    expect(first.acted).toBeGreaterThan(100);
    expect(new Set(first.journal.map((entry) => entry.organization))).toEqual(new Set(['source']));
    expect((await done()).journal).toEqual(first.journal);
  });

  test('two organizations have ports of their own, in the order asked for', async () => {
    lab = createLab({
      organizations: [
        { name: 'source', version: '2010' },
        { name: 'target', version: '2016' },
      ],
    });
    const portBase = 20_000 + Math.floor(Math.random() * 10_000);
    const { orgs } = await lab.listen({ portBase });
    expect(orgs.map(withEws).flatMap((org) => [new URL(org.ews).port, new URL(org.ewsPlain).port])).toEqual(
      [0, 1, 2, 3].map((n) => String(portBase + n)),
    );
  });

  test('when a port is taken nothing stays open', async () => {
    const first = createLab({ organizations: [{ name: 'source', version: '2010' }] });
    const taken = Number(new URL(withEws((await first.listen()).orgs[0]).ews).port);
    lab = createLab({
      organizations: [
        { name: 'a', version: '2010' },
        { name: 'b', version: '2010' },
      ],
    });
    await expect(lab.listen({ portBase: taken - 2 })).rejects.toThrow(/EADDRINUSE/);
    await expect(fetch(`http://127.0.0.1:${taken - 1}/`)).rejects.toThrow();
    await first.close();
  });
});
