import type { ChildProcess } from 'node:child_process';
import { type ControlClient, controlClient } from '#lab/control-client.ts';
import { type EwsAddresses, type LabAddresses, withEws } from '#lab/lab.ts';
import { startServer } from './processes.ts';
import type { ProjectEnd } from './project.ts';

export interface RunningLab {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly source: EwsAddresses;
  readonly target: EwsAddresses;
  readonly control: ControlClient;
  /** Each source mailbox with the target mailbox of the same name. */
  readonly pairs: readonly (readonly [string, string])[];
  close(): Promise<void>;
}

/** A lab in a process of its own, with its control interface. @param versions of source and target. @param name bundle of the lab. */
export async function startLab(
  [sourceVersion, targetVersion]: readonly [string, string],
  args: readonly string[],
  name = 'lab',
): Promise<RunningLab> {
  const { ready, child, pid, close } = await startServer<
    LabAddresses & { readonly control: { readonly url: string; readonly token: string } }
  >(name, ['--org', `source:${sourceVersion}`, '--org', `target:${targetVersion}`, ...args, '--control', '--json']);
  const [source, target] = ready.orgs;
  const twins = new Map(target?.mailboxes.map(({ address }) => [address.split('@')[0], address]));
  return {
    child,
    pid,
    source: withEws(source),
    target: withEws(target),
    control: controlClient(ready.control),
    pairs: (source?.mailboxes ?? []).flatMap(({ address }) => {
      const twin = twins.get(address.split('@')[0]);
      return twin === undefined ? [] : [[address, twin] as const];
    }),
    close,
  };
}

/** @param plain HTTP: what is measured is not TLS. */
export const projectEnd = ({ name, ews, ewsPlain, ca, admin }: EwsAddresses, plain: boolean): ProjectEnd => ({
  name,
  endpoint: plain ? ewsPlain : ews,
  user: admin.user,
  password: admin.password,
  ...(plain ? {} : { ca }),
});
