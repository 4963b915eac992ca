/** Name of the diagnostics channel that is told of each `Lab` as it is made: for tests that watch over all of them. */
export const labsMade = 'causeway:lab-made';
