import { join } from 'node:path';
import { z } from 'zod';
import { type Program, start } from './programs.ts';
import type { PeerContext } from './suite.ts';

/** The part of the lab's ready line (docs: `causeway lab`) that peers use. */
const readyLine = z.object({
  orgs: z.array(
    z.object({
      name: z.string(),
      version: z.string(),
      domain: z.string(),
      // Empty: its version has none.
      ews: z.url().default(''),
      ewsPlain: z.url().default(''),
      webdav: z.url().default(''),
      ca: z.string(),
      admin: z.object({ user: z.string(), password: z.string() }),
      mailboxes: z.array(z.object({ address: z.string(), user: z.string(), password: z.string() })).min(1),
    }),
  ),
});
export type LabOrganization = z.infer<typeof readyLine>['orgs'][number];

/** Starts the lab as a program of its own, as any other user of it does: `NAME:VERSION` per organization. */
export async function startLab(
  context: PeerContext,
  organizations: readonly string[],
): Promise<readonly LabOrganization[]> {
  // A log of its own: the ready line of a lab before it would be taken for this one's.
  const logFile = join(context.state, `lab-${organizations.join('-').replaceAll(':', '-')}.log`);
  const lab: Program = context.started(
    start(
      process.execPath,
      [
        join(context.root, 'bin/causeway.mjs'),
        'lab',
        ...organizations.flatMap((organization) => ['--org', organization]),
        ...['--mailboxes', '4', '--items', '400', '--seed', '1', '--json'],
      ],
      { logFile, stopSignal: 'SIGINT' },
    ),
  );
  const line = await lab.line((text) => text.startsWith('{"orgs"'), 60_000);
  return readyLine.parse(JSON.parse(line)).orgs;
}
