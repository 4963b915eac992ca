import { readFileSync } from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import { controlClient } from '../control-client.ts';
import { shippedThrottling } from '../graph/graph-settings.ts';
import { LabUsageError, parseLabArguments, runLab } from '../run.ts';
import { recordingParts } from './edge.fixture.ts';

describe('the command line', () => {
  test('everything that is documented', () => {
    const line =
      '--org source:2010:10 --org Target:SE --domain source:child.source.test --domain source:other.test --mailboxes 20 --sources 2 --items 10000 --appointments 400 --contacts 30 --tasks 20 --notes 10 --seed 7 --samples eml --faults slow:0.1~5ms --port-base 9000 --throttling shipped --rebuild-mime --people 0.5 --auth basic,ntlm --max-request-mb 200 --control --json';
    const limits = { requestMaxBytes: 209_715_200, itemMaxBytes: 209_715_200, schemes: ['basic', 'ntlm'] };
    expect(parseLabArguments(line.split(' '))).toEqual({
      options: {
        organizations: [
          {
            name: 'source',
            version: '2010',
            mailboxes: 10,
            ...limits,
            directory: { otherDomains: ['child.source.test', 'other.test'] },
          },
          { name: 'target', version: 'se', ...limits },
        ],
        mailboxes: 20,
        sources: 2,
        items: 10_000,
        typed: { appointment: 400, contact: 30, task: 20, note: 10 },
        seed: '7',
        samplesDir: 'eml',
        rebuildMime: true,
        throttling: 'shipped',
        faults: [{ point: 'slow', chance: 0.1, ms: 5 }],
      },
      portBase: 9000,
      json: true,
      control: true,
      people: 0.5,
      repairCycleMs: 86_400_000,
    });
  });

  test('windows are shortened where the service has them', () => {
    const { options } = parseLabArguments(['--org', 'a:2003', '--org', 'b:online', '--faster', '10']);
    expect(options.organizations.map(({ graph }) => graph?.throttling)).toEqual([
      undefined,
      { ...shippedThrottling, faster: 10 },
    ]);
    expect(parseLabArguments(['--org', 'b:online']).options.organizations[0]?.graph).toBeUndefined();
  });

  test('the Repair Assistant is on as shipped, off, or has a cycle of its own', () => {
    const cycle = (...words: string[]) => parseLabArguments(['--org', 'a:2010', ...words]).repairCycleMs;
    expect([cycle(), cycle('--repair-assistant', 'on')]).toEqual([86_400_000, 86_400_000]);
    expect(cycle('--repair-assistant', 'off')).toBeNull();
    expect(cycle('--repair-assistant', '2.5')).toBe(2500);
  });

  test.each([
    ['', /at least one organization/],
    ['--org source', /NAME:VERSION/],
    ['--org source:1999', /2007, 2010, 2013, 2016, se/],
    ['--org a:2010 --org a:2016', /same name/],
    ['--org a:2010 --domain b:child.b.test', /--domain takes ORG:NAME/],
    ['--org a:2010 --domain a:a.test', /a domain of its own/],
    ['--org a:online --domain a:child.a.test', /--domain takes ORG:NAME/],
    ['--org a:2010 --domain a:x.test --domain a:x.test', /--domain takes ORG:NAME/],
    ['--org a:2010 --mailboxes -1', /--mailboxes/],
    ['--org a:2010 --mailboxes 1.5', /whole number/],
    ['--org a:2010 --items many', /--items/],
    ['--org a:2010 --throttling some', /shipped, migration-policy, off/],
    ['--org a:2010 --faults slow', /--faults: .*\n.*slow\n.*\^ at character 5/],
    ['--org a:2010 --auth basic,digest', /digest/],
    ['--org a:2010 --nonsense', /nonsense/],
    ['--org a:2010 --repair-assistant nightly', /on, off or seconds/],
    ['--org a:2010 --repair-assistant 0', /on, off or seconds/],
    ['--org a:2010 --port-base 65535', /--port-base/],
  ])('%j is refused with what would be right', (line, message) => {
    const parse = () => parseLabArguments(line.split(' ').filter((word) => word !== ''));
    expect(parse).toThrow(LabUsageError);
    expect(parse).toThrow(message);
  });
});

async function running(line: string, use: (printed: string) => Promise<void>): Promise<number> {
  const stop = new AbortController();
  let ready: (text: string) => void = () => {};
  const printed = new Promise<string>((resolve) => {
    ready = resolve;
  });
  let errors = '';
  const ended = runLab(
    line.split(' '),
    {
      out: ready,
      error: (text) => {
        errors += text;
      },
      signal: stop.signal,
    },
    recordingParts().parts,
  );
  await use(
    await Promise.race([printed, ended.then((code) => Promise.reject(new Error(`ended with ${code}: ${errors}`)))]),
  );
  stop.abort();
  return ended;
}

describe('a run', () => {
  test('prints one line of JSON with exactly the public fields, and ends when asked', async () => {
    let ca = '';
    const code = await running('--org source:2010 --org target:2016 --mailboxes 2 --json', async (printed) => {
      expect(printed.match(/\n/g)).toHaveLength(1);
      const { orgs, ...rest } = JSON.parse(printed);
      expect(rest).toEqual({});
      expect(orgs).toHaveLength(2);
      for (const [i, name] of ['source', 'target'].entries()) {
        expect(orgs[i]).toEqual({
          name,
          version: name === 'source' ? '2010' : '2016',
          domain: `${name}.test`,
          autodiscover: expect.stringMatching(/^https:\/\/127\.0\.0\.1:\d+\/autodiscover\/autodiscover\.xml$/),
          ews: expect.stringMatching(/^https:\/\/127\.0\.0\.1:\d+\/EWS\/Exchange\.asmx$/),
          ewsPlain: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/EWS\/Exchange\.asmx$/),
          ldap: expect.stringMatching(/^ldaps:\/\/127\.0\.0\.1:\d+$/),
          directory: {
            urls: [orgs[i].ldap, expect.stringMatching(/^ldaps:\/\/127\.0\.0\.1:\d+$/)],
            startTls: expect.stringMatching(/^ldap:\/\/127\.0\.0\.1:\d+$/),
            base: `DC=${name},DC=test`,
            domains: [
              {
                name: `${name}.test`,
                base: `DC=${name},DC=test`,
                urls: orgs[i].directory.urls,
                startTls: orgs[i].directory.startTls,
              },
            ],
            catalogue: expect.stringMatching(/^ldaps:\/\/127\.0\.0\.1:\d+$/),
            user: orgs[i].admin.user,
            password: orgs[i].admin.password,
            restricted: {
              user: `restricted@${name}.test`,
              password: expect.any(String),
              writes: [`OU=Other forest,DC=${name},DC=test`],
            },
          },
          submission: {
            smtps: expect.stringMatching(/^smtps:\/\/127\.0\.0\.1:\d+$/),
            smtp: expect.stringMatching(/^smtp:\/\/127\.0\.0\.1:\d+$/),
          },
          ca: expect.any(String),
          admin: { user: expect.stringMatching(new RegExp(`@${name}\\.test$`)), password: expect.any(String) },
          mailboxes: [
            { address: expect.stringMatching(/@/), user: expect.stringMatching(/@/), password: expect.any(String) },
            { address: expect.stringMatching(/@/), user: expect.stringMatching(/@/), password: expect.any(String) },
          ],
        });
      }
      ca = orgs[0].ca;
      expect(readFileSync(ca, 'utf8')).toMatch(/^-----BEGIN CERTIFICATE-----/);
    });
    expect(code).toBe(0);
    expect(() => readFileSync(ca)).toThrow(/ENOENT/);
  });

  test('wrong arguments: exit code 2; a port in use: exit code 1', async () => {
    const never = new AbortController().signal;
    let errors = '';
    const streams = {
      out: () => {},
      error: (text: string) => {
        errors += text;
      },
      signal: never,
    };
    expect(await runLab(['--org', 'x'], streams, recordingParts().parts)).toBe(2);
    expect(errors).toMatch(/NAME:VERSION/);
    await running('--org source:2010 --json', async (printed) => {
      const port = new URL(JSON.parse(printed).orgs[0].ews).port;
      expect(await runLab(['--org', 'a:2010', '--port-base', port], streams, recordingParts().parts)).toBe(1);
      expect(errors).toMatch(/EADDRINUSE/);
    });
  });

  test('the table of behaviours', async () => {
    let printed = '';
    const streams = {
      out: (text: string) => {
        printed += text;
      },
      error: () => {},
      signal: new AbortController().signal,
    };
    expect(await runLab(['--behaviours'], streams)).toBe(0);
    for (const mark of ['recorded', 'documented', 'assumed'])
      expect(printed).toMatch(new RegExp(`^${mark} +\\S.*\\n {12}\\S`, 'm'));
  });

  test('a table for people', async () => {
    await running('--org source:2010 --mailboxes 7', async (printed) => {
      expect(printed).toMatch(/^source {2}Exchange 2010 {2}source\.test$/m);
      expect(printed).toMatch(/and 2 mailboxes more/);
    });
  });
});

describe('the control interface', () => {
  test('steps people, sets faults, reads what happened', async () => {
    await running('--org source:2016 --mailboxes 2 --items 5 --control --json', async (printed) => {
      const { control, orgs } = JSON.parse(printed);
      const client = controlClient(control);
      expect(await client.people('source', 45)).toBe(45);
      await client.setFaults('http-503:1 x1');
      const ask = () =>
        fetch(orgs[0].ewsPlain, {
          method: 'POST',
          headers: {
            authorization: `Basic ${Buffer.from(`${orgs[0].admin.user}:${orgs[0].admin.password}`).toString('base64')}`,
          },
          body: '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><GetFolder/></s:Body></s:Envelope>',
        });
      expect((await ask()).status).toBe(503);
      expect((await ask()).status).toBe(200);
      const status = await client.status();
      expect(status.faults['http-503']).toBe(1);
      expect(status.organizations).toMatchObject([
        { name: 'source', operations: { GetFolder: { carriedOut: 1, lost: 0 } }, signIns: { basic: 2 } },
      ]);
      expect(await client.traffic('source')).toMatchObject([
        { sequence: 0, operation: 'GetFolder', caller: orgs[0].admin.user, status: 200 },
      ]);
      expect(await client.budgets('source')).toMatchObject([
        { caller: orgs[0].admin.user, requests: 1, refused: 0, allowedMs: null },
      ]);
      await client.setThrottling('source', 'shipped', 1000);
      expect((await ask()).status).toBe(200);
      const [budget] = await client.budgets('source');
      expect(budget).toMatchObject({ requests: 1, overdraftMs: 3_000_000 });
      // GetFolder costs 6 ms and a little for its bytes.
      expect(budget?.usedMs).toBeGreaterThan(6000);
      expect(budget?.usedMs).toBeLessThan(6200);
      await client.setThrottling('source', 'off');
      expect(await client.outbox()).toEqual([]);
      expect(await client.commits()).toEqual([]);

      await client.setAccount(orgs[0].admin.user, 'locked');
      expect((await ask()).status).toBe(401);
      await client.setMode('source', { kind: 'redirect', status: 302, location: 'https://elsewhere.test/' });
      const redirected = await fetch(orgs[0].ewsPlain, { redirect: 'manual' });
      expect([redirected.status, redirected.headers.get('location')]).toEqual([302, 'https://elsewhere.test/']);

      const lines = [];
      for await (const line of client.mailbox(orgs[0].mailboxes[0].address)) lines.push(line);
      expect(lines.filter((line) => line.kind === 'folder' && line.role === 'inbox')).toHaveLength(1);
      const items = lines.filter((line) => line.kind === 'item');
      expect(items.length).toBeGreaterThan(0);
      for (const item of items) expect(item.mimeSha256).toMatch(/^[0-9a-f]{64}$/);
    });
  });

  test('refuses who has no token, and what it does not know', async () => {
    await running('--org source:2016 --control --json', async (printed) => {
      const { control } = JSON.parse(printed);
      expect((await fetch(`${control.url}/status`)).status).toBe(401);
      expect((await fetch(`${control.url}/status`, { headers: { authorization: 'Bearer wrong' } })).status).toBe(401);
      const client = controlClient(control);
      await expect(client.setFaults('nonsense:1')).rejects.toThrow(/400: there is no fault nonsense/);
      await expect(client.people('nobody', 1)).rejects.toThrow(
        /404: the lab has no organization nobody; it has source/,
      );
      await expect(client.setAccount('nobody@source.test', 'locked')).rejects.toThrow(/there is no account/);
      await expect(client.mailbox('nobody@source.test')[Symbol.asyncIterator]().next()).rejects.toThrow(
        /there is no mailbox/,
      );
    });
  });

  test('a running lab has its own time: the Repair Assistant works each cycle, and is set, switched and read', async () => {
    const line = '--org source:2016 --org old:2007 --mailboxes 2 --repair-assistant 0.1 --control --json';
    await running(line, async (printed) => {
      const { control, orgs } = JSON.parse(printed);
      const client = controlClient(control);
      const [first, second] = orgs[0].mailboxes.map(({ address }: { readonly address: string }) => address);
      const logs = () => client.repairLogs('source');
      const beyond = async (known: number) => {
        await vi.waitFor(async () => expect((await logs()).length).toBeGreaterThan(known), { timeout: 5000 });
        return await logs();
      };
      const works = await beyond(2);
      expect(works[0]).toMatchObject({
        name: expect.stringContaining(first),
        xml: expect.stringContaining('Mode="RepairAndValidate"'),
      });
      // No one else's: 2007 has none.
      expect(await client.repairLogs('old')).toEqual([]);

      await client.configureCalendar(first, { calendarRepairDisabled: true });
      await client.configureAssistant('source', { mode: 'ValidateOnly' });
      const known = (await logs()).length;
      for (const { name, xml } of (await beyond(known + 2)).slice(known)) {
        expect(name).toContain(second);
        expect(xml).toContain('Mode="ValidateOnly"');
      }
      await client.configureAssistant('source', { enabled: false });
      const last = (await logs()).length;
      await new Promise((resolve) => setTimeout(resolve, 400));
      expect(await logs()).toHaveLength(last);
      await expect(client.configureAssistant('source', { mode: 'Now' as 'ValidateOnly' })).rejects.toThrow(/400: mode/);
      await expect(client.configureAssistant('nobody', {})).rejects.toThrow(/404/);
    });
  });
});
