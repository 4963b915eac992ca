/** Letters of code page 1252 beyond Latin-1, at 0x80 to 0x9f. */
const windows1252 = '€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ';

/** A text as a property of 8-bit strings has it on a server whose code page is 1252: what has no place there is a question mark. */
export const bestFit = (text: string): string =>
  text.replace(/[^\u0000-\u007f\u00a0-\u00ff]/gu, (c) => (windows1252.includes(c) ? c : '?'));
