import { afterEach, beforeEach, expect, test } from 'vitest';
import { must } from '#kit/assert.ts';
import { systemClock } from '#kit/clock.ts';
import type { DirectoryLink } from '#model/directory/directory-link.ts';
import type { DistinguishedName, ObjectGuid } from '#model/directory/directory-object.ts';
import { type OpenStore, openStore } from '#store/open-store.ts';
import { directoryKey } from './directory-work.ts';
import { turnHome } from './turn-home.ts';

const ana = '00000000-0000-0000-0000-00000000000a' as ObjectGuid;
const twin = '00000000-0000-0000-0000-00000000000b' as ObjectGuid;
const link: DirectoryLink = {
  left: ana,
  right: twin,
  by: 'mail',
  made: null,
  home: 'left',
  shownLeft: {},
  shownRight: {},
  leftDn: 'CN=Ana,DC=old' as DistinguishedName,
  rightDn: 'CN=Ana,DC=new' as DistinguishedName,
  leftVersion: '1',
  rightVersion: '1',
  goneSincePass: null,
};
const signal = new AbortController().signal;
const quiet = { info: () => {}, warn: () => {} };

let store: OpenStore;
beforeEach(async () => {
  store = await openStore('sqlite::memory:', { clock: systemClock, log: quiet });
  for (const sync of ['main', 'reverse']) await store.commitDirectory(sync, null, { sync: { pass: 1 } });
  await store.commitDirectory('main', null, { links: [link] });
});
afterEach(() => store.close());

const homeIn = async (sync: string, side: 'left' | 'right') => (await store.directoryLinks(sync, side, [ana]))[0]?.home;

test('a pass that read the link before does not bring the old home back', async () => {
  const key = directoryKey('main');
  await store.ensureWork([{ key, priority: 30, nextAtMs: systemClock.nowMs() }]);
  const [claim] = await store.claim('an agent', 'directory:', 1, systemClock.nowMs(), 60_000);
  const [read] = await store.directoryLinks('main', 'left', [ana]);
  const turned = turnHome(
    { store, clock: systemClock },
    [{ name: 'main', source: 'old' }],
    { organization: 'old', guids: [ana] },
    'right',
    signal,
  );
  await systemClock.sleep(300);
  // What a pass records at its end: the link as it was read, with what is shown now.
  await store.commitDirectory('main', must(claim, 'its turn'), {
    links: [{ ...must(read, 'the link'), shownLeft: { title: ['Engineer'] }, leftVersion: '2' }],
  });
  await store.complete(must(claim, 'its turn'), { nextAtMs: null, failed: false });
  await turned;
  expect(await store.directoryLinks('main', 'left', [ana])).toMatchObject([
    { home: 'right', shownLeft: { title: ['Engineer'] }, leftVersion: '2' },
  ]);
});

test('home is told the other way round to a sync that is written the other way round', async () => {
  await store.commitDirectory('reverse', null, { links: [{ ...link, left: twin, right: ana, home: 'right' }] });
  const syncs = [
    { name: 'main', source: 'old' },
    { name: 'reverse', source: 'new' },
  ];
  const turn = (home: 'left' | 'right') =>
    turnHome({ store, clock: systemClock }, syncs, { organization: 'old', guids: [ana] }, home, signal);
  await turn('right');
  expect([await homeIn('main', 'left'), await homeIn('reverse', 'right')]).toEqual(['right', 'left']);
  await turn('left');
  expect([await homeIn('main', 'left'), await homeIn('reverse', 'right')]).toEqual(['left', 'right']);
});

test('redirection that was handed over for the old home, and that nobody has run, is withdrawn', async () => {
  const forwarding = 'msExchGenericForwardingAddress';
  const entry = {
    pass: 1,
    atMs: 0,
    side: 'right',
    action: 'modify',
    guid: twin,
    dn: '' as DistinguishedName,
    before: {},
    reason: 'redirect: of Ana',
    outcome: 'handed-over',
    detail: null,
  } as const;
  const shownRight = { title: ['Engineer'], [`wanted ${forwarding}`]: ['smtp:ana@old.test'] };
  const [forwards = 0, named = 0] = await store.commitDirectory('main', null, {
    links: [{ ...link, shownRight }],
    journal: [
      { ...entry, after: { [forwarding]: ['smtp:ana@old.test'] } },
      { ...entry, after: { displayName: ['Ana'] } },
    ],
  });
  await turnHome(
    { store, clock: systemClock },
    [{ name: 'main', source: 'old' }],
    { organization: 'old', guids: [ana] },
    'right',
    signal,
  );
  const outcomeOf = async (no: number) => (await store.directoryJournal({ no }, 1))[0]?.outcome;
  expect([await outcomeOf(forwards), await outcomeOf(named)]).toEqual(['refused', 'handed-over']);
  expect(await store.directoryLinks('main', 'left', [ana])).toMatchObject([
    { home: 'right', shownRight: { title: ['Engineer'] } },
  ]);
  expect((await store.directoryLinks('main', 'left', [ana]))[0]?.shownRight).toEqual({ title: ['Engineer'] });
});
