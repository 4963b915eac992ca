import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Finding } from '#jobs/check.ts';
import { probeRouting } from '#jobs/directory/probe-routing.ts';
import { must } from '#kit/assert.ts';
import { SteppingClock } from '#kit/stepping-clock.ts';
import { SwitchWorld } from '#test/switch/switch-world.fixture.ts';

let world: SwitchWorld;
let mark = 0;
beforeEach(async () => {
  world = await SwitchWorld.open({
    clock: new SteppingClock(Date.UTC(2026, 2, 2)),
    people: 2,
    items: 6,
    policy: { probeMaxMs: 60_000 },
  });
});
afterEach(() => world.close());

const person = () => must(world.people[0], 'a person');
const probe = async (withPost = true): Promise<readonly Finding[]> => {
  const services = world.services(person());
  const findings: Finding[] = [];
  for await (const finding of probeRouting(
    withPost ? services : { ...services, post: { left: null, right: null } },
    'left',
    String(++mark),
    new AbortController().signal,
  ))
    findings.push(finding);
  return findings;
};

test('mail by both organizations comes to where the person works, and is taken out again', async () => {
  const before = { left: world.contents(person().left), right: world.contents(person().right) };
  expect((await probe()).map(({ level, detail }) => `${level}: ${detail}`)).toEqual([
    'ok: a mail came to the source, and was removed',
    'ok: a mail came to the source, and was removed',
  ]);
  const visible = (list: readonly string[]) => list.filter((line) => !line.startsWith('deleteditems'));
  expect(visible(world.contents(person().left))).toEqual(visible(before.left));
  expect(world.contents(person().right)).toEqual(before.right);
});

test('mail that stays in the other mailbox, or comes nowhere, is an error with what to do', async () => {
  const { mailFlow } = world.lab.organization('target').world;
  mailFlow.setTargetAddress(person().right.address, null);
  const astray = await probe();
  expect(astray.map(({ level }) => level)).toEqual(['ok', 'error']);
  expect(astray[1]).toMatchObject({ detail: 'a mail came to the target, where the person does not work' });
  mailFlow.setTargetAddress(person().right.address, 'nobody@source.test');
  const lost = await probe();
  expect(lost[1]).toMatchObject({ level: 'error', detail: 'a mail has not come for 1 minutes' });
  expect(lost[1]?.advice).toContain('Get-MessageTrackingLog');
});

test('nothing is sent where no submission is named', async () => {
  const outbox = world.lab.outbox.length;
  expect((await probe(false)).map(({ level }) => level)).toEqual(['note', 'note']);
  expect(world.lab.outbox.length).toBe(outbox);
});
