import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { exitCodes } from '#cli/exit-codes.ts';
import { addOldMail, replyToOldMail } from '#lab/load/old-mail.ts';
import { LabProject } from './lab-project.fixture.ts';

let at: LabProject;
beforeEach(async () => {
  at = await LabProject.open({ people: 8, targets: 6 });
  for (let n = 0; n < 6; n++) addOldMail(at.organization('source'), at.mailbox('source', n), 7);
});
afterEach(() => at.close());

const bounces = () => {
  let count = 0;
  for (let n = 0; n < 6; n++) {
    const { replied, delivered } = replyToOldMail(at.mailbox('target', n));
    expect(replied).toBe(14);
    count += replied - delivered;
  }
  return count;
};
const named = (lines: readonly Record<string, unknown>[]) =>
  lines.filter(({ check, level }) => check === 'replies' && level === 'error');
const legacyDn = (name: 'source' | 'target', n: number) => {
  const { first, entry } = at.entry(name, at.mailbox(name, n).address);
  return first.text(entry, 'legacyExchangeDN') ?? '';
};

describe('replies to old mail', () => {
  test('bounce until people are provisioned, and the check says so both times', async () => {
    await at.copy();
    for (let n = 0; n < 6; n++) at.carryOver(n);
    const before = await at.lines('check', '--replies', '--sample', '42');
    expect(before.code).toBe(exitCodes.notReady);
    expect(named(before.lines)).toHaveLength(8);
    expect(named(before.lines)[0]).toMatchObject({
      detail: expect.stringMatching(/nobody of the target stands for this person.*in \d+ mails of \d mailboxes/),
      advice: expect.stringContaining('directory sync'),
    });
    // What was copied as MIME names its senders by addresses of the source, which still answers.
    expect(before.lines).toContainEqual(expect.objectContaining({ check: 'imceaex', subject: 'source.test' }));
    expect(bounces()).toBe(42);

    expect((await at.run('directory', 'sync')).code).toBe(exitCodes.ok);
    expect(await at.provision()).toEqual([]);
    const after = await at.lines('check', '--replies');
    expect(named(after.lines)).toEqual([]);
    expect(after.code).toBe(exitCodes.ok);
    expect(after.lines.find(({ check, level }) => check === 'replies' && level === 'ok')?.['detail']).toMatch(
      /: (\d+) addresses that the target has to know, \1 of which it does$/,
    );
    expect(bounces()).toBe(0);
  });

  test('are told apart: lost its address, two have it, nothing behind it, gone from both', async () => {
    expect((await at.run('directory', 'sync')).code).toBe(exitCodes.ok);
    const { first } = at.organization('target').forest;
    const proxies = (n: number, change: (values: readonly string[]) => readonly string[]) => {
      const { entry } = at.entry('target', at.mailbox('target', n).address);
      first.put(entry, { proxyAddresses: change(first.texts(entry, 'proxyAddresses')) });
    };
    proxies(0, (values) => values.filter((value) => !/^x500:/i.test(value)));
    proxies(2, (values) => [...values, `x500:${legacyDn('source', 1)}`]);
    const { entry } = at.entry('target', at.mailbox('target', 3).address);
    first.put(entry, {
      targetAddress: [],
      homeMDB: [],
      msExchMailboxGuid: [],
      msExchHomeServerName: [],
      msExchRecipientTypeDetails: ['128'],
    });
    const gone = at.entry('source', at.mailbox('source', 7).address);
    const goneDn = legacyDn('source', 7);
    gone.first.put(gone.entry, { legacyExchangeDN: ['/o=Other/cn=somebody'] });
    const left = first.having('proxyAddresses', `x500:${goneDn}`)[0];
    if (left)
      first.put(left, { proxyAddresses: first.texts(left, 'proxyAddresses').filter((one) => !/^x500:/i.test(one)) });

    const { code, lines } = await at.lines('check', '--replies');
    expect(code).toBe(exitCodes.notReady);
    const about = (n: number) => lines.find(({ detail }) => String(detail).includes(legacyDn('source', n)));
    expect(about(0)).toMatchObject({
      level: 'error',
      advice: expect.stringContaining(`adds x500:${legacyDn('source', 0)}`),
    });
    expect(lines).toContainEqual(
      expect.objectContaining({
        level: 'error',
        subject: legacyDn('source', 1),
        detail: expect.stringContaining('2 objects of the target'),
      }),
    );
    expect(lines).toContainEqual(
      expect.objectContaining({
        level: 'error',
        subject: legacyDn('source', 3),
        detail: expect.stringContaining('neither a mailbox nor'),
      }),
    );
    expect(lines).toContainEqual(
      expect.objectContaining({
        level: 'note',
        subject: goneDn,
        detail: expect.stringContaining('bounces as it does today'),
      }),
    );
  });

  test('cannot be looked up without the directory of the target, and that is said', async () => {
    const text = readFileSync(at.file, 'utf8');
    writeFileSync(at.file, text.replaceAll(/^ {4}directory: \{.*\n/gm, '').replace(/^directory:[\s\S]*$/m, ''));
    const { code, lines } = await at.lines('check', '--replies');
    expect(code).toBe(exitCodes.notReady);
    expect(lines).toContainEqual(expect.objectContaining({ check: 'directory', subject: 'target', level: 'error' }));
    expect((await at.run('check', '--replies', '--routing')).code).toBe(exitCodes.usage);
  });
});
