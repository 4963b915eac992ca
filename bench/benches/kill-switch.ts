import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SwitchCourse } from '#test/switch/switch-course.ts';
import type { Bench } from '../support/bench.ts';
import { bundle } from '../support/processes.ts';
import { against } from '../support/results.ts';

const roundCount = 30;
/** Two of them are switched and taken back by hand; the others are who it is about. */
const people = 4;

/**
 * The course of a migration by commands, over the lab's directories, while mail arrives; then whoever switches people, or takes them back, is
 * killed over and over: by turns a command and the tree of an agent. A check that fails ends the run.
 */
export const killSwitch: Bench = async ({ quick, rounds, pairs, say }) => {
  const total = rounds ?? (quick ? 5 : roundCount);
  const folder = mkdtempSync(join(tmpdir(), 'causeway-bench-course-'));
  const course = await SwitchCourse.open({
    programs: { cli: bundle('cli'), lab: bundle('lab') },
    folder,
    people: pairs ?? people,
  });
  try {
    const check = async (name: string, body: () => Promise<void>): Promise<void> => {
      say(`${name} …`);
      await body();
    };
    await course.run(check);
    const killed = await course.killRounds(total, check, say);
    const { mails } = await course.mail();
    const figures = { rounds: total, killedOnTheirWay: killed, mails, misplaced: 0 };
    return {
      figures,
      lines: [
        `switches killed: ${total} rounds over ${people - 2} people while mail arrives`,
        against('killed on their way, not after their end', killed, `≥ ${Math.ceil(total / 2)}`, (n) => n >= total / 2),
        `  mails, each delivered once and seen once     ${mails}`,
      ],
      details: {},
    };
  } finally {
    await course.close();
    rmSync(folder, { recursive: true, force: true });
  }
};
