import { describe, expect, test } from 'vitest';
import { must } from '#kit/assert.ts';
import { type Fault, FaultError } from '#kit/fault.ts';
import type { AttachmentHead } from '#model/appointment.ts';
import type { FolderId } from '#model/ids.ts';
import { type Budget, paced } from './paced.ts';
import { draft, item, type Outcome, scripted, typedDraft, typedEdit, within } from './scripted.fixture.ts';

const folder = 'folder' as FolderId;

function world(...outcomes: readonly Outcome[]) {
  const log: string[] = [];
  const budget = (name: string): Budget => ({
    async acquire(bytes) {
      log.push(`+${name} ${bytes}`);
      return () => log.push(`-${name}`);
    },
    backOff: (ms, limit) => log.push(`${name} waits ${ms} for ${limit}`),
  });
  const { connector } = scripted(...outcomes);
  const made = paced(connector, {
    organization: budget('organization'),
    mailbox: budget,
    inUse: () => null,
  });
  return { log, mailbox: made.mailbox('ana') };
}

describe('each request', () => {
  test('spends from the mailbox, then from the organization, and gives both back', async () => {
    const { log, mailbox } = world({ answer: [] });
    await mailbox.create(folder, [draft(100), draft(23)], within(1000));
    expect(log).toEqual(['+ana 123', '+organization 123', '-organization', '-ana']);
  });

  test('typed items spend what their attachments weigh', async () => {
    const { log, mailbox } = world({ answer: [] });
    const events = must(mailbox.typed('calendar'), 'events');
    await events.create(folder, [typedDraft(100, [20, 3]), typedDraft(7)], within(1000));
    await events.update([typedEdit(50), typedEdit(4)], within(1000));
    await events.attachments(item('a'), null, [{ sizeBytes: 9 } as AttachmentHead], within(1000));
    await events.read([item('a')], within(1000));
    await must(mailbox.freeBusy, 'free/busy')(0, 1, within(1000));
    expect(log.filter((line) => line.startsWith('+ana'))).toEqual([
      '+ana 130',
      '+ana 54',
      '+ana 9',
      '+ana 0',
      '+ana 0',
    ]);
    expect(log).toHaveLength(20);
  });

  test('gives both back when it fails', async () => {
    const { log, mailbox } = world({ fault: { kind: 'gone', detail: 'x' } });
    await expect(mailbox.tree(within(1000))).rejects.toThrow(FaultError);
    expect(log).toEqual(['+ana 0', '+organization 0', '-organization', '-ana']);
  });

  test.each([
    ['EWS', 'ana waits 25 for EWS'],
    ['HTTP 503', 'organization waits 25 for HTTP 503'],
  ])('throttled by %s: who has to wait', async (limit, line) => {
    const fault: Fault = { kind: 'throttled', retryAfterMs: 25, limit };
    const { log, mailbox } = world({ fault });
    await expect(mailbox.tree(within(1000))).rejects.toThrow(FaultError);
    expect(log[2]).toBe(line);
  });

  test('a busy answer in the place of an item is heard', async () => {
    const { log, mailbox } = world({ answer: [null, { kind: 'throttled', retryAfterMs: 7, limit: 'EWS' }] });
    await mailbox.remove([], within(1000));
    expect(log).toContain('ana waits 7 for EWS');
  });

  test('gives the mailbox back when the organization has no place', async () => {
    const log: string[] = [];
    const { connector, calls } = scripted({ answer: 'tree' });
    const refusing: Budget = {
      acquire: () => Promise.reject(new FaultError({ kind: 'throttled', retryAfterMs: 1, limit: 'in flight' })),
      backOff: () => {},
    };
    const own: Budget = { acquire: async () => () => log.push('released'), backOff: () => {} };
    await expect(
      paced(connector, { organization: refusing, mailbox: () => own, inUse: () => null })
        .mailbox('ana')
        .tree(within(1)),
    ).rejects.toThrow(FaultError);
    expect([log, calls]).toEqual([['released'], []]);
  });
});

describe('a glance', () => {
  const glancing = (inUse: boolean, fault: Fault | null = null) => {
    const log: string[] = [];
    const budget = (name: string): Budget => ({
      async acquire() {
        log.push(`+${name}`);
        return () => log.push(`-${name}`);
      },
      backOff: (_ms, limit) => log.push(`${name} waits for ${limit}`),
    });
    const connector = {
      ...scripted({ answer: [] }).connector,
      async glance() {
        if (fault) throw new FaultError(fault);
        return 'same' as const;
      },
    };
    const budgets = { organization: budget('organization'), mailbox: budget };
    const made = paced(connector, { ...budgets, inUse: (address) => (inUse ? budget(address) : null) });
    return { log, glance: () => must(made.glance, 'a glance')('ana', [folder], null, within(1000)) };
  };

  test('spends from the organization, and from a mailbox that is in use', async () => {
    const unknown = glancing(false);
    expect(await unknown.glance()).toBe('same');
    expect(unknown.log).toEqual(['+organization', '-organization']);
    const known = glancing(true);
    await known.glance();
    expect(known.log).toEqual(['+ana', '+organization', '-organization', '-ana']);
  });

  test('that is throttled makes its mailbox wait', async () => {
    const { log, glance } = glancing(false, { kind: 'throttled', retryAfterMs: 25, limit: 'EWS' });
    await expect(glance()).rejects.toThrow(FaultError);
    expect(log).toEqual(['+organization', 'ana waits for EWS', '-organization']);
  });
});
