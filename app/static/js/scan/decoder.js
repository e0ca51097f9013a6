/* Reads codes from pictures, beside the page. It is served from /scan/decoder.js, the one address whose policy lets it
 * compile WebAssembly. Asked {number, picture, photo}; answers {number, codes} or {number, failed}. */

import { decode, prepare } from "/static/js/scan/reader.js";

const ready = Promise.resolve(prepare?.()).then(
  () => postMessage({ ready: true }),
  (error) => postMessage({ ready: false, failed: String(error) }),
);

onmessage = async ({ data: { number, picture, photo } }) => {
  try {
    await ready;
    postMessage({ number, codes: await decode(picture, { photo }) });
  } catch (error) {
    postMessage({ number, failed: String(error) });
  }
};
