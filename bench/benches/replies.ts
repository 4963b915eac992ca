import { must } from '#kit/assert.ts';
import { addOldMail, replyToOldMail } from '#lab/load/old-mail.ts';
import { legacyDnOf } from '#lab/world/directory/recipients.ts';
import { LabProject } from '#test/directory/lab-project.fixture.ts';
import type { Bench, BenchReport } from '../support/bench.ts';
import { against } from '../support/results.ts';

const mailsDefault = 1000;

/**
 * Old mails whose senders stand in them as objects of the organization that they were written in, carried to another one and replied to there:
 * before anything was provisioned, and after. Real delivery by the lab's transport, over the commands as an administrator runs them.
 */
export const replies: Bench = async ({ quick, items, say }): Promise<BenchReport> => {
  const mails = items ?? (quick ? mailsDefault / 10 : mailsDefault);
  const people = quick ? 20 : 100;
  // Some colleagues have no mailbox on the target yet: replies to them go back over the border.
  const targets = Math.ceil(people * 0.8);
  const at = await LabProject.open({ people, targets });
  try {
    // Each is there twice: as the pass copies it, and with its sender as it was, as a stream or an archive brings it.
    const each = Math.ceil(mails / targets / 2);
    for (let n = 0; n < targets; n++) addOldMail(at.organization('source'), at.mailbox('source', n), each);
    say(`copying ${each * targets} old mails in two ways, of ${targets} people …`);
    await at.copy();
    for (let n = 0; n < targets; n++) at.carryOver(n);
    const before = reply(at, targets);
    const foundBefore = await checked(at, mails);
    say(`before: ${before.bounced} of ${before.replied} replies bounced; provisioning …`);
    const directory = await at.run('directory', 'sync');
    const failed = await at.provision();
    if (directory.code !== 0 || failed.length > 0) throw new Error([directory.out, ...failed].join('\n'));
    await at.run('directory', 'sync');
    const foundAfter = await checked(at, mails);
    const after = reply(at, targets);
    const figures = {
      mails: before.replied,
      people,
      targets,
      bouncedBefore: before.bounced,
      namedBefore: foundBefore,
      bounced: after.bounced,
      named: foundAfter,
      repliedAfter: after.replied,
      strayed: after.strayed,
    };
    return {
      figures,
      lines: [
        against('replies that bounced before provisioning', before.bounced, '> 0', (value) => value > 0),
        against('senders that check --replies named before', foundBefore, '> 0', (value) => value > 0),
        against(`replies that bounced after, of ${after.replied}`, after.bounced, '0', (value) => value === 0),
        against('replies that came to somebody else', after.strayed, '0', (value) => value === 0),
        against('senders that check --replies names after', foundAfter, '0', (value) => value === 0),
      ],
      details: { firstBounces: after.reasons.slice(0, 20) },
    };
  } finally {
    await at.close();
  }
};

/** Everybody replies to every old mail on the target. Each reply belongs to the mailbox that the sender works in: the source's. */
function reply(at: LabProject, targets: number) {
  const { postOffice } = at.lab.world;
  let replied = 0;
  let bounced = 0;
  let strayed = 0;
  const reasons: string[] = [];
  for (let n = 0; n < targets; n++) {
    const first = postOffice.outcomes.length;
    const mine = at.mailbox('target', n);
    const result = replyToOldMail(mine);
    replied += result.replied;
    bounced += result.replied - result.delivered;
    reasons.push(...Object.entries(result.bounced).map(([address, why]) => `${address}: ${why}`));
    for (const { kind, recipient, detail } of postOffice.outcomes.slice(first))
      if (kind === 'delivered' && detail !== mine.address && detail !== homeOf(at, recipient)) strayed++;
  }
  return { replied, bounced, strayed, reasons };
}

/** Address of the mailbox of whom a DN of the source names, wrapped or not. */
function homeOf(at: LabProject, address: string): string | null {
  const { first } = at.organization('source').forest;
  const dn = legacyDnOf(address, 'source.test') ?? address;
  const [entry] = first.having('legacyExchangeDN', dn);
  return entry === undefined ? null : first.text(entry, 'mail');
}

/** Addresses that the command names as those to which a reply would bounce. */
async function checked(at: LabProject, mails: number): Promise<number> {
  const { lines } = await at.lines('check', '--replies', '--sample', String(mails));
  must(lines.at(-1), 'a result');
  return lines.filter(({ check, level }) => check === 'replies' && level === 'error').length;
}
