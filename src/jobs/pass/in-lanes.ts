/** Runs work over things, at most `lanes` at a time; the first failure ends it once what runs has ended. */
export async function inLanes<T>(
  lanes: number,
  things: readonly T[],
  work: (thing: T) => Promise<void>,
): Promise<void> {
  let next = 0;
  let failed: { error: unknown } | null = null;
  const lane = async () => {
    while (next < things.length && failed === null) {
      const thing = things[next++] as T;
      try {
        await work(thing);
      } catch (error) {
        failed ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(lanes, things.length) }, lane));
  if (failed !== null) throw (failed as { error: unknown }).error;
}
