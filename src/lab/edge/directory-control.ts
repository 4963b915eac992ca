/** What tests and the demo do to directories and mail flow through the control interface. */
import type { Lab, LabOrganization } from '../lab.ts';
import { addOldMail, replyToOldMail } from '../load/old-mail.ts';
import { ControlRefusal } from '../meetings/control.ts';
import { runExchangeShell } from '../world/directory/exchange-shell.ts';
import { ShellSyntaxError } from '../world/directory/power-shell.ts';
import { DirectoryRefusal } from '../world/directory/refusal.ts';

type Fields = Readonly<Record<string, unknown>>;

const textList = (body: Fields, name: string, most: number): readonly string[] => {
  const value = body[name];
  if (!Array.isArray(value) || value.length > most || value.some((one) => typeof one !== 'string'))
    throw new ControlRefusal(`${name} is a list of up to ${most} texts`);
  return value as readonly string[];
};
const number = (body: Fields, name: string, least: number, most: number): number => {
  const value = body[name];
  if (typeof value !== 'number' || !(value >= least && value <= most))
    throw new ControlRefusal(`${name} is a number from ${least} to ${most}`);
  return value;
};

/** Runs lines of the Exchange Management Shell. */
export function runShell({ world }: LabOrganization, body: Fields): object {
  try {
    return { outcomes: runExchangeShell(world, textList(body, 'lines', 100_000)) };
  } catch (error) {
    if (error instanceof ShellSyntaxError) throw new ControlRefusal(error.message);
    throw error;
  }
}

/** Delay between controllers, and what the restricted account may do. */
export function configureDirectory({ world: { forest } }: LabOrganization, body: Fields): object {
  for (const name of Object.keys(body))
    if (!['replicationDelayMs', 'writes', 'hidden', 'replicates'].includes(name))
      throw new ControlRefusal(`${name} is one of replicationDelayMs, writes, hidden, replicates`);
  if (body['replicationDelayMs'] !== undefined)
    forest.replicationDelayMs = number(body, 'replicationDelayMs', 0, 86_400_000);
  try {
    if (body['writes'] !== undefined) forest.setRights({ writes: textList(body, 'writes', 100) });
    if (body['hidden'] !== undefined) forest.setRights({ hidden: textList(body, 'hidden', 100) });
    if (body['replicates'] !== undefined) forest.setRights({ replicates: textList(body, 'replicates', 100) });
  } catch (error) {
    if (error instanceof DirectoryRefusal) throw new ControlRefusal(error.message);
    throw error;
  }
  return { replicationDelayMs: forest.replicationDelayMs, underWay: forest.underWay, ...forest.rights };
}

export function configureMailFlow({ world: { mailFlow } }: LabOrganization, body: Fields): object {
  for (const [name, value] of Object.entries(body))
    switch (name) {
      case 'acceptedDomains': {
        const domains = Object.entries((value ?? {}) as Fields);
        for (const [domain, kind] of domains)
          if (kind !== 'authoritative' && kind !== 'internal-relay')
            throw new ControlRefusal(`${domain} is authoritative or internal-relay`);
        for (const [domain, kind] of domains)
          mailFlow.acceptedDomains.set(domain.toLowerCase(), kind as 'authoritative' | 'internal-relay');
        break;
      }
      case 'mayForwardOutside':
        if (typeof value !== 'boolean') throw new ControlRefusal('mayForwardOutside is true or false');
        mailFlow.mayForwardOutside = value;
        break;
      case 'journalTo':
        if (value !== null && typeof value !== 'string') throw new ControlRefusal('journalTo is an address or null');
        mailFlow.journalTo = value;
        break;
      case 'hopMax':
        mailFlow.hopMax = number(body, 'hopMax', 1, 1000);
        break;
      default:
        throw new ControlRefusal(`${name} is one of acceptedDomains, mayForwardOutside, journalTo, hopMax`);
    }
  return { acceptedDomains: Object.fromEntries(mailFlow.acceptedDomains) };
}

/** Starts mail from outside; it goes on by itself. */
export function startMailLoad(lab: Lab, body: Fields): object {
  const to = textList(body, 'to', 100_000);
  const perSecond = number(body, 'perSecond', 0, 1000);
  const seconds = number(body, 'seconds', 0, 86_400);
  lab.mailLoad.stop();
  if (to.length > 0 && perSecond > 0) void lab.mailLoad.run({ to, perSecond, seconds }).catch(lab.reportFailure);
  return { planned: Math.floor(perSecond * seconds) };
}

export function makeOldMail(lab: Lab, address: string, body: Fields): object {
  const mailbox = lab.world.mailbox(address);
  if (mailbox === null) throw new ControlRefusal(`there is no mailbox ${address}`);
  return { made: addOldMail(mailbox.organization, mailbox, number(body, 'count', 0, 100_000)).length };
}
export function answerOldMail(lab: Lab, address: string): object {
  const mailbox = lab.world.mailbox(address);
  if (mailbox === null) throw new ControlRefusal(`there is no mailbox ${address}`);
  return replyToOldMail(mailbox);
}

/** Who used a mailbox under the owner's own name since a time: requests over the web front, as far back as they are kept, and mails sent. */
export function usesOf(lab: Lab, address: string, sinceMs: number): object {
  const mailbox = lab.world.mailbox(address);
  if (mailbox === null) throw new ControlRefusal(`there is no mailbox ${address}`);
  const one = lab.organization(mailbox.organization.name);
  const logons = one.traffic.since(0).filter(({ atMs, caller }) => atMs >= sinceMs && caller === mailbox.user);
  const sends = lab.outbox.filter(
    ({ atMs, from, cause }) => atMs >= sinceMs && from === mailbox.address && cause === 'sent-by-person',
  );
  return {
    logons: logons.map(({ atMs, operation }) => ({ atMs, operation })),
    sends: sends.map(({ atMs, to }) => ({ atMs, to })),
  };
}
