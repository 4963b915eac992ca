import type { MailPolicy } from '#model/policy.ts';

/**
 * How many deletions a pair may still carry out. An emptied source is believed only up to this budget; what is over it is held
 * and somebody is asked (promise 1; the third of the five worst days).
 *
 * @param linked Items that have a copy on the target.
 * @param spent Deletions of the last 24 hours.
 */
export function deletionsLeft(policy: MailPolicy['maxDelete'], linked: number, spent: number): number {
  const allowed = Math.max(policy.atLeast, Math.floor(policy.share * linked));
  return Math.max(0, allowed - spent);
}
