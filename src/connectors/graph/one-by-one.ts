import { type Fault, FaultError } from '#kit/fault.ts';

/**
 * For requests that know no batch: each by itself, as many at a time as the allowance of the mailbox lets. A fault that concerns more
 * than one item stands in the place of each that was not done. It is thrown only when nothing can have been done for any of them, since
 * whoever catches it may ask for all of them again.
 */
export async function inPlaceOfEach<T, R>(
  items: readonly T[],
  run: (item: T) => Promise<R | Fault>,
): Promise<readonly (R | Fault)[]> {
  const answers = await Promise.allSettled(items.map(run));
  const errors = answers.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
  for (const error of errors) if (!(error instanceof FaultError)) throw error;
  const faults = (errors as readonly FaultError[]).map(({ fault }) => fault);
  const isUndone = faults.every((fault) => fault.kind !== 'transient' || !fault.mayHaveHappened);
  if (errors.length > 0 && errors.length === items.length && isUndone) throw errors[0];
  return answers.map((one) => (one.status === 'fulfilled' ? one.value : (one.reason as FaultError).fault));
}
