import type { Side } from '#model/ids.ts';
import { hash128 } from '#model/stamp.ts';
import type { Finding } from '../check.ts';
import { InboxSearch } from '../switch/find-mail.ts';
import type { SwitchServices } from '../switch/ports.ts';

const lookEveryMs = 2_000;
const nameOf = { left: 'source', right: 'target' } as const satisfies Record<Side, string>;

export type ProbeServices = Pick<SwitchServices, 'store' | 'clock' | 'requestDeadlineMs' | 'pair' | 'post' | 'policy'>;

/**
 * One mail into each organization that takes submissions, to the person's address there: both have to come to the mailbox that the person
 * works in, and to no other one. What is found is removed again, recoverably. Throws FaultError.
 *
 * @param mark differs from one try to the next.
 */
export async function* probeRouting(
  services: ProbeServices,
  active: Side,
  mark: string,
  signal: AbortSignal,
): AsyncGenerator<Finding> {
  const { pair, post, policy, clock } = services;
  const other: Side = active === 'left' ? 'right' : 'left';
  const search = {
    [active]: new InboxSearch({ services, signal }, active),
    [other]: new InboxSearch({ services, signal }, other),
  } as Record<Side, InboxSearch>;
  // Where the feeds are now: what is looked for comes after.
  for (const side of ['left', 'right'] as const) await search[side].look(new Set());
  const probes: { readonly side: Side; readonly id: string }[] = [];
  for (const side of ['left', 'right'] as const) {
    const way = post[side];
    const subject = `${pair[side].address}, submitted to the ${nameOf[side]}`;
    if (way === null) {
      yield {
        level: 'note',
        check: 'probe',
        subject,
        detail: 'no mail can be submitted there',
        advice:
          'name a submission of the organization in the project file, or send a mail yourself and look where it arrives',
      };
      continue;
    }
    const domain = way.from.slice(way.from.lastIndexOf('@') + 1);
    const id = `<causeway-routing-${hash128(`${pair.id} ${side} ${mark}`)}@${domain}>`;
    await way.send(
      {
        to: pair[side].address,
        subject: 'Causeway probe: this mail shows where mail goes, and is removed again',
        text: 'Sent by Causeway on the order of an administrator who checks where mail goes. It may be deleted.\r\n',
        messageId: id,
      },
      signal,
    );
    probes.push({ side, id });
  }
  const untilMs = clock.monotonicMs() + policy.probeMaxMs;
  const wanted = new Set(probes.map(({ id }) => id));
  const open = new Set(wanted);
  const astray = new Set<string>();
  while (open.size > 0) {
    for (const side of ['left', 'right'] as const) {
      const found = [...(await search[side].look(wanted))].filter(([id]) => open.has(id));
      await search[side].remove(found.map(([, head]) => head));
      for (const [id] of found) {
        open.delete(id);
        if (side !== active) astray.add(id);
      }
    }
    if (open.size === 0 || clock.monotonicMs() >= untilMs) break;
    await clock.sleep(lookEveryMs, signal);
  }
  for (const { side, id } of probes) {
    const subject = `${pair[side].address}, submitted to the ${nameOf[side]}`;
    const error = (detail: string, advice: string): Finding => ({
      level: 'error',
      check: 'probe',
      subject,
      detail,
      advice,
    });
    if (astray.has(id))
      yield error(
        `a mail came to the ${nameOf[other]}, where the person does not work`,
        'causeway check --routing without --probe names the redirection that is wrong',
      );
    else if (open.has(id))
      yield error(
        `a mail has not come for ${Math.round(policy.probeMaxMs / 60_000)} minutes`,
        'follow it with Get-MessageTrackingLog; connectors between the organizations, accepted domains and spam filters are what usually stops it',
      );
    else
      yield {
        level: 'ok',
        check: 'probe',
        subject,
        detail: `a mail came to the ${nameOf[active]}, and was removed`,
        advice: null,
      };
  }
}
