import { rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Bench } from '../support/bench.ts';
import { projectEnd, startLab } from '../support/lab.ts';
import { bundle, start } from '../support/processes.ts';
import { writeProject } from '../support/project.ts';
import { against } from '../support/results.ts';
import { syncOnce } from '../support/sync.ts';
import { truthOf } from '../support/truth.ts';

const mailboxes = 8;
const itemTotal = 8_000;

/** Half of everything is copied, the tree is killed, the database deleted; then `causeway relink`, and passes to the end. */
export const storeLost: Bench = async ({ quick, items, say }) => {
  const total = items ?? (quick ? itemTotal / 10 : itemTotal);
  const lab = await startLab(['2010', '2016'], ['--mailboxes', String(mailboxes), '--items', String(total)]);
  const project = writeProject(projectEnd(lab.source, false), projectEnd(lab.target, false), lab.pairs);
  const run = (command: string, ...args: readonly string[]) => {
    const program = start(process.execPath, [bundle('cli'), command, '--json', '--project', project.file, ...args], {
      detached: true,
    });
    program.child.stdout?.resume();
    return program;
  };
  try {
    const first = run('run');
    let created = 0;
    while (created < total / 2) {
      await delay(50);
      created = (await lab.control.commits(0)).filter(
        ({ kind, organization }) => kind === 'item-created' && organization === lab.target.name,
      ).length;
    }
    process.kill(-first.pid, 'SIGKILL');
    await first.ended;
    for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(`${project.database}${suffix}`, { force: true });
    say(`${created} mails were copied when the database was deleted`);
    const relink = run('relink', '--yes');
    const how = await relink.ended;
    if (how !== 0) throw new Error(`causeway relink ended with ${how}: ${relink.complaints()}`);
    let writes = -1;
    for (let pass = 0; writes !== 0 && pass < 10; pass++) writes = await syncOnce(project.file);
    const truth = await truthOf(lab);
    const figures = { copiedBefore: created, items: truth.items, lost: truth.lost, duplicated: truth.duplicated };
    const none = (value: number) => value === 0;
    return {
      figures,
      lines: [
        `  ${created} of ${truth.items} mails were on the target when the database was deleted`,
        against('lost', truth.lost, '0', none),
        against('duplicated', truth.duplicated, '0', none),
      ],
      details: { truth },
    };
  } finally {
    await lab.close();
    project.remove();
  }
};
