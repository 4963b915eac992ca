import type { Mailbox } from '#connectors/contract.ts';

/** The same mailbox, with every call counted: what a pass says of its own cost. */
export function countedMailbox(mailbox: Mailbox, count: () => void): Mailbox {
  return new Proxy(mailbox, {
    get(target, name, receiver) {
      const value = Reflect.get(target, name, receiver) as unknown;
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        count();
        return (value as (...a: unknown[]) => unknown).apply(target, args);
      };
    },
  });
}
