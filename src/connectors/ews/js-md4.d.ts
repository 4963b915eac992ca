/** The part of js-md4 that is used; the package brings no types. */
declare module 'js-md4' {
  export function arrayBuffer(message: Uint8Array): ArrayBuffer;
}
