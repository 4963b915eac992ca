/** The part of js-md4 that is used; the package brings no types. It is CommonJS, of which Node shows no names: only the whole. */
declare module 'js-md4' {
  const md4: { arrayBuffer(message: Uint8Array): ArrayBuffer };
  export = md4;
}
