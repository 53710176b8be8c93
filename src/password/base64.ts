const UNPADDED_BASE64 = /^[A-Za-z0-9+/]*$/;

/** Standard alphabet, no padding: the "B64" of the PHC string format. */
export function encodeBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replace(/=+$/, "");
}

/**
 * The bytes of canonical unpadded base64, or undefined: for foreign characters, padding, an impossible length, or bits
 * beyond the last byte that are not zero. Thus every sequence of bytes has exactly one text.
 */
export function decodeBase64(text: string): Uint8Array | undefined {
  if (!UNPADDED_BASE64.test(text) || text.length % 4 === 1) {
    return undefined;
  }
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return encodeBase64(bytes) === text ? bytes : undefined;
}
