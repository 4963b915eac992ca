/** Folder names that one side allows and the other refuses, or that look alike. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Folder } from '#lab/world/folder.ts';
import { defaultMailPolicy } from '#model/policy.ts';
import { BadWorld, contents, folderNamed, mail, pathOf, people } from './bad-world.fixture.ts';

let world: BadWorld;
beforeEach(async () => {
  world = await BadWorld.open();
});
afterEach(() => world.close());

/** A folder that came to its name by a way that the server does not check, such as an old client. */
function folder(name: string, parent: Folder = world.left().folder('msgfolderroot')): Folder {
  const made = parent.mailbox.createFolder(parent, `new ${[...parent.children].length}`, 'IPF.Note', people);
  parent.mailbox.updateFolder(made, { name: 'free' }, people);
  made.name = name;
  return made;
}

const ownFolders = (side: 'left' | 'right') => {
  const box = world[side]();
  return [...box.below(box.folder('msgfolderroot'))].filter((one) => one.role === null && !one.hidden);
};

/** Names on the target, by the subjects that are in them. */
const namesBySubject = () =>
  Object.fromEntries(
    ownFolders('right').flatMap((one) =>
      [...one.items()].map((item) => [item.text('0x0037') ?? '', one.name] as const),
    ),
  );

async function quiet(): Promise<void> {
  const { summary, again } = await world.pass(0, { everything: true });
  expect({ writes: summary.writes, again }).toEqual({ writes: 0, again: false });
  await world.verified();
}

const renamed = async () =>
  (await world.history())
    .filter((row) => row.action === 'create-folder' && row.detail !== null)
    .map((row) => row.detail);

/** Some servers compare names as people read them. */
const looksLike = (name: string) => name.trim().normalize('NFC').toLowerCase();
function targetComparesLikePeople(): void {
  const box = world.right();
  const taken = (parent: Folder | null, name: string, except: Folder | null): string =>
    [...(parent?.children ?? [])].find((child) => child !== except && looksLike(child.name) === looksLike(name))
      ?.name ?? name;
  const create = box.createFolder.bind(box);
  const update = box.updateFolder.bind(box);
  box.createFolder = (parent, name, containerClass, by) =>
    create(parent, taken(parent, name, null), containerClass, by);
  box.updateFolder = (made, change, by) =>
    update(made, change.name === undefined ? change : { ...change, name: taken(made.parent, change.name, made) }, by);
}

describe('folders with the same name', () => {
  test.each([
    ['equal', ['Same', 'Same']],
    ['in another case', ['Projekte', 'PROJEKTE', 'projekte']],
    ['but for a trailing space', ['Reports', 'Reports ']],
    ['in NFC and NFD', ['R\u00e9sum\u00e9', 'Re\u0301sume\u0301']],
  ] as const)('%s: each has its own counterpart, the later ones a numbered name', async (_how, names) => {
    targetComparesLikePeople();
    names.forEach((name, n) => {
      world.deliver(mail(`in ${n}`), { folder: folder(name) });
    });
    await world.sync();
    const shown = namesBySubject();
    expect(Object.keys(shown).sort()).toEqual(names.map((_, n) => `in ${n}`));
    expect(Object.values(shown).sort()).toEqual(
      [names[0], ...names.slice(1).map((name, n) => `${name} (${n + 2})`)].sort(),
    );
    expect(await renamed()).toHaveLength(names.length - 1);
    expect(await world.quarantine()).toEqual([]);
    await quiet();
  });

  test('one of them goes: the other gets its own name back', async () => {
    const [first] = ['Same', 'Same'].map((name, n) => {
      const made = folder(name);
      world.deliver(mail(`in ${n}`), { folder: made });
      return made;
    });
    await world.sync();
    expect(Object.values(namesBySubject()).sort()).toEqual(['Same', 'Same (2)']);
    if (first) world.left().removeFolder(first, 'SoftDelete', people);
    await world.sync();
    await world.sync();
    expect(namesBySubject()).toEqual({ 'in 1': 'Same' });
    await quiet();
  });

  test('on the target a folder of another class has the name: it is left alone, ours gets a numbered name', async () => {
    const right = world.right();
    const calendar = right.createFolder(right.folder('msgfolderroot'), 'Team', 'IPF.Appointment', people);
    world.deliver(mail('for the team'), { folder: folder('Team') });
    await world.sync();
    expect(namesBySubject()).toEqual({ 'for the team': 'Team (2)' });
    expect([...calendar.items()]).toEqual([]);
    expect(folderNamed(right, 'Team (2)').containerClass).toBe('IPF.Note');
    expect(await renamed()).toEqual([expect.stringContaining('Team (2)')]);
    await quiet();
    // When the calendar goes, the name is free.
    right.removeFolder(calendar, 'SoftDelete', people);
    await world.sync();
    expect(namesBySubject()).toEqual({ 'for the team': 'Team' });
    await quiet();
  });

  test('on the target a mail folder has the name: it is taken as the counterpart, and what is in it stays', async () => {
    const right = world.right();
    const there = right.createFolder(right.folder('msgfolderroot'), 'TEAM', 'IPF.Note', people);
    world.deliver(mail('theirs'), { box: right, folder: there });
    world.deliver(mail('ours'), { folder: folder('Team') });
    await world.sync();
    expect(namesBySubject()).toEqual({ ours: 'TEAM', theirs: 'TEAM' });
    await quiet();
  });
});

describe('names', () => {
  test.each([
    ['with /', 'In/Out'],
    ['with \\', 'Old\\New'],
    ['with both and %', 'a/b\\c%2Fd'],
    ['of emoji', '📁🎉👩‍👩‍👧'],
    ['with a tab and a line feed', 'a\tb\nc'],
    ['with a carriage return', 'a\rb'],
    ['with XML in it', '<b>&amp;]]>"\''],
    ['of one dot', '.'],
    ['of spaces', '   '],
    ['right to left', '\u202etxt.exe'],
    ['of 255 characters', 'x'.repeat(255)],
  ] as const)('%s come as they are', async (_how, name) => {
    const outer = folder(name);
    world.deliver(mail('in'), { folder: outer });
    world.deliver(mail('below'), { folder: folder(name, outer) });
    await world.settles();
    expect(contents(world.right()).filter((one) => one.startsWith(`${pathOf(outer)}`))).toHaveLength(2);
    expect(await renamed()).toEqual([]);
  });

  test.each([
    ['300 characters', 'x'.repeat(300), 'x'.repeat(255)],
    ['a pair of surrogates across the limit', `${'x'.repeat(254)}🎉🎉`, 'x'.repeat(254)],
  ] as const)('%s: cut to what servers take, with a line in the history', async (_how, name, expected) => {
    world.deliver(mail('in'), { folder: folder(name) });
    await world.sync();
    expect(namesBySubject()).toEqual({ in: expected });
    expect(await renamed()).toEqual([expect.stringContaining(expected)]);
    await quiet();
  });

  test('two of 300 characters that differ at the end: both are there', async () => {
    ['a', 'b'].forEach((end, n) => {
      world.deliver(mail(`in ${n}`), { folder: folder(`${'x'.repeat(299)}${end}`) });
    });
    await world.sync();
    expect(Object.values(namesBySubject()).sort()).toEqual([`${'x'.repeat(250)} (2)`, 'x'.repeat(255)]);
    await quiet();
  });

  test('a control character: U+FFFD stands for it, and a line in the history says so', async () => {
    world.deliver(mail('in'), { folder: folder('bell\u0007') });
    await world.sync();
    expect(namesBySubject()).toEqual({ in: 'bell\ufffd' });
    expect(await renamed()).toEqual([expect.stringContaining('XML forbids')]);
    await quiet();
  });

  test('a mapped folder keeps the name that the project file gives it', async () => {
    world.deliver(mail('in'), { folder: folder('Old') });
    const policy = { ...defaultMailPolicy, map: [{ from: 'Old', to: 'Archive/New' }] };
    await world.sync(0, { policy });
    expect(namesBySubject()).toEqual({ in: 'New' });
    expect((await world.pass(0, { policy, everything: true })).summary.writes).toBe(0);
    await world.verified(0, policy);
    expect(namesBySubject()).toEqual({ in: 'New' });
  });

  test('one that the target refuses whatever is tried: `name-refused`, its items wait, the rest goes on', async () => {
    world.deliver(mail('elsewhere'));
    const bad = folder('Refused');
    world.deliver(mail('in'), { folder: bad });
    const refused = refusalOf('CreateFolder', 'ErrorFolderSavePropertyError');
    world.rewrite = (x) => (x.operation === 'CreateFolder' ? 'nothing' : null);
    world.tamper = (x) => (x.operation === 'CreateFolder' ? { status: 200, text: refused } : null);
    await world.sync();
    expect(contents(world.right())).toHaveLength(1);
    const history = await world.history();
    expect(history.find((row) => row.action === 'create-folder')).toMatchObject({
      outcome: 'failed',
      detail: expect.stringMatching(/^name-refused: /),
    });
    await quiet();
    // Renamed on the source, as the guide says.
    world.tamper = null;
    world.rewrite = null;
    world.left().updateFolder(bad, { name: 'Accepted' }, people);
    await world.settles();
    expect(namesBySubject()).toEqual({ in: 'Accepted' });
  });
});

const refusalOf = (operation: string, code: string): string =>
  `<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><m:${operation}Response xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages"><m:ResponseMessages><m:${operation}ResponseMessage ResponseClass="Error"><m:MessageText>Refused.</m:MessageText><m:ResponseCode>${code}</m:ResponseCode><m:DescriptiveLinkKey>0</m:DescriptiveLinkKey><m:Folders/></m:${operation}ResponseMessage></m:ResponseMessages></m:${operation}Response></s:Body></s:Envelope>`;
