import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { must } from '#kit/assert.ts';
import type { FolderId } from '#model/ids.ts';
import { MemoryPair } from './pair.fixture.ts';

let pair: MemoryPair;
let left: FolderId;
beforeEach(async () => {
  pair = await MemoryPair.open();
  left = pair.left.addFolder(pair.left.root, 'Projects');
  const inner = pair.left.addFolder(left, 'A/B');
  pair.left.add(inner, Buffer.from('Subject: x\r\n\r\ny\r\n'), { subject: 'x' });
  await pair.sync();
});
afterEach(() => pair.close());

const folder = (name: string) =>
  must(
    [...pair.right.folders.values()].find((one) => one.name === name),
    `the target has a folder ${name}`,
  );
const found = async () =>
  (await pair.verify()).findings.map(({ kind, folder: path, property, explainedBy }) => [
    kind,
    path,
    property,
    explainedBy,
  ]);

describe('folders', () => {
  test('in step', async () => {
    expect(await pair.verify()).toMatchObject({ grade: 'perfect', findings: [], folders: 7 });
  });

  test('renamed on the target', async () => {
    folder('Projects').name = 'Planted';
    expect(await found()).toEqual([['folder', 'Projects', 'name', 'renamed on the target by a person']]);
  });

  test('moved on the target', async () => {
    folder('A/B').parent = pair.right.byRole('inbox');
    expect(await found()).toEqual([['folder', 'Projects/A%2FB', 'parent', 'moved on the target by a person']]);
  });

  test('of another class', async () => {
    folder('Projects').containerClass = 'IPF.Task';
    expect(await found()).toEqual([['folder', 'Projects', 'containerClass', null]]);
  });

  test('removed with what was in it', async () => {
    const gone = folder('A/B').id;
    for (const item of [...pair.right.items.values()]) if (item.folder === gone) pair.right.items.delete(item.id);
    pair.right.folders.delete(gone);
    expect(await found()).toEqual([
      ['folder', 'Projects/A%2FB', 'existence', null],
      ['missing', 'Projects/A%2FB', null, null],
    ]);
    await pair.sync();
    expect((await found()).every(([, , , explainedBy]) => explainedBy !== null)).toBe(true);
  });

  test('renamed on the source a moment ago', async () => {
    must(pair.left.folders.get(left), 'the folder').name = 'Renamed';
    expect(await found()).toEqual([['folder', 'Renamed', 'name', null]]);
  });

  test('named otherwise by a pass because the name was taken', async () => {
    const row = must(
      (await pair.store.folders(pair.id)).find((one) => one.leftName === 'Projects'),
      'a row',
    );
    folder('Projects').name = 'Projects (2)';
    await pair.store.commit(pair.id, null, { folders: [{ ...row, rightName: 'Projects (2)' }] });
    expect(await found()).toEqual([['folder', 'Projects', 'name', 'the name was taken or refused on the target']]);
    folder('Projects (2)').name = 'Other';
    await pair.store.commit(pair.id, null, { folders: [{ ...row, rightName: 'Other' }] });
    expect(await found()).toEqual([['folder', 'Projects', 'name', null]]);
  });

  test('copies in a target folder of another class are found there', async () => {
    folder('A/B').containerClass = 'IPF.Task';
    expect(await found()).toEqual([['folder', 'Projects/A%2FB', 'containerClass', null]]);
  });

  test('mapped by the project file', async () => {
    pair.policy = { ...pair.policy, map: [{ from: 'Mapped', to: 'Archive/Old' }] };
    const mapped = pair.left.addFolder(pair.left.root, 'Mapped');
    pair.left.add(mapped, Buffer.from('Subject: z\r\n\r\ny\r\n'), { subject: 'z' });
    await pair.sync();
    expect(await found()).toEqual([]);
    folder('Old').name = 'Planted';
    expect(await found()).toEqual([['folder', 'Mapped', 'name', 'renamed on the target by a person']]);
  });

  test('excluded by the project file are not due', async () => {
    pair.policy = { ...pair.policy, exclude: ['Projects'] };
    const report = await pair.verify();
    expect(report.notDue).toEqual({ 'excluded by the project file': 1 });
    expect(report.findings).toMatchObject([
      { kind: 'extra', explainedBy: 'its source item is not due any more: excluded by the project file' },
    ]);
  });
});
