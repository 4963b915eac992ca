import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type CourseDirectory, SwitchCourse } from '../switch/switch-course.ts';
import { program } from './directory-project.ts';
import type { SambaForest, SambaForests } from './samba-forests.ts';
import type { PeerContext } from './suite.ts';

export interface SwitchSize {
  readonly people: number;
  readonly kills: number;
}

/** People are switched, taken back and switched again on two real directories; their mailboxes are the lab's. */
export async function directorySwitch(context: PeerContext, forests: SambaForests, size: SwitchSize): Promise<void> {
  const folder = join(context.state, 'directory-switch');
  mkdirSync(folder);
  const cli = program(context.root);
  const course = await SwitchCourse.open({
    programs: { cli, lab: join(dirname(cli), 'lab.js') },
    folder,
    people: size.people,
    directories: { source: directoryOf(forests.source), target: directoryOf(forests.target) },
  });
  const check = (name: string, body: () => Promise<void>) => context.check(`switch: ${name}`, body);
  try {
    await course.run(check);
    if (size.kills > 0) await course.killRounds(size.kills, check, (text) => console.log(`directory switch: ${text}`));
  } finally {
    await course.close();
  }
}

const directoryOf = ({ url, base, user, password, ca }: SambaForest): CourseDirectory => ({
  urls: [url],
  base,
  user,
  password,
  ca,
});
