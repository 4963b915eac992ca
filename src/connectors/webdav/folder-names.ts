/**
 * Names of folders in addresses. Characters that mean something there, or that Windows takes in no name, have stand-ins of their own in
 * the web storage system (evolution-exchange `e2k_uri_append_encoded`); the others are encoded as in any address.
 */
const standIns: Readonly<Record<string, string>> = {
  '/': '_xF8FF_',
  '\\': '_xF8FE_',
  '?': '_x003F_',
  '~': '_x007E_',
};

export const folderPathName = (name: string): string =>
  encodeURIComponent(name.replace(/[/\\?~]/g, (character) => standIns[character] ?? character)).replace(
    /['()!*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
